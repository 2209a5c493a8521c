/** Runs the compiled command line as users do: a process of its own, its exit code and what it printed. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  /** -1 where a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const command = fileURLToPath(new URL('../src/cli.js', import.meta.url));

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, cwd, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

export function weighbridge(args: readonly string[], env?: NodeJS.ProcessEnv, cwd?: string): Promise<Ended> {
  return runNode([command, ...args], env, cwd);
}
