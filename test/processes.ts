/** Real processes and real files of a test's own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cliPath = fileURLToPath(new URL('../src/cli.js', import.meta.url));
const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The command line, left running. */
export function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [cliPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A folder on the repository's own disk (the system's temporary folder may live in memory, where nothing can be cold). */
export function scratchFolder(): string {
  const parent = join(repository, 'dist', 'scratch');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'test-'));
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

export const fixture = (name: string): string => join(repository, 'test', 'fixtures', 'models', name);

/** A copy of a fixture of this test's own: certifying a cache state needs a file that nobody else touches. */
export function copyOfFixture(name: string, folder: string): string {
  const path = join(folder, name);
  copyFileSync(fixture(name), path);
  return path;
}

/** Takes all the room that is left in a folder's file system; returns the file that takes it. */
export function fill(at: string): string {
  const path = join(at, 'filling');
  for (const bytes of [2 ** 20, 4096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  return path;
}

/** Direct children of a process, from /proc (proc_pid_task(5)). */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Processes whose command line holds all of these words. */
export function processesWith(...words: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return words.every((word) => line.includes(word));
      } catch {
        return false;
      }
    });
}

/** What proc_pid_stat(5) calls the state of a process; null where there is none. */
export function stateOf(pid: number): string | null {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Stops a process. False where there is none, or it was ending already, so that nothing can strike it any more. */
export function caught(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGSTOP');
  } catch {
    return false;
  }
  for (const deadline = Date.now() + 1000; Date.now() < deadline;) {
    const state = stateOf(pid);
    if (state === 'T') return true;
    if (state === null || state === 'Z' || state === 'X') return false;
  }
  return false;
}

/** Ends a process by a signal, wherever it was caught. */
export function strike(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (pid === undefined || !caught(pid)) return false;
  process.kill(pid, signal);
  process.kill(pid, 'SIGCONT');
  return true;
}

/** Waits until the condition holds; throws after `seconds`. */
export async function until(condition: () => boolean, seconds: number, what: string): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** An ES module's text in a Node of its own, for what could hang or end this one; killed after a minute. */
export function startScript(text: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', text, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
}

export const runScript = (text: string, args: readonly string[]): Promise<EndedProcess> =>
  endOf(startScript(text, args));

export interface EndedProcess {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function endOf(child: ChildProcess): Promise<EndedProcess> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}
