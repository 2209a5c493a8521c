/** What commands that weigh have in common: signals, progress, the directory of the run, its end. */
import { setMaxListeners } from 'node:events';
import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Interrupted, UsageError, exitCode, printable } from '../failure.js';
import { commandNotes } from '../command-arms.js';
import { weigh, type RunRequest, type RunResult } from '../pipeline.js';
import type { Planned } from '../plan/plan.js';
import { counted } from '../report/format.js';
import { settingKeyOf } from '../plan/settings.js';
import { progressLines } from '../progress.js';
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
    const saved = counted(result.ledger.samples.length, 'sample');
    tell(
      process.stderr,
      `weighbridge: ${how}, ${saved} saved; continue with: npx weighbridge run --resume ${printable(directory)}`,
    );
  }
  process.exitCode = verdict.code;
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
  const { path, made } = madeDirectory(out, request.modelPaths[0] ?? 'model');
  try {
    await weighing(
      labelsOf(planned.arms),
      (signal, listener) => {
        for (const note of commandNotes(request.commands ?? [])) listener.note(note);
        return weigh(request, path, signal, listener);
      },
      (result) => done(result, path),
    );
  } finally {
    removeEmpty(made);
  }
}

/** The run's directory, made if need be. A new run never writes over another one. */
export function outDirectory(out: string | undefined, modelPath: string): string {
  return madeDirectory(out, modelPath).path;
}

function madeDirectory(out: string | undefined, modelPath: string): { readonly path: string; readonly made: string[] } {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const name = basename(modelPath)
    .replace(/\.gguf$/i, '')
    .replace(/[^\w.-]+/g, '_');
  const directory = resolve(out ?? join('weighbridge-runs', `${stamp}-${name}`));
  return { path: directory, made: makeDirectory(directory) };
}

/** The innermost first; what is not empty stays, and so does what is above it. */
function removeEmpty(made: readonly string[]): void {
  try {
    for (const path of made) rmdirSync(path);
  } catch {
    // Not empty: there is a run in it. What else may keep it says nothing of the run.
  }
}

/**
 * Makes a directory and the missing ones above it; returns what it made, the innermost first. Node's own recursive mkdir
 * never returns where a file system refuses with ENOENT under a parent that exists, as /proc does.
 */
export function makeDirectory(path: string): string[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() === true) return [];
  if (status !== undefined) throw new UsageError(`${path} is a file, not a directory; give --out another path`);
  const above = makeDirectory(dirname(path));
  mkdirSync(path);
  return [path, ...above];
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
