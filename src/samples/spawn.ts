/** Starts a sample's process, holds it at its start barrier, releases it and collects its answer. */
import { fileURLToPath } from 'node:url';
import { native } from '../native.js';
import { direct, type Launcher } from './launch.js';
import type { ChildAnswer, ChildTask } from './protocol.js';

const childPath = fileURLToPath(new URL('./child.js', import.meta.url));

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
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly spawnedAtNs: number;
  /** Resolves to true at the barrier, to false if the child ended before. */
  readonly ready: Promise<boolean>;
  /** Lets the child start. */
  release(): void;
  /** Settles when the process has ended. Never rejects. */
  readonly ended: Promise<ChildEnd>;
  kill(): void;
}

const STDERR_KEPT = 4096;

/** Least time that a child has to reach its barrier: the runtime's start, and a KV cache to be touched. */
const LEAST_START_MS = 10_000;
/** Longest delay of a timer in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The child may take `timeoutMs` (at least 10 s) to its barrier, and again as long from its release to its end. It is
 * killed when this process dies: it asks the kernel for that itself.
 */
export function spawnChild(task: ChildTask, timeoutMs: number, launcher: Launcher = direct): WaitingChild {
  const spawnedAtNs = native().nowNs();
  const child = launcher.launch(process.execPath, [childPath, JSON.stringify({ ...task, parent: launcher.parent })]);
  // The child may die with the pipe open; how it ended is told by `ended`.
  child.release.on('error', () => undefined);

  let timedOut = false;
  const endAfter = (milliseconds: number): NodeJS.Timeout =>
    setTimeout(
      () => {
        timedOut = true;
        child.kill();
      },
      Math.min(milliseconds, LONGEST_TIMER_MS),
    );
  let timer = endAfter(Math.max(LEAST_START_MS, timeoutMs));
  let released = false;

  const chunks: Buffer[] = [];
  let markReady: (ready: boolean) => void = () => undefined;
  const ready = new Promise<boolean>((resolve) => (markReady = resolve));
  child.answer.on('data', (chunk: Buffer) => {
    if (chunks.length === 0 && chunk[0] === 0x52) {
      // It now waits for us, however long the states take to prepare.
      if (!released) clearTimeout(timer);
      markReady(true);
      if (chunk.length > 1) chunks.push(chunk.subarray(1));
    } else {
      chunks.push(chunk);
    }
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
  });

  const ended = child.ended.then(({ exitCode, signal, problem }): ChildEnd => {
    clearTimeout(timer);
    markReady(false);
    if (problem !== null) return { kind: 'died', exitCode, signal, stderr: problem };
    const answer = signal === null ? parse(Buffer.concat(chunks)) : null;
    if (timedOut) return { kind: 'timeout' };
    if (answer === null) return { kind: 'died', exitCode, signal, stderr: stderr.trim() };
    return { kind: 'answered', answer, exitCode, signal };
  });

  return {
    spawnedAtNs,
    ready,
    release: () => {
      clearTimeout(timer);
      released = true;
      timer = endAfter(timeoutMs);
      child.release.end('G');
    },
    ended,
    kill: () => child.kill(),
  };
}

function parse(bytes: Buffer): ChildAnswer | null {
  try {
    return JSON.parse(bytes.toString('utf8')) as ChildAnswer;
  } catch {
    return null;
  }
}
