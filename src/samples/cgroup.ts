/**
 * Makes and removes memory control groups. A group's name carries who owns it, so that one that a killed run left behind
 * is known, and swept by the next run.
 */
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { failWith } from '../failure.js';
import { groupsUnder, readCounters, textOf, wholeNumber, type GroupVersion } from './cgroup-counters.js';

/** weighbridge-PID-STARTTIME-N: the run that owns it, and its how manieth it is. */
const NAME = /^weighbridge-(\d+)-(\d+)-(\d+)$/;

/**
 * Clock ticks from boot to the start of a process (proc_pid_stat(5), field 22): with its number, who it is. Null if it has
 * ended, also where nobody waited for it yet.
 */
export function startTimeOf(pid: number): number | null {
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is a name in brackets, which may hold anything.
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : wholeNumber(fields[18]);
}

let made = 0;

export function nextGroupName(): string {
  made += 1;
  return `weighbridge-${process.pid}-${startTimeOf(process.pid) ?? 0}-${made}`;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw failWith({
      code: 'cgroup-refused',
      operation: 'memory limit',
      path,
      errno: code ?? null,
      message: `the kernel refused ${JSON.stringify(text)} (${code ?? String(error)})`,
      remedy:
        code === 'EBUSY'
          ? 'the group holds processes: run it from one whose parent is delegated'
          : 'see whether the group is still there, and whether you may write it',
    });
  }
}

/** Lets groups below `parent` have limits. */
function delegateMemory(parent: string): void {
  const control = join(parent, 'cgroup.subtree_control');
  if (!(textOf(control) ?? '').split(/\s+/).includes('memory')) write(control, '+memory');
}

/**
 * A new group with a limit, and in it the groups named. Swap is limited too where it is accounted for: what would be
 * swapped out must fail here, since it would be neither resident nor read from the model. Throws an error with a Reason.
 */
export function makeGroup(version: GroupVersion, path: string, bytes: number | null, below: readonly string[]): void {
  if (version === 2) delegateMemory(dirname(path));
  mkdirSync(path);
  try {
    if (version === 1 && textOf(join(path, 'memory.use_hierarchy'))?.trim() === '0') {
      write(join(path, 'memory.use_hierarchy'), '1');
    }
    if (bytes !== null) limitGroup(version, path, bytes);
    if (version === 2 && below.length > 0) delegateMemory(path);
    for (const name of below) mkdirSync(join(path, name));
  } catch (error) {
    for (const group of [...groupsUnder(path)].reverse()) rmdirSync(group);
    throw error;
  }
}

function limitGroup(version: GroupVersion, path: string, bytes: number): void {
  const [limit, swap, most] =
    version === 1
      ? ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', String(bytes)]
      : ['memory.max', 'memory.swap.max', '0'];
  write(join(path, limit), String(bytes));
  if (textOf(join(path, swap)) !== null) write(join(path, swap), most);
  const set = readCounters(version, path).limitBytes;
  if (typeof set === 'number' && set <= bytes && bytes - set < LARGEST_PAGE) return;
  throw failWith({
    code: 'limit-not-set',
    operation: 'memory limit',
    path,
    message: `the limit reads ${String(set)} after ${bytes} was written`,
    remedy: null,
  });
}

/** A limit is rounded down to whole pages. */
const LARGEST_PAGE = 64 * 1024;

/** The file that a process writes its number to in order to enter. */
export const entranceOf = (path: string): string => join(path, 'cgroup.procs');

function membersOf(path: string): readonly number[] {
  return groupsUnder(path).flatMap((group) =>
    (textOf(entranceOf(group)) ?? '').split('\n').filter(Boolean).map(Number),
  );
}

function killMembers(path: string): void {
  for (const pid of membersOf(path)) {
    try {
      // 0 is a process of another PID namespace: whom the kernel would take it to mean is us.
      if (pid > 0) process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

const REMOVAL_ATTEMPTS = 400;
const REMOVAL_PAUSE_MS = 25;

/**
 * Kills what is in the group, and removes it and those below. The kernel needs a while to let go of processes that were
 * killed. Null when it is gone, else what holds it.
 */
export async function removeGroup(version: GroupVersion, path: string): Promise<string | null> {
  let why = '';
  for (let attempt = 1; attempt <= REMOVAL_ATTEMPTS; attempt++) {
    killMembers(path);
    const groups = [...groupsUnder(path)].reverse();
    if (groups.length === 0) return null;
    try {
      for (const group of groups) {
        if (version === 1) emptyGroup(group);
        rmdirSync(group);
      }
      return null;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') continue;
      const held = membersOf(path);
      why = `${code ?? String(error)}${held.length === 0 ? '' : `, held by ${held.join(' ')}`}`;
    }
    await delay(REMOVAL_PAUSE_MS);
  }
  return why;
}

/**
 * Gives the group's page cache back: a group of version 1 that goes with pages charged to it lives on unseen. Refused
 * while it holds processes.
 */
function emptyGroup(path: string): void {
  try {
    writeFileSync(join(path, 'memory.force_empty'), '0');
  } catch {
    // What it does not give back goes to the group above.
  }
}

/** Whether the run that a group's name tells of still lives; null for other names. */
export function ownerLives(name: string): boolean | null {
  const found = NAME.exec(name);
  return found === null ? null : startTimeOf(Number(found[1])) === Number(found[2]);
}

/**
 * Removes groups under `parent` whose run is dead, with what is left in them; returns their names. A group with processes
 * that cannot be seen from here belongs to another container, whose runs look dead from here.
 */
export async function sweepGroups(version: GroupVersion, parent: string): Promise<readonly string[]> {
  const swept: string[] = [];
  for (const { name } of readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const path = join(parent, name);
    if (ownerLives(name) !== false || membersOf(path).includes(0)) continue;
    if ((await removeGroup(version, path)) === null) swept.push(basename(path));
  }
  return swept;
}

/** The least limit of the groups that hold `path`; null for none. */
export function limitAbove(version: GroupVersion, path: string): number | null {
  const limits: number[] = [];
  for (let folder = dirname(path); textOf(entranceOf(folder)) !== null; folder = dirname(folder)) {
    const { limitBytes } = readCounters(version, folder);
    if (typeof limitBytes === 'number') limits.push(limitBytes);
  }
  return limits.length === 0 ? null : Math.min(...limits);
}
