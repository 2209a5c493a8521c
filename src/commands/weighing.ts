/** What commands that weigh have in common: signals, progress, the directory of the run, its end. */
import { setMaxListeners } from 'node:events';
import { basename, join, resolve } from 'node:path';
import { Interrupted, exitCode, printable } from '../failure.js';
import { makeDirectory } from '../make-directory.js';
import type { RunResult } from '../pipeline.js';
import { settingKeyOf } from '../plan/settings.js';
import { progressLines } from '../progress.js';
import { runExitCode } from '../verdict.js';

type Work = (signal: AbortSignal, listener: ReturnType<typeof progressLines>) => Promise<RunResult>;

/** Does the work with progress on standard error. */
export async function weighing(
  label: (arm: string) => string,
  work: Work,
  done: (result: RunResult) => void | Promise<void>,
): Promise<void> {
  await interruptible(async (signal) => {
    const listener = progressLines(process.stderr, label);
    try {
      const result = await work(signal, listener);
      listener.finish();
      await done(result);
    } finally {
      listener.finish();
    }
  });
}

/** The first signal of the system ends the work, a second one the process. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  // Each cell's Task listens, and so does each sample.
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort(new Interrupted('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, stop);
  }
}

/** Sets the exit code, and says why it is not 0 and how to go on. */
export function endWith(result: RunResult, directory: string): void {
  const verdict = runExitCode(result);
  if (verdict.message !== null) process.stderr.write(`weighbridge: ${verdict.message}\n`);
  if (result.stopped === 'interrupted' || result.stopped === 'error') {
    process.stderr.write(
      `weighbridge: ${result.stopped === 'error' ? 'stopped' : 'interrupted'}; continue with: npx weighbridge run --resume ${printable(directory)}\n`,
    );
  }
  process.exitCode = verdict.code;
}

/** The run's directory, made if need be. A new run never writes over another one. */
export function outDirectory(out: string | undefined, modelPath: string): string {
  const directory = outPath(out, modelPath);
  makeDirectory(directory);
  return directory;
}

/** Where a run's directory will be: as it is asked for, or by model and time. */
export function outPath(out: string | undefined, modelPath: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const name = basename(modelPath)
    .replace(/\.gguf$/i, '')
    .replace(/[^\w.-]+/g, '_');
  return resolve(out ?? join('weighbridge-runs', `${stamp}-${name}`));
}

/** What people call an arm: its label, and what of its setting is not as in the first of its model. */
export function labelsOf(arms: RunResult['ledger']['run']['arms']): (id: string) => string {
  return (id) => {
    const arm = arms[id];
    if (arm === undefined) return id;
    const apart = settingKeyOf(arm).slice(arm.model.length);
    return `${arm.label}${apart}`;
  };
}
