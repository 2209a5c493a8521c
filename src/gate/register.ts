/** Which comparisons a run will be judged by, and at which rounds: decided before the first sample. */
import { bypassesPageCache } from '../loader.js';
import type { Planned } from '../plan/plan.js';
import type { Arm, Gate, GateMetric, MemoryState, State } from '../samples/record.js';
import { COMMAND_METRICS, COUNTERS, METRICS, type Metric } from '../statistics/metrics.js';
import { ALPHA, LOOKS, pairsForVerdict } from '../statistics/sign-test.js';

/** Relative: 0.05 is 5 %. */
export type Thresholds = Readonly<Record<GateMetric, number>>;

export interface Registration {
  /** Null for all that both sides have. */
  readonly metrics: readonly GateMetric[] | null;
  readonly thresholds: Thresholds;
  readonly pairs: number;
  /** Noise floor of an arm for n pairs, relative; null where it is not known. */
  readonly floorOf: (arm: Arm, place: Place, metric: Metric, n: number) => number | null;
}

export interface Place {
  readonly state: State;
  readonly memoryState: MemoryState;
}

const LOADER_COUNTERS = ['read-bytes', 'faults', 'page-tables', 'unreclaimable'] as const;
const COMMAND_COUNTERS = ['read-bytes', 'faults', 'peak-memory'] as const;

/** What may be asked for by name. */
export const GATE_METRICS: readonly GateMetric[] = [...METRICS, ...COMMAND_METRICS, ...COUNTERS];

/** Where equals differ by chance, `time`; counters hardly do, whatever the machine is busy with. */
export function usualThresholds(time: number): Thresholds {
  return {
    ...{ ttft: time, complete: time, decode: time, wall: time, 'first-byte': time, token: time },
    ...{ 'read-bytes': 0.01, faults: 0.05, 'page-tables': 0.05, unreclaimable: 0.01, 'peak-memory': 0.05 },
  };
}

/**
 * Each twice as many as the one before, and the last of all pairs: 10, 20, 40; 10, 20, 30. Those at which so many
 * comparisons cannot be decided, whatever is measured, are left out: each look takes its part of the error, and one that
 * can decide nothing takes it for nothing.
 */
export function looksFor(pairs: number, comparisons: number): readonly number[] {
  const all: number[] = [];
  for (let look: number = LOOKS[0]; look < pairs; look *= 2) all.push(look);
  let looks: readonly number[] = [...all, pairs];
  for (;;) {
    const first = pairsForVerdict({ comparisons, looks }) ?? pairs;
    if (first <= (looks[0] ?? pairs)) return looks;
    looks = looks.filter((look) => look >= first);
  }
}

/** The registered comparisons of a run of two arms, the reference being the base. Throws RangeError for other runs. */
export function register({ plan, arms }: Pick<Planned, 'plan' | 'arms'>, registration: Registration): Gate {
  const [base, head] = [arms[plan.arms[0] ?? ''], arms[plan.arms[1] ?? '']];
  if (base === undefined || head === undefined || plan.arms.length !== 2) {
    throw new RangeError('a gate compares two arms');
  }
  const metrics = metricsOf(base, head).filter((metric) => registration.metrics?.includes(metric) ?? true);
  const states = statesOf(plan.states, [base, head]);
  const looks = looksFor(registration.pairs, Math.max(1, plan.memoryStates.length * states.length * metrics.length));
  return {
    alpha: ALPHA,
    looks,
    comparisons: plan.memoryStates.flatMap((memoryState) =>
      states.flatMap((state) =>
        metrics.map((metric) => ({
          ...{ base: base.id, head: head.id, state, memoryState, metric },
          threshold: registration.thresholds[metric],
          noiseFloors: looks.map((n) => {
            const noisy = METRICS.find((each) => each === metric);
            if (noisy === undefined) return null;
            const known = [base, head]
              .map((arm) => registration.floorOf(arm, { state, memoryState }, noisy, n))
              .filter((floor) => floor !== null);
            return known.length === 0 ? null : Math.max(...known);
          }),
        })),
      ),
    ),
  };
}

/** What reads the device whatever the page cache holds has no warm state. */
function statesOf(states: readonly State[], arms: readonly Arm[]): readonly State[] {
  const bypasses = arms.some(({ mechanism, options }) => bypassesPageCache(mechanism, options));
  return states.filter((state) => state !== 'warm' || !bypasses);
}

/** What both sides tell. */
function metricsOf(base: Arm, head: Arm): readonly GateMetric[] {
  const theirs = [base, head].map(metricsOfArm);
  return GATE_METRICS.filter((metric) => theirs.every((metrics) => metrics.includes(metric)));
}

function metricsOfArm({ command = null, generate }: Arm): readonly GateMetric[] {
  if (command === null) return [...METRICS.filter((metric) => metric !== 'decode' || generate > 0), ...LOADER_COUNTERS];
  return [
    'wall',
    ...(command.output === 'first-byte' ? (['first-byte'] as const) : []),
    ...(command.pattern === null ? [] : (['token'] as const)),
    ...COMMAND_COUNTERS,
  ];
}
