/**
 * Starts processes that speak on descriptors 3 and 4 (protocol.ts): as children of this process, or through something that
 * puts them elsewhere first, such as a memory control group.
 */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { READY_FD, RELEASE_FD } from './protocol.js';

export interface LaunchEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it could not be started, or not be watched to its end. */
  readonly problem: string | null;
}

export interface Launched {
  /** Undefined before it was started, and where it could not be. */
  readonly pid: number | undefined;
  /** Descriptor 3 of the process. */
  readonly answer: Readable;
  /** Descriptor 4 of the process. */
  readonly release: Writable;
  readonly stderr: Readable;
  /** Settles when the process has ended and its pipes are closed. Never rejects. */
  readonly ended: Promise<LaunchEnd>;
  /** Of one that has ended, its pipes are closed: whatever it left behind with them would keep us waiting for ever. */
  kill(): void;
}

export interface Launcher {
  /** The process whose child a launched one is: the one whose death it must not outlive. */
  readonly parent: number;
  launch(command: string, args: readonly string[]): Launched;
}

/** Of a launched Node: options and coverage that are meant for this one are not meant for it. */
export const launchEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: '',
  NODE_V8_COVERAGE: '',
});

/** Children of this process. */
export const direct: Launcher = {
  parent: process.pid,
  launch: (command, args) => {
    // In a session of its own, a terminal's Ctrl-C reaches only us: we end the child and know why it ended.
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
      env: launchEnvironment(),
    });
    return {
      pid: child.pid,
      answer: child.stdio[READY_FD] as Readable,
      release: child.stdio[RELEASE_FD] as Writable,
      stderr: child.stdio[2] as Readable,
      ended: new Promise((resolve) => {
        child.once('error', (error) => resolve({ exitCode: null, signal: null, problem: error.message }));
        child.once('close', (exitCode, signal) => resolve({ exitCode, signal, problem: null }));
      }),
      kill: () => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        else for (const pipe of child.stdio) pipe?.destroy();
      },
    };
  },
};
