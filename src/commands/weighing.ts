/** What commands that weigh have in common: signals, progress, the directory of the run, its end. */
import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { commandNotes } from '../command-arms.js';
import { Interrupted, exitCode, printable } from '../failure.js';
import { MadeDirectories } from '../make-directory.js';
import { weigh, type RunResult } from '../pipeline.js';
import type { RunRequest } from '../run-request.js';
import type { Planned } from '../plan/plan.js';
import { counted } from '../report/format.js';
import { settingKeyOf } from '../plan/settings.js';
import { progressLines } from '../progress.js';
import type { RunRecord } from '../samples/record.js';
import { runExitCode } from '../verdict.js';
import { tell } from '../wrap.js';

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
    // Behind the line of progress, and what a terminal echoes.
    if (process.stderr.isTTY) process.stderr.write('\n');
    tell(process.stderr, 'weighbridge: interrupted: what was weighed is saved first; again ends at once');
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
  if (verdict.message !== null) tell(process.stderr, `weighbridge: ${verdict.message}`);
  if (result.stopped === 'interrupted' || result.stopped === 'error') {
    const how = result.stopped === 'error' ? 'stopped' : 'interrupted';
    const { samples, run } = result.ledger;
    const saved = counted(samples.length, 'sample');
    const here = isOfThisFolder(run);
    tell(
      process.stderr,
      `weighbridge: ${how}, ${saved} saved; continue${here ? ' in this folder' : ''} with: npx weighbridge run --resume ${printable(directory)}`,
    );
  }
  process.exitCode = verdict.code;
}

/** The plan keeps paths and commands as they were given, since other machines may hold the same model elsewhere. */
function isOfThisFolder({ models, arms }: RunRecord): boolean {
  const isHere = (word: string, index: number): boolean =>
    !isAbsolute(word) && (index === 0 ? word.includes('/') : existsSync(word));
  return (
    Object.values(models).some(({ path }) => !isAbsolute(path)) ||
    Object.values(arms).some(({ command }) => command?.argv.some(isHere) ?? false)
  );
}

/**
 * Weighs a request into a new directory. Where that ends before there is a ledger, the directories made for it go again:
 * an empty one would look like a run.
 */
export async function weighInto(
  out: string | undefined,
  request: RunRequest,
  planned: Planned,
  done: (result: RunResult, directory: string) => void | Promise<void>,
): Promise<void> {
  const path = outPath(out, request.modelPaths[0] ?? 'model');
  const made = new MadeDirectories();
  try {
    made.make(path);
    await weighing(
      labelsOf(planned.arms),
      (signal, listener) => {
        for (const note of commandNotes(request.commands ?? [])) listener.note(note);
        return weigh(request, path, signal, listener);
      },
      (result) => done(result, path),
    );
  } finally {
    made.removeEmpty();
  }
}

/** Where a run's directory will be: as it is asked for, or by model and time. A new run never writes over another one. */
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
