/** The measurement of a sample: what the child answered and what the parent saw around it. */
import { bypassesPageCache } from '../loader.js';
import type { NativeCeiling, NativeSample } from '../native.js';
import { sumOfReads } from './judge.js';
import { since, type MachineCounters } from './noise.js';
import type { ChildAnswer } from './protocol.js';
import type { Arm, Measurement, ModelRecord } from './record.js';

/** The answer of a child that did its work. */
type Measured = Exclude<ChildAnswer, { readonly kind: 'failed' }>;

/** Of a sample that never ran, or whose child gave no answer. */
export const unmeasured: { readonly [K in keyof Measurement]: null } = {
  ttftNs: null,
  completeNs: null,
  settledNs: null,
  phases: null,
  bytesNeeded: null,
  debt: null,
  traffic: null,
  untouchedBytes: null,
  memory: null,
  residency: null,
  tokens: null,
  tokensPerSecond: null,
  isa: null,
  logitsHash: null,
  contentHash: null,
  effective: null,
  noise: null,
};

/** spawn → ready plus release → start: the runtime's own start, without the time in which states were prepared. */
export function runtimeStart(answer: Measured, spawnedAtNs: number): number {
  if (answer.kind === 'ceiling') return Math.round(answer.ceiling.readyAtNs - spawnedAtNs);
  const { readyAtNs, releasedAtNs, startAtNs } = answer.sample;
  return Math.round(readyAtNs - spawnedAtNs + (startAtNs - releasedAtNs));
}

/** What the parent saw around a child. */
export interface Seen {
  /** Bytes of the model in the page cache; null where it may not be known. */
  readonly before: number | null;
  readonly after: number | null;
  readonly firstTouchNs: number;
  readonly counters: MachineCounters;
}

export function measurementOf(
  arm: Arm,
  model: ModelRecord | undefined,
  { before, after, firstTouchNs, counters }: Seen,
  answer: Measured,
): Measurement {
  const size = model?.bytes ?? 0;
  const machine = since(counters);
  const noise = (own: OwnNoise): Measurement['noise'] => ({
    ...own,
    ...machine,
    firstTouchNs,
  });
  if (answer.kind === 'ceiling') {
    return ceilingMeasurement(answer.ceiling, noise, { before, after, size });
  }
  const { sample } = answer;
  return {
    ttftNs: sample.ttftNs,
    completeNs: sample.completeNs,
    settledNs: sample.settledNs,
    phases: sample.phases,
    bytesNeeded: sample.bytesNeeded,
    debt: null,
    traffic: null,
    untouchedBytes: sample.untouchedBytes,
    memory: sample.memory,
    residency: { before, ...sample.residency, after, size },
    tokens: sample.tokens,
    tokensPerSecond: sample.tokensPerSecond,
    isa: sample.isa,
    logitsHash: sample.logitsHash,
    contentHash: null,
    effective: effectiveOf(arm, model, sample, after),
    noise: noise(sample.noise),
  };
}

type OwnNoise = Pick<
  Measurement['noise'],
  'voluntarySwitches' | 'involuntarySwitches' | 'spinBeforeNs' | 'spinAfterNs'
>;

function ceilingMeasurement(
  ceiling: NativeCeiling,
  noise: (own: OwnNoise) => Measurement['noise'],
  cache: { readonly before: number | null; readonly after: number | null; readonly size: number },
): Measurement {
  return {
    ...unmeasured,
    completeNs: ceiling.ns,
    bytesNeeded: ceiling.bytes,
    untouchedBytes: 0,
    residency: {
      before: cache.before,
      opened: null,
      loaded: null,
      firstToken: null,
      after: cache.after,
      size: cache.size,
    },
    effective: {
      bytesRead: ceiling.bytes,
      hugePages: ceiling.hugePages,
      ...(ceiling.readBytes === null ? {} : { issuedBytes: ceiling.readBytes }),
    },
    noise: noise({ voluntarySwitches: null, involuntarySwitches: null, spinBeforeNs: null, spinAfterNs: null }),
  };
}

/** What the loader says it did, and what the parent saw of it. */
function effectiveOf(
  arm: Arm,
  model: ModelRecord | undefined,
  sample: NativeSample,
  after: number | null,
): Measurement['effective'] {
  const { open, acquire, firstToken: token, complete } = sample.phases;
  const issued = sumOfReads([open, acquire, token, complete]);
  const { firstToken } = sample.memory;
  return {
    ...sample.effective,
    ...(issued === null ? {} : { issuedBytes: issued }),
    ...(after === null ? {} : { residentAfterBytes: after }),
    ...(firstToken?.hugeFile == null ? {} : { hugeFileBytes: firstToken.hugeFile }),
    ...(firstToken?.hugeAnonymous == null ? {} : { hugeAnonymousBytes: firstToken.hugeAnonymous }),
    ...(firstToken?.locked == null ? {} : { lockedBytes: firstToken.locked }),
    ...(after !== null && bypassesPageCache(arm.mechanism, arm.options)
      ? { leftCacheCold: after <= headerAllowance(model) }
      : {}),
  };
}

/** Reading a header brings in its pages and a little more; anything beyond this did not come from the header. */
function headerAllowance(model: ModelRecord | undefined): number {
  return (model?.headerBytes ?? 0) + 256 * 1024 * (model?.parts.length ?? 1);
}
