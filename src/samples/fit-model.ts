/** Weighs loaders of one model under limits until the smallest is found that each still keeps its speed in. */
import type { Shape } from '../native.js';
import { availableMemory } from '../machine.js';
import { sizes } from '../size.js';
import { limitSupport } from './cgroup-place.js';
import { findFit, type Fit, type FitPoint, type FitRequest } from './fit.js';
import { MemoryLimits } from './memory-limits.js';
import { finish, unitOf } from './weigh.js';
import { prepare, type WeighingContext } from './prepare.js';
import type { Arm, ModelRecord, Plan, Reason, Sample } from './record.js';
import { FreeMemory } from './states.js';

export interface FitOptions {
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  readonly shapes: Readonly<Record<string, Shape | null>>;
  readonly referenceHashes: Readonly<Record<string, string>>;
  /** Of the speed without a limit that has to be kept. */
  readonly share: number;
  /** Of the model, between a limit that is too small and one that is not. */
  readonly resolution: number;
  readonly signal: AbortSignal;
  readonly onPoint: (arm: Arm, limitBytes: number | null) => void;
  /** Each loader's, when it is found: an interruption leaves those before it. */
  readonly onFit: (fit: LoaderFit) => void;
}

export interface LoaderFit {
  readonly arm: Arm;
  readonly request: FitRequest;
  readonly fit: Fit;
  /** Every sample, in the order in which it was weighed. */
  readonly samples: readonly Sample[];
}

/** Beyond what the runtime needs: a loader that fills an arena from the page cache wants both, and a little. */
const HIGHEST_SHARE = 2.5;
/** Of the memory that is there: a limit above it limits nothing. */
const AVAILABLE_SHARE = 0.9;

/**
 * Each loader in turn, every sample cold, its free memory as it is. Throws AbortError when interrupted. Resolves to a Reason
 * where no limits can be set here, or where there is too little memory to look for one; null where all were looked at.
 */
export async function fitLoaders(options: FitOptions): Promise<Reason | null> {
  const { reason } = limitSupport();
  if (reason !== null) return reason;
  const limits = new MemoryLimits(options.plan.timeoutNs / 1e6, options.signal);
  const firstTouch = { backedNs: 0, returnedNs: null, limitNs: null };
  const context: WeighingContext = {
    ...options,
    ceilings: { device: {}, firstTouch },
    freeMemory: new FreeMemory(firstTouch),
    limits,
  };
  try {
    for (const id of options.plan.arms) {
      const arm = options.arms[id];
      if (arm?.work !== 'infer') continue;
      const fit = await fitLoader(context, arm, options);
      if ('code' in fit) return fit;
      options.onFit(fit);
    }
    return null;
  } finally {
    await limits.close();
  }
}

async function fitLoader(context: WeighingContext, arm: Arm, options: FitOptions): Promise<LoaderFit | Reason> {
  const model = context.models[arm.model];
  const shape = context.shapes[arm.model];
  if (model === undefined || shape === undefined) throw new Error(`no model ${arm.model} in the plan`);
  const lowestBytes = await context.limits.runtimeNeed({ arm, model, shape });
  const highestBytes = Math.min(
    lowestBytes + Math.round(HIGHEST_SHARE * model.bytes),
    Math.floor(AVAILABLE_SHARE * (availableMemory() ?? Infinity)),
  );
  if (highestBytes <= lowestBytes) return tooLittle(lowestBytes, highestBytes);
  const { share, resolution } = options;
  const resolutionBytes = Math.max(1, Math.round(resolution * model.bytes));
  const request = { modelBytes: model.bytes, lowestBytes, highestBytes, resolutionBytes, share };
  const samples: Sample[] = [];
  const fit = await findFit(request, async (limitBytes) => {
    options.onPoint(arm, limitBytes);
    const sample = await weighUnder(context, arm, limitBytes, samples.length);
    samples.push(sample);
    return pointOf(sample, limitBytes);
  });
  return { arm, request, fit, samples };
}

async function weighUnder(
  context: WeighingContext,
  arm: Arm,
  limitBytes: number | null,
  position: number,
): Promise<Sample> {
  const id = limitBytes === null ? arm.id : `${arm.id} m${limitBytes}`;
  const limited: Arm = { ...arm, id, memoryLimit: limitBytes };
  const cell = { arm: id, state: 'cold', memoryState: 'as-is', load: 1 } as const;
  const block = { pass: 'time', round: 1, index: position, reference: id, firstCommand: null, cells: [cell] } as const;
  const attempt = { block, cell, position, attempt: 1 };
  const own = { ...context, arms: { ...context.arms, [id]: limited } };
  const weighed = unitOf(await finish(own, attempt, await prepare(own, attempt)));
  if (weighed.kind === 'group') throw new Error('one process was weighed as a group');
  return weighed;
}

/** A sample as a point: its speed is that of the decode steps, which come after a cold load, a first token and a prefill. */
export function pointOf(sample: Sample, bytes: number | null): FitPoint {
  if (sample.outcome !== 'ok') return { outcome: sample.outcome, bytes, reason: sample.reason };
  const tokensPerSecond = sample.tokensPerSecond?.decode ?? null;
  const { decode } = sample.phases ?? { decode: null };
  if (tokensPerSecond === null || decode === null) {
    const message = 'nothing was decoded: there is no speed to keep';
    const reason = { code: 'no-speed', operation: 'fit', path: null, errno: null, message, remedy: 'give --generate' };
    return { outcome: 'failed', bytes, reason };
  }
  const steps = Math.max(1, (sample.tokens?.perTokenNs.length ?? 0) - 1);
  const bytesReadPerToken = decode.readBytes === null ? null : decode.readBytes / steps;
  return { outcome: 'ok', bytes, tokensPerSecond, bytesReadPerToken, besideTokensPerSecond: null };
}

function tooLittle(needed: number, available: number): Reason {
  const [need, given] = sizes(needed, available);
  return {
    code: 'memory-short',
    operation: 'fit',
    path: null,
    errno: null,
    message: `the runtime alone needs ${need}, and only ${given} can be given`,
    remedy: 'free memory, or take a shorter --context',
  };
}
