/** What a run learns once, before round 1: how ceilings are measured, what first touch costs, limits, and the right logits or content. */
import { availableMemory, type MachineFacts } from '../machine.js';
import { native, type Shape } from '../native.js';
import { reasonOf } from '../failure.js';
import { usesWeights } from '../plan/arms.js';
import type { Limit } from './limit-types.js';
import { hostCacheLimit, measureLimits } from './limits.js';
import type { Arm, CeilingChoices, ModelRecord } from './record.js';
import { spawnChild, type ChildEnd } from './spawn.js';
import { learnFirstTouch, stillHolds } from './states.js';
import { failureReason, proofOf, referenceKey } from './judge.js';
import { taskOf } from './task.js';

/** Bytes that each candidate of the device ceiling reads while the best is chosen. */
const CANDIDATE_BYTES = 48 * 1024 * 1024;

export interface CalibrationOptions {
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  readonly shapes: Readonly<Record<string, Shape | null>>;
  readonly mayReportFreePages: boolean;
  readonly threads: number;
  readonly timeoutNs: number;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

const noCeilings: CeilingChoices = { device: {}, firstTouch: { backedNs: 0, returnedNs: null, limitNs: null } };

/** How the ceilings of this run are measured. `known`: what an earlier run learned of first touch; it is kept while it holds. */
export async function chooseCeilings(
  options: CalibrationOptions,
  known: CeilingChoices['firstTouch'] | null = null,
): Promise<CeilingChoices> {
  const device: Record<string, CeilingChoices['device'][string]> = {};
  for (const [id, model] of hasCeilingArms(options) ? Object.entries(options.models) : []) {
    options.signal.throwIfAborted();
    options.onStep(`device ceiling of ${model.path}`);
    device[id] = await chooseDevice(model);
  }
  options.onStep('first touch of free memory');
  const largest = Math.max(...Object.values(options.models).map((model) => model.bytes));
  const { threads, mayReportFreePages, signal } = options;
  if (known !== null && (await stillHolds(known, largest, threads, signal))) return { device, firstTouch: known };
  return { device, firstTouch: await learnFirstTouch(largest, threads, mayReportFreePages, signal) };
}

/** Without any, nothing of a run is set beside what the machine can do. */
function hasCeilingArms({ arms }: CalibrationOptions): boolean {
  return Object.values(arms).some(({ kind }) => kind === 'ceiling');
}

async function chooseDevice(model: ModelRecord): Promise<CeilingChoices['device'][string]> {
  const unsupported = native().deviceCeilingUnsupported(model.path);
  if (unsupported !== null) return { reason: unsupported };
  try {
    return { ...(await native().chooseDeviceRecipe(model.path, CANDIDATE_BYTES)), reason: null };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { reason };
  }
}

/**
 * What the machine can do at all, in the quick form, over the largest model alone: the path in a limit says so, and those
 * that read a file explain nothing about the other models of the run. `readFirst` runs between the measurement that
 * wants a range which nobody has read yet and all others; what it gives is given back.
 */
export async function limitsOf(
  options: CalibrationOptions,
  machine: MachineFacts,
  readFirst: () => Promise<CeilingChoices>,
): Promise<{ readonly ceilings: CeilingChoices; readonly limits: readonly Limit[] }> {
  const [largest] = Object.entries(options.models).toSorted(([, a], [, b]) => b.bytes - a.bytes);
  if (largest === undefined) throw new Error('a plan without models');
  const [id, model] = largest;
  const { threads, mayReportFreePages, signal, onStep } = options;
  const request = {
    ...{ paths: model.parts.map(({ path }) => path), threads, quick: true, machine, mayReportFreePages, signal },
    onStep: (step: string) => {
      onStep(`limits: ${step}`);
    },
  };
  const hostCache = await hostCacheLimit(request);
  const ceilings = await readFirst();
  const device = ceilings.device[id];
  const recipe = device === undefined || device.reason !== null ? null : device;
  const known = { recipe, firstTouch: ceilings.firstTouch, hostCache };
  return { ceilings, limits: await measureLimits({ ...request, known }) };
}

/** Of the available memory, what a copy for the reference may take. */
const COPIED_SHARE = 0.5;

/** The right logits cannot be had, so no sample could be checked. */
export class ReferenceFailed extends Error {
  override readonly name = 'ReferenceFailed';
}

/**
 * One untimed load a model, ISA and work, by the build of the first such arm; its hash is what every sample must give. It
 * copies by `read`, or maps where a copy would take most of the memory. Throws ReferenceFailed.
 */
export async function referenceHashes(options: CalibrationOptions): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const arm of Object.values(options.arms)) {
    if (!usesWeights(arm) || referenceKey(arm) in hashes) continue;
    const { path = arm.model, bytes = 0 } = options.models[arm.model] ?? {};
    const mapped = bytes > COPIED_SHARE * (availableMemory() ?? Infinity);
    options.onStep(
      `reference ${arm.work === 'touch' ? 'content' : 'logits'} of ${path}${mapped ? ', mapped, since a copy would take most of the memory' : ''}`,
    );
    const way = mapped
      ? ({ mechanism: 'mmap', options: { sharing: 'shared' } } as const)
      : ({ mechanism: 'read', options: {} } as const);
    const end = await runUntimed({ ...arm, ...way, processes: 1 }, options);
    options.signal.throwIfAborted();
    const sample = end.kind === 'answered' && end.answer.kind === 'sample' ? end.answer.sample : null;
    const hash = sample === null ? null : proofOf(arm, sample).hash;
    if (hash === null) {
      const { message, remedy } = failureReason(end, options.timeoutNs);
      throw new ReferenceFailed(
        `the reference load of ${arm.model} failed: ${message}${remedy === null ? '' : `; ${remedy}`}`,
      );
    }
    hashes[referenceKey(arm)] = hash;
  }
  return hashes;
}

/**
 * A child of each build that loads nothing, and each command once, so that the runtime's and the programs' own files are in the page cache
 * before anything is weighed. How these end does not matter: samples say it again.
 */
export async function warmRuntime(options: CalibrationOptions): Promise<void> {
  const arms = Object.values(options.arms);
  const isFirst = (arm: Arm, index: number): boolean =>
    arms.findIndex((other) => (other.buildDirectory ?? null) === (arm.buildDirectory ?? null)) === index;
  for (const arm of arms.filter(isFirst)) {
    await runUntimed({ ...arm, kind: 'loader', mechanism: 'null', options: {}, module: null }, options);
  }
  const seen = new Set<string>();
  for (const arm of Object.values(options.arms)) {
    const key = JSON.stringify([arm.model, arm.command]);
    if (arm.kind !== 'command' || seen.has(key)) continue;
    seen.add(key);
    options.onStep(`${arm.label} once, untimed`);
    await runUntimed({ ...arm, processes: 1 }, options);
    options.signal.throwIfAborted();
  }
}

async function runUntimed(arm: Arm, { models, shapes, timeoutNs, signal }: CalibrationOptions): Promise<ChildEnd> {
  const model = models[arm.model];
  const shape = shapes[arm.model];
  if (model === undefined || shape === undefined) throw new Error(`no model ${arm.model} in the plan`);
  // On any node: what is untimed is the same on all, and a node that is not there is told by its samples.
  const task = taskOf({ ...arm, numa: null }, model, shape, 'time', noCeilings);
  const child = spawnChild(task, timeoutNs / 1e6);
  const kill = (): void => child.kill();
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  child.release();
  const end = await child.ended;
  signal.removeEventListener('abort', kill);
  return end;
}
