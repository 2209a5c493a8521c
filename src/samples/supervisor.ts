/**
 * Owns one memory control group: makes it, starts processes in it, and removes it with whatever is left in it when its
 * input ends, which also happens when the run that started it is killed. It kills nothing but what is in its group, and
 * is in none of the limited groups itself. argv[2] is a SupervisorTask as JSON.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { reasonOf } from '../failure.js';
import { memoryGroups } from '../machine.js';
import { entranceOf, makeGroup, removeGroup } from './cgroup.js';
import {
  laneDescriptors,
  type SupervisorNews,
  type SupervisorOrder,
  type SupervisorTask,
} from './supervisor-protocol.js';

const task = JSON.parse(process.argv[2] ?? '') as SupervisorTask;
const running = new Map<number, ChildProcess>();

function tell(news: SupervisorNews): void {
  try {
    writeSync(1, `${JSON.stringify(news)}\n`);
  } catch {
    // The run is gone; the end of the input tells.
  }
}

/** Where groups are made. In a scope of its own this process steps aside first: a group that has some below holds none. */
function parentGroup(): string {
  if (task.parent !== null) return task.parent;
  const own = memoryGroups().folders.at(-1) ?? '';
  const aside = join(own, 'supervisor');
  mkdirSync(aside);
  writeFileSync(entranceOf(aside), '0');
  return own;
}

function open(): string | null {
  try {
    const path = join(parentGroup(), task.name);
    makeGroup(task.version, path, task.bytes, task.below);
    tell({ kind: 'opened', path });
    return path;
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    tell({ kind: 'refused', reason });
    return null;
  }
}

/** A process enters before it becomes the command, so that nothing of the command's memory is charged elsewhere. */
const ENTER = 'echo $$ > "$0" && exec "$@"';

function start(path: string, { lane, group, command, args }: SupervisorOrder & { readonly kind: 'start' }): void {
  const entrance = entranceOf(group === null ? path : join(path, group));
  const [stderr, answer, release] = laneDescriptors(lane);
  const child = spawn('/bin/sh', ['-c', ENTER, entrance, command, ...args], {
    stdio: ['ignore', 'ignore', stderr, answer, release],
  });
  running.set(lane, child);
  if (child.pid !== undefined) tell({ kind: 'started', lane, pid: child.pid });
  // Ours would keep the lane open after the process has ended.
  for (const descriptor of [stderr, answer, release]) closeSync(descriptor);
  const ended = (exitCode: number | null, signal: string | null, problem: string | null): void => {
    if (running.delete(lane)) tell({ kind: 'ended', lane, exitCode, signal, problem });
  };
  child.once('error', (error) => ended(null, null, error.message));
  child.once('exit', (exitCode, signal) => ended(exitCode, signal, null));
}

async function close(path: string): Promise<never> {
  // A process may not have entered yet.
  for (const child of running.values()) child.kill('SIGKILL');
  tell({ kind: 'closed', held: await removeGroup(task.version, path) });
  process.exit();
}

const path = open();
if (path !== null) {
  const orders = createInterface({ input: process.stdin });
  orders.on('line', (line) => {
    const order = JSON.parse(line) as SupervisorOrder;
    if (order.kind === 'start') start(path, order);
    else running.get(order.lane)?.kill('SIGKILL');
  });
  let closing = false;
  const end = (): void => {
    if (!closing) void close(path);
    closing = true;
  };
  orders.once('close', end);
  // Told to go, it takes what it owns with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}
