/** The processes of one sample or group, as one: started, held, released and ended together. */
import { direct, type Launcher } from './launch.js';
import { MEETINGS, type ChildTask } from './protocol.js';
import { spawnChild, type ChildEnd, type WaitingChild } from './spawn.js';

/** How the processes of a crew ended, in their order. */
export interface CrewEnd {
  readonly ends: readonly ChildEnd[];
  /** The first that ended without a measurement, for which the others were ended; null where each has one. */
  readonly cause: number | null;
}

export interface Crew {
  readonly spawnedAtNs: readonly number[];
  /** Of those that wait; undefined where one could not be started. */
  pids(): readonly (number | undefined)[];
  /** Resolves to true when all wait at the start barrier, to false when one ended before: then all are ended. */
  readonly ready: Promise<boolean>;
  /** Lets all start, the bytes written back to back. */
  release(): void;
  /** Settles when all have ended. Never rejects. */
  readonly ended: Promise<CrewEnd>;
  kill(): void;
}

export function startCrew(task: ChildTask, processes: number, timeoutMs: number, launcher: Launcher = direct): Crew {
  const children = Array.from({ length: processes }, () => spawnChild(task, timeoutMs, launcher));
  const held = task.kind === 'sample' && task.spec.held;
  const kill = (): void => {
    for (const child of children) child.kill();
  };
  let cause: number | null = null;
  const ended = Promise.all(
    children.map(async (child, index) => {
      const end = await child.ended;
      // What one of several could not do, the others do for nothing.
      if (cause === null && !isMeasured(end)) {
        cause = index;
        kill();
      }
      return end;
    }),
  ).then((ends): CrewEnd => ({ ends, cause }));
  return {
    spawnedAtNs: children.map(({ spawnedAtNs }) => spawnedAtNs),
    pids: () => children.map(({ pid }) => pid),
    ready: allReady(children, held),
    release: () => {
      for (const child of children) child.release();
      if (held) void holdTogether(children);
    },
    ended,
    kill,
  };
}

function isMeasured(end: ChildEnd): boolean {
  return end.kind === 'answered' && end.answer.kind !== 'failed';
}

/** The baseline is read when all are there, too. */
async function allReady(children: readonly WaitingChild[], held: boolean): Promise<boolean> {
  if (held && !(await meet(children, 1))) return false;
  const ready = await Promise.all(children.map((child) => child.ready));
  return ready.every((each) => each);
}

/** Lets nobody go on before all have come; ends where one has ended. */
async function holdTogether(children: readonly WaitingChild[]): Promise<void> {
  for (let meeting = 1; meeting <= MEETINGS; meeting++) {
    if (!(await meet(children, 1 + meeting))) return;
  }
}

async function meet(children: readonly WaitingChild[], times: number): Promise<boolean> {
  const met = await Promise.all(children.map((child) => child.met(times)));
  if (!met.every((each) => each)) return false;
  for (const child of children) child.goOn();
  return true;
}
