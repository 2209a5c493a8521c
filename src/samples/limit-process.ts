/** Asks a process of its own for measurements of limits, one after the other. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { failWith } from '../failure.js';
import type { NativeLimits } from '../native-limits.js';
import type { Reason } from './record.js';

export interface LimitQuestion {
  readonly measure: keyof NativeLimits;
  readonly spec: unknown;
}

export type LimitAnswer =
  { readonly kind: 'measured'; readonly value: unknown } | { readonly kind: 'failed'; readonly reason: Reason };

const childPath = fileURLToPath(new URL('./limit-child.js', import.meta.url));

export class LimitProcess {
  #child: ChildProcess | null = null;
  readonly #signal: AbortSignal;
  readonly #kill = (): void => {
    this.#child?.kill('SIGKILL');
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#kill);
  }

  /** Throws an error that carries a Reason where it cannot be measured, and AbortError where it was interrupted. */
  async ask<K extends keyof NativeLimits>(
    measure: K,
    spec: Parameters<NativeLimits[K]>[0],
  ): Promise<ReturnType<NativeLimits[K]>> {
    this.#signal.throwIfAborted();
    const question: LimitQuestion = { measure, spec };
    const answer = await this.#put(question);
    this.#signal.throwIfAborted();
    if (answer.kind === 'failed') throw failWith(answer.reason);
    return answer.value as ReturnType<NativeLimits[K]>;
  }

  /** Ends the process and waits for it: what it held is free then. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#kill);
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    // An interruption may have ended it while nothing was asked.
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Settles with the answer or, where the process ends without one, with the reason. */
  #put(question: LimitQuestion): Promise<LimitAnswer> {
    const child = (this.#child ??= this.#start());
    return new Promise((resolve) => {
      const settle = (answer: LimitAnswer): void => {
        child.off('message', settle);
        child.off('exit', died);
        child.off('error', failed);
        resolve(answer);
      };
      const died = (code: number | null, signal: string | null): void => {
        this.#child = null;
        const how = signal ?? `exit code ${code ?? 'unknown'}`;
        settle({ kind: 'failed', reason: reasonOfEnd(`ended with ${how}`) });
      };
      const failed = (error: Error): void => {
        settle({ kind: 'failed', reason: reasonOfEnd(`could not be asked: ${error.message}`) });
      };
      child.once('message', settle);
      child.once('exit', died);
      child.once('error', failed);
      child.send(question);
    });
  }

  /** In a session of its own, a terminal's Ctrl-C reaches only us. */
  #start(): ChildProcess {
    return fork(childPath, [String(process.pid)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' },
    });
  }
}

function reasonOfEnd(how: string): Reason {
  return {
    code: 'process-failed',
    operation: 'limits',
    path: null,
    errno: null,
    message: `the process that measured it ${how}`,
    remedy: 'see whether the file was cut meanwhile, or memory ran short (dmesg)',
  };
}
