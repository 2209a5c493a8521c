/** The measurement of a sample: what the child answered and what the parent saw around it. */
import { availableParallelism, cpus } from 'node:os';
import type { NativeCeiling } from '../native.js';
import { effectiveOf } from './audit.js';
import { debtOf } from './debt.js';
import type { Meanwhile } from './noise.js';
import type { ChildAnswer, CommandAnswer } from './protocol.js';
import type { Arm, DeviceTraffic, Measurement, ModelRecord, Pass } from './record.js';

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
  const { readyAtNs, releasedAtNs, startAtNs } = answer.kind === 'command' ? answer.command : answer.sample;
  return Math.round(readyAtNs - spawnedAtNs + (startAtNs - releasedAtNs));
}

/** What the parent saw around a child. */
export interface Seen {
  /** Bytes of the model in the page cache; null where it may not be known. */
  readonly before: number | null;
  readonly after: number | null;
  readonly firstTouchNs: number | null;
  readonly meanwhile: Meanwhile;
  /** What the model's devices did while it ran. */
  readonly traffic: DeviceTraffic | null;
}

export function measurementOf(
  arm: Arm,
  model: ModelRecord | undefined,
  pass: Pass,
  { before, after, firstTouchNs, meanwhile, traffic }: Seen,
  answer: Measured,
): Measurement {
  const size = model?.bytes ?? 0;
  const noise = (own: OwnNoise): Measurement['noise'] => ({
    ...own,
    ...meanwhile,
    firstTouchNs,
  });
  const residency = { before, opened: null, loaded: null, firstToken: null, after, size };
  if (answer.kind === 'ceiling') return { ...ceilingMeasurement(answer.ceiling, noise), residency, traffic };
  if (answer.kind === 'command') return { ...programMeasurement(answer, noise), residency, traffic };
  const { sample } = answer;
  const owed = {
    phases: sample.phases,
    perTokenNs: sample.tokens?.perTokenNs ?? [],
    waitedNs: sample.waitedNs,
    stealNs: meanwhile.stealNs,
  };
  return {
    ttftNs: sample.ttftNs,
    completeNs: sample.completeNs,
    settledNs: sample.settledNs,
    phases: sample.phases,
    bytesNeeded: sample.bytesNeeded,
    debt:
      pass === 'time' && arm.work === 'infer'
        ? debtOf(owed, Math.min(arm.threads, availableParallelism()), cpus().length)
        : null,
    traffic,
    untouchedBytes: sample.untouchedBytes,
    memory: sample.memory,
    residency: { ...residency, ...sample.residency },
    tokens: sample.tokens,
    tokensPerSecond: sample.tokensPerSecond,
    isa: sample.isa,
    logitsHash: sample.logitsHash,
    contentHash: sample.contentHash,
    effective: effectiveOf(arm, model, sample, after),
    noise: noise(sample.noise),
  };
}

type OwnNoise = Pick<
  Measurement['noise'],
  'voluntarySwitches' | 'involuntarySwitches' | 'spinBeforeNs' | 'spinAfterNs'
>;

type Outside = 'residency' | 'traffic';

function ceilingMeasurement(
  ceiling: NativeCeiling,
  noise: (own: OwnNoise) => Measurement['noise'],
): Omit<Measurement, Outside> {
  return {
    ...unmeasured,
    completeNs: ceiling.ns,
    bytesNeeded: ceiling.bytes,
    untouchedBytes: 0,
    effective: {
      bytesRead: ceiling.bytes,
      hugePages: ceiling.hugePages,
      ...(ceiling.readBytes === null ? {} : { issuedBytes: ceiling.readBytes }),
    },
    noise: noise({ voluntarySwitches: null, involuntarySwitches: null, spinBeforeNs: null, spinAfterNs: null }),
  };
}

/** What stands in `command` is not repeated: nothing of a program is like anything of a load. */
function programMeasurement(
  { command }: CommandAnswer,
  noise: (own: OwnNoise) => Measurement['noise'],
): Omit<Measurement, Outside> {
  const { voluntarySwitches, involuntarySwitches, spinBeforeNs, spinAfterNs, peakRssWatched, pipeBytes } = command;
  return {
    ...unmeasured,
    effective: { peakRssWatched, ...(pipeBytes === null ? {} : { pipeBytes }) },
    noise: noise({ voluntarySwitches, involuntarySwitches, spinBeforeNs, spinAfterNs }),
  };
}
