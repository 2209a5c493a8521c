/** Starts a sample's process, holds it at its start barrier, releases it and collects its answer. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { native } from '../native.js';
import { direct, type Launcher } from './launch.js';
import type { ChildAnswer, ChildTask } from './protocol.js';

const childPath = fileURLToPath(new URL('./child.js', import.meta.url));

/** The program of a sample's process in another build. */
export function childOf(build: string): string {
  return join(build, 'dist', 'src', 'samples', 'child.js');
}

/** How a child ended. */
export type ChildEnd =
  | {
      readonly kind: 'answered';
      readonly answer: ChildAnswer;
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  | { readonly kind: 'died'; readonly exitCode: number | null; readonly signal: string | null; readonly stderr: string }
  | { readonly kind: 'timeout' };

export interface WaitingChild {
  /** Undefined before it was started, and where it could not be. */
  readonly pid: number | undefined;
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly spawnedAtNs: number;
  /** Resolves to true at the barrier, to false if the child ended before. */
  readonly ready: Promise<boolean>;
  /** Lets the child start. */
  release(): void;
  /** Resolves to true when a held child waits for the others for the n-th time, to false if it ended before. */
  met(times: number): Promise<boolean>;
  /** Lets a held child go on. */
  goOn(): void;
  /** Settles when the process has ended. Never rejects. */
  readonly ended: Promise<ChildEnd>;
  kill(): void;
}

const STDERR_KEPT = 4096;

/** Least time that a child has to reach its barrier: the runtime's start, and a KV cache to be touched. */
const LEAST_START_MS = 10_000;
/** Between asking a child to end and closing its pipes: what a user's loader started may hold them for ever. */
const INSIST_MS = 1000;
/** Longest delay of a timer in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The child may take `timeoutMs` (at least 10 s) to its barrier, and again as long from its release to its end. It is
 * killed when this process dies: it asks the kernel for that itself.
 */
export function spawnChild(task: ChildTask, timeoutMs: number, launcher: Launcher = direct): WaitingChild {
  const spawnedAtNs = native().nowNs();
  const held = task.kind === 'sample' && task.spec.held;
  const own = { ...task, parent: launcher.parent };
  const program = task.build === null ? childPath : childOf(task.build);
  const child = launcher.launch(process.execPath, [program, JSON.stringify(own)]);
  // The child may die with the pipe open; how it ended is told by `ended`.
  child.release.on('error', () => undefined);

  let over = false;
  let insisting: NodeJS.Timeout | null = null;
  const kill = (): void => {
    if (over) return;
    child.kill();
    insisting ??= setInterval(() => {
      child.kill();
    }, INSIST_MS);
  };
  let timedOut = false;
  const endAfter = (milliseconds: number): NodeJS.Timeout =>
    setTimeout(
      () => {
        timedOut = true;
        kill();
      },
      Math.min(milliseconds, LONGEST_TIMER_MS),
    );
  let timer = endAfter(Math.max(LEAST_START_MS, timeoutMs));
  let released = false;

  const chunks: Buffer[] = [];
  let markReady: (ready: boolean) => void = () => undefined;
  const ready = new Promise<boolean>((resolve) => (markReady = resolve));
  const meetings = new Meetings();
  child.answer.on('data', (chunk: Buffer) => {
    let at = 0;
    // After one of these it waits for us; the answer is JSON, which begins with neither.
    for (; chunks.length === 0 && (chunk[at] === READY || chunk[at] === MET); at++) {
      if (chunk[at] === MET) {
        meetings.add();
        continue;
      }
      // However long the states take to prepare.
      if (!released) clearTimeout(timer);
      markReady(true);
    }
    if (at < chunk.length) chunks.push(chunk.subarray(at));
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
  });

  const ended = child.ended.then(({ exitCode, signal, problem }): ChildEnd => {
    clearTimeout(timer);
    over = true;
    if (insisting !== null) clearInterval(insisting);
    markReady(false);
    meetings.end();
    if (problem !== null) return { kind: 'died', exitCode, signal, stderr: problem };
    const answer = signal === null ? parse(Buffer.concat(chunks)) : null;
    if (timedOut) return { kind: 'timeout' };
    if (answer === null) return { kind: 'died', exitCode, signal, stderr: stderr.trim() };
    return { kind: 'answered', answer, exitCode, signal };
  });

  return {
    get pid() {
      return child.pid;
    },
    spawnedAtNs,
    ready,
    release: () => {
      clearTimeout(timer);
      released = true;
      timer = endAfter(timeoutMs);
      if (held) child.release.write('G');
      else child.release.end('G');
    },
    met: (times) => meetings.reached(times),
    goOn: () => {
      child.release.write('G');
    },
    ended,
    kill,
  };
}

const READY = 'R'.charCodeAt(0);
const MET = 'P'.charCodeAt(0);

/** How often a child has come to where it waits for others, and who awaits that. */
class Meetings {
  #count = 0;
  #ended = false;
  readonly #awaited: { readonly times: number; readonly resolve: (met: boolean) => void }[] = [];

  add(): void {
    this.#count += 1;
    this.#tell();
  }

  end(): void {
    this.#ended = true;
    this.#tell();
  }

  reached(times: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#awaited.push({ times, resolve });
      this.#tell();
    });
  }

  #tell(): void {
    for (const { times, resolve } of this.#awaited) {
      if (this.#count >= times) resolve(true);
      else if (this.#ended) resolve(false);
    }
  }
}

function parse(bytes: Buffer): ChildAnswer | null {
  try {
    return JSON.parse(bytes.toString('utf8')) as ChildAnswer;
  } catch {
    return null;
  }
}
