import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import { startCrew, type Crew } from '../../src/samples/crew.js';
import { direct, type Launcher } from '../../src/samples/launch.js';
import type { ChildTask } from '../../src/samples/protocol.js';
import type { ModelRecord } from '../../src/samples/record.js';
import { taskOf } from '../../src/samples/task.js';
import { copyOfFixture, processesWith, removeFolder, scratchFolder, until } from '../processes.js';
import { arm } from '../statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const path = copyOfFixture('tiny-Q8_0.gguf', folder);
const TIMEOUT_MS = 60_000;

function task(processes: number, mechanism = 'mmap'): ChildTask {
  const parts = [{ path, bytes: readFileSync(path).length }];
  const model: ModelRecord = {
    ...{ path, parts, bytes: parts[0]?.bytes ?? 0, tensorBytes: 1, headerBytes: 1, headerDigest: '' },
    ...{ name: null, fileSystem: 'ext4', device: '' },
  };
  const options = mechanism === 'mmap' ? { sharing: 'shared' } : {};
  const of = arm('mine', { mechanism, options, processes, isa: 'scalar', threads: 1, prompt: 4, generate: 2 });
  const { shape } = native().kernelPlan(path, { context: 8, batch: 4, threads: 1 });
  const ceilings = { device: {}, firstTouch: { backedNs: 0, returnedNs: null, limitNs: null } };
  return taskOf({ ...of, context: 8 }, model, shape, 'memory', ceilings);
}

/** Starts what becomes the process that is asked for. */
const through = ([program = '', ...words]: readonly string[]): Launcher => ({
  ...direct,
  launch: (command, args) => direct.launch(program, [...words, command, ...args]),
});

const pids = (): number[] => processesWith('samples/child.js', path).sort((a, b) => a - b);

/** A crew that waits at its start barrier, and its processes. */
async function waiting(processes: number): Promise<{ readonly crew: Crew; readonly members: readonly number[] }> {
  const crew = startCrew(task(processes), processes, TIMEOUT_MS);
  if (!(await crew.ready)) throw new Error(JSON.stringify(await crew.ended));
  return { crew, members: pids() };
}

/** A whole sample of another process: longer than one that is already at its barrier has to go. */
async function another(): Promise<void> {
  const crew = startCrew(task(1), 1, TIMEOUT_MS);
  await crew.ready;
  crew.release();
  await crew.ended;
}

test.serial('no process of a group goes on past a reading of memory before all have come to it', async (t) => {
  const { crew, members } = await waiting(3);
  const [stopped = 0, ...others] = members;
  process.kill(stopped, 'SIGSTOP');
  crew.release();
  await another();
  t.deepEqual(pids(), members);
  process.kill(stopped, 'SIGCONT');
  const { ends, cause } = await crew.ended;
  t.is(cause, null);
  t.is(others.length, 2);
  for (const end of ends) t.is(end.kind === 'answered' ? end.answer.kind : end.kind, 'sample');
});

test.serial('one that dies at a meeting ends the others, and is the cause', async (t) => {
  const { crew, members } = await waiting(3);
  const [stopped = 0] = members;
  process.kill(stopped, 'SIGSTOP');
  crew.release();
  await another();
  process.kill(stopped, 'SIGKILL');
  const { ends, cause } = await crew.ended;
  t.not(cause, null);
  t.like(ends[cause ?? 0], { kind: 'died', signal: 'SIGKILL' });
  t.true(ends.every(({ kind }) => kind === 'died'));
  t.deepEqual(pids(), []);
});

test.serial('one that dies before the barrier ends the others', async (t) => {
  const never = ['/bin/sh', '-c', 'while [ ! -e "$0" ]; do sleep 0.05; done; exec "$@"', join(folder, 'never')];
  const crew = startCrew(task(3), 3, TIMEOUT_MS, through(never));
  await until(() => pids().length === 3, 60, 'three processes');
  process.kill(pids()[2] ?? 0, 'SIGKILL');
  t.false(await crew.ready);
  t.true((await crew.ended).ends.every(({ kind }) => kind === 'died'));
});

test.serial('what launches a process becomes it', async (t) => {
  const crew = startCrew(task(2), 2, TIMEOUT_MS, through(['/bin/sh', '-c', 'exec "$@"', 'sh']));
  t.true(await crew.ready);
  crew.release();
  t.is((await crew.ended).cause, null);
});

test.serial('a loader that throws in one ends all, with its reason', async (t) => {
  const crew = startCrew(task(2, 'telepathy'), 2, TIMEOUT_MS);
  t.false(await crew.ready);
  const { ends, cause } = await crew.ended;
  const end = ends[cause ?? 0];
  t.is(end?.kind === 'answered' ? end.answer.kind : null, 'failed');
});

test.serial('a crew that is killed while it waits ends', async (t) => {
  const { crew } = await waiting(2);
  crew.kill();
  t.true((await crew.ended).ends.every(({ kind }) => kind === 'died'));
  t.deepEqual(pids(), []);
});
