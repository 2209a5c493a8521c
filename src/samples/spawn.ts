/** Starts a sample's process, holds it at its start barrier, releases it and collects its answer. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { native } from '../native.js';
import { READY_FD, RELEASE_FD, type ChildAnswer, type ChildTask } from './protocol.js';

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
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
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
export function spawnChild(task: ChildTask, timeoutMs: number): WaitingChild {
  const spawnedAtNs = native().nowNs();
  // In a session of its own, a terminal's Ctrl-C reaches only us: we end the child and know why it ended.
  const child = spawn(process.execPath, [childPath, JSON.stringify(task)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' },
  });
  const answerStream = child.stdio[READY_FD] as Readable;
  const releaseStream = child.stdio[RELEASE_FD] as Writable;
  // The child may die with the pipe open; how it ended is told by `close`.
  releaseStream.on('error', () => undefined);

  let timedOut = false;
  const endAfter = (milliseconds: number): NodeJS.Timeout =>
    setTimeout(
      () => {
        timedOut = true;
        child.kill('SIGKILL');
      },
      Math.min(milliseconds, LONGEST_TIMER_MS),
    );
  let timer = endAfter(Math.max(LEAST_START_MS, timeoutMs));
  let released = false;

  const chunks: Buffer[] = [];
  let markReady: (ready: boolean) => void = () => undefined;
  const ready = new Promise<boolean>((resolve) => (markReady = resolve));
  answerStream.on('data', (chunk: Buffer) => {
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
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
  });

  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('error', (error) => {
      clearTimeout(timer);
      markReady(false);
      resolve({ kind: 'died', exitCode: null, signal: null, stderr: error.message });
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      markReady(false);
      const answer = signal === null ? parse(Buffer.concat(chunks)) : null;
      if (timedOut) resolve({ kind: 'timeout' });
      else if (answer === null) resolve({ kind: 'died', exitCode, signal, stderr: stderr.trim() });
      else resolve({ kind: 'answered', answer, exitCode, signal });
    });
  });

  return {
    pid: child.pid,
    spawnedAtNs,
    ready,
    release: () => {
      clearTimeout(timer);
      released = true;
      timer = endAfter(timeoutMs);
      releaseStream.end('G');
    },
    ended,
    kill: () => killQuietly(child),
  };
}

function killQuietly(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

function parse(bytes: Buffer): ChildAnswer | null {
  try {
    return JSON.parse(bytes.toString('utf8')) as ChildAnswer;
  } catch {
    return null;
  }
}
