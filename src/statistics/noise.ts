/** From the ledger of an arm weighed against itself to the noise of this machine. Pure: equal ledgers, equal figures. */
import { isDeepStrictEqual } from 'node:util';
import type { Arm, Ledger, MemoryState, ModelRecord, State } from '../samples/record.js';
import { lagOne } from './autocorrelation.js';
import { modesOf, type Modes } from './bimodality.js';
import { logRatiosOf, roundsOf, type VersusRound } from './comparison.js';
import { METRICS, costOf, type Metric } from './metrics.js';
import { noiseFloor, smallestChange } from './noise-floor.js';
import { median } from './order.js';
import type { OkSample } from './pairs.js';
import { LOOKS } from './sign-test.js';
import { theilSen } from './theil-sen.js';

export const NOISE_SCHEMA = 1;

/** Relative figures: 0.02 is 2 %. */
export interface NoiseLook {
  readonly pairs: number;
  /** 99th percentile of |median ratio − 1| of so many pairs of equals; null with fewer than 40 recorded pairs. */
  readonly noiseFloor: number | null;
  /** Smallest slowdown that so many pairs find in 95 of 100 cases, were it the only comparison of the gate. */
  readonly smallestAlone: number | null;
  /** The same as one of `family` comparisons; null where so few pairs find nothing of any size. */
  readonly smallestInFamily: number | null;
}

export interface MetricNoise {
  /** Complete pairs. */
  readonly pairs: number;
  /** log(second copy ÷ first), in run order. */
  readonly logRatios: readonly number[];
  readonly looks: readonly NoiseLook[];
  /** Of the log ratios; null for fewer than 3. */
  readonly lagOne: number | null;
  /**
   * Theil–Sen slope of log cost over time, relative a minute; null with fewer than two samples, and of samples that lie
   * within less than a minute: it would say what nobody saw.
   */
  readonly driftPerMinute: number | null;
  /** From the first sample to the last. Absent in earlier records. */
  readonly minutes?: number;
  /** Median of the last third of samples ÷ median of the first. */
  readonly lastToFirst: number | null;
  /** Where the costs have two modes. */
  readonly modes: Modes | null;
}

/** What may be looked up later: figures of another machine, file, arm or state are no measure of this one. */
export interface NoiseKey {
  readonly fingerprint: string;
  /** Header digest of the model. */
  readonly model: string;
  readonly arm: string;
  readonly state: State;
  readonly memoryState: MemoryState;
}

export interface NoiseRecord {
  readonly kind: 'noise';
  readonly schema: typeof NOISE_SCHEMA;
  readonly key: NoiseKey;
  /** Where the figures come from. */
  readonly provenance: {
    readonly tool: string;
    readonly addon: string;
    readonly startedAt: string;
    /** Directory of the run. */
    readonly run: string;
    readonly modelPath: string;
    readonly modelBytes: number;
    readonly loader: string;
    readonly seed: number;
    readonly stopped: string | null;
  };
  readonly rounds: number;
  /** Comparisons that a gate of one arm in the states of this run would register. */
  readonly family: number;
  readonly metrics: Readonly<Record<Metric, MetricNoise>>;
}

/** The two copies of an arm that was weighed against itself. Throws RangeError where the run is no A/A. */
export function copiesOf({ run: { plan, arms, models } }: Ledger): {
  readonly base: Arm;
  readonly head: Arm;
  readonly model: ModelRecord;
} {
  const [baseId, headId] = plan.arms;
  const [base, head] = [arms[baseId ?? ''], arms[headId ?? '']];
  const model = base === undefined ? undefined : models[base.model];
  if (base === undefined || head === undefined || model === undefined || plan.arms.length !== 2) {
    throw new RangeError('noise is read from a run of one model and one loader named twice');
  }
  // Load threads, a setting or a file of the same name: only the names may differ.
  if (!isDeepStrictEqual({ ...base, id: '', label: '' }, { ...head, id: '', label: '' })) {
    throw new RangeError(`${head.label} and ${base.label} are not the same arm: their differences are no noise`);
  }
  return { base, head, model };
}

/** One record a state and memory state. `run`: the directory of the ledger. Throws RangeError where it is no A/A. */
export function noiseOf(ledger: Ledger, run: string): readonly NoiseRecord[] {
  const { plan, machine } = ledger.run;
  const { base, head, model } = copiesOf(ledger);
  const family = plan.states.length * plan.memoryStates.length * METRICS.length;
  return plan.memoryStates.flatMap((memoryState) =>
    plan.states.map((state): NoiseRecord => {
      const rounds = roundsOf(ledger, { head: head.id, base: base.id, state, memoryState });
      const ofMetric = (metric: Metric): MetricNoise => metricNoise(rounds, metric, family, plan.seed);
      return {
        kind: 'noise',
        schema: NOISE_SCHEMA,
        key: { fingerprint: machine.fingerprint, model: model.headerDigest, arm: base.id, state, memoryState },
        provenance: {
          tool: ledger.run.tool,
          addon: ledger.run.runtime.addon,
          startedAt: ledger.run.startedAt,
          run,
          modelPath: model.path,
          modelBytes: model.bytes,
          loader: base.loader,
          seed: plan.seed,
          stopped: ledger.end?.stopped ?? null,
        },
        rounds: rounds.length,
        family,
        metrics: { ttft: ofMetric('ttft'), complete: ofMetric('complete'), decode: ofMetric('decode') },
      };
    }),
  );
}

function metricNoise(rounds: readonly VersusRound[], metric: Metric, family: number, seed: number): MetricNoise {
  const logRatios = logRatiosOf(rounds, metric);
  const timed = costsInTime(rounds, metric);
  const costs = timed.map(({ cost }) => cost);
  const third = Math.floor(costs.length / 3);
  const minutes = (timed.at(-1)?.minutes ?? 0) - (timed[0]?.minutes ?? 0);
  const slope = minutes < 1 ? null : theilSen(timed.map(({ minutes: at, cost }) => ({ x: at, y: Math.log(cost) })));
  return {
    pairs: logRatios.length,
    logRatios,
    looks: LOOKS.map((pairs): NoiseLook => {
      const floor = noiseFloor(logRatios, pairs, { seed });
      const smallest = (among: number): number | null =>
        smallestChange(logRatios, pairs, { seed, family: among, tolerance: floor ?? 0 });
      return { pairs, noiseFloor: floor, smallestAlone: smallest(1), smallestInFamily: smallest(family) };
    }),
    lagOne: lagOne(logRatios),
    driftPerMinute: slope === null ? null : Math.expm1(slope),
    minutes,
    lastToFirst: third === 0 ? null : median(costs.slice(-third)) / median(costs.slice(0, third)),
    modes: modesOf(costs),
  };
}

/** Of both copies, in the order in which they ran. */
function costsInTime(
  rounds: readonly VersusRound[],
  metric: Metric,
): readonly { readonly minutes: number; readonly cost: number }[] {
  const samples = rounds.flatMap(({ pair }): readonly OkSample[] => (pair === null ? [] : [pair.head, pair.base]));
  return samples
    .flatMap((sample) => {
      const cost = costOf(sample, metric);
      return cost === null ? [] : [{ minutes: Date.parse(sample.startedAt) / 60_000, cost }];
    })
    .sort((a, b) => a.minutes - b.minutes);
}
