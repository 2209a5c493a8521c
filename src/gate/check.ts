/**
 * A run against stored baselines. They are of other days, so their samples are nobody's neighbours: costs are divided by the
 * ceilings of their own run where both have them, and how far days differ must be known from several baselines or from the
 * machine's stored noise; where it is not, nothing is concluded. Pure.
 */
import type { GateMetric, MemoryState, State } from '../samples/record.js';
import { counted } from '../report/format.js';
import { holm } from '../statistics/holm.js';
import { costOfCounter, isCounter, type Counter } from '../statistics/metrics.js';
import { median } from '../statistics/order.js';
import { permutationTest } from '../statistics/permutation-test.js';
import { ALPHA } from '../statistics/sign-test.js';
import { predictionReach } from '../statistics/student.js';
import type { BaselineEntry, BaselineMetric } from './baseline-types.js';
import type { Thresholds } from './register.js';
import type { ComparisonResult, VerdictKind } from './verdict-types.js';
import { change, judgedName, metricName, relative, wrongResult } from './words.js';

/** Baselines from which on their own spread says how far days differ. */
export const LEAST_BASELINES = 3;

export interface CheckRequest {
  readonly entries: readonly BaselineEntry[];
  /** Of each baseline. */
  readonly baselines: readonly (readonly BaselineEntry[])[];
  /** Null for all that both have. */
  readonly metrics: readonly GateMetric[] | null;
  readonly thresholds: Thresholds;
  /** Relative noise of a metric on this machine, as it is known without the baselines; null where it is not. */
  readonly noiseOf: (entry: BaselineEntry, metric: GateMetric, n: number) => number | null;
  /** Whether a baseline is of another machine, whose times say nothing unless they are normalized. */
  readonly acrossMachines: boolean;
}

interface Compared {
  readonly entry: BaselineEntry;
  readonly metric: GateMetric;
  readonly head: BaselineMetric;
  readonly bases: readonly BaselineMetric[];
  /** Twice or more, where no baseline ever did. */
  readonly fails: boolean;
}

/** Nothing where run and baselines have no work in common. */
export function checkAgainst(request: CheckRequest): readonly ComparisonResult[] {
  const compared = comparedOf(request);
  const family = Math.max(1, compared.filter(({ metric }) => !isCounter(metric)).length);
  const tested = compared.map((each) => (isCounter(each.metric) ? null : test(each, request, family)));
  const slower = adjusted(tested, 'pSlower', family);
  const faster = adjusted(tested, 'pFaster', family);
  return compared.map((each, index): ComparisonResult => {
    const { metric } = each;
    if (each.fails) return failing(each, request);
    if (each.head === nothing) return lacking(each, request);
    if (isCounter(metric)) return ofCounter(each, metric, request);
    const found = tested[index] ?? null;
    return found === null
      ? lacking(each, request)
      : ofCost(each, { ...found, pSlower: slower[index] ?? 1, pFaster: faster[index] ?? 1 }, request);
  });
}

function comparedOf({ entries, baselines, metrics }: CheckRequest): readonly Compared[] {
  return entries.flatMap((entry) => {
    const matches = baselines.flatMap((file) => file.filter((other) => placeKey(other) === placeKey(entry)));
    const names = [...new Set(matches.flatMap((match) => Object.keys(match.metrics) as GateMetric[]))];
    const wanted = names.filter((metric) => metrics?.includes(metric) ?? true);
    return wanted.flatMap((metric): readonly Compared[] => {
      const head = entry.metrics[metric] ?? nothing;
      const bases = matches.flatMap((match) => match.metrics[metric] ?? []);
      const fails = entry.failed >= 2 && matches.every(({ failed }) => failed === 0);
      return bases.length === 0 ? [] : [{ entry, metric, head, bases, fails }];
    });
  });
}

const nothing: BaselineMetric = { values: [], median: 0, normalized: null };

/** Where figures of two runs mean the same. */
export function placeKey({
  key,
  model,
  modelBytes,
  state,
  memoryState,
}: {
  readonly key: string;
  readonly model: string;
  readonly modelBytes: number;
  readonly state: State;
  readonly memoryState: MemoryState;
}): string {
  return JSON.stringify([key, model, modelBytes, state, memoryState]);
}

interface Tested {
  readonly head: readonly number[];
  readonly base: readonly number[];
  readonly normalized: boolean;
  readonly ratio: number;
  readonly pSlower: number;
  readonly pFaster: number;
  /** Relative; null where nothing tells how far days differ. */
  readonly noise: number | null;
  readonly tolerance: number;
  /** What p must reach, Holm aside. */
  readonly level: number;
}

/** Null without a value of head. */
function test({ entry, metric, head, bases }: Compared, request: CheckRequest, family: number): Tested | null {
  const normalized = head.normalized !== null && bases.every((base) => base.normalized !== null);
  const valuesOf = (figures: BaselineMetric): readonly number[] =>
    normalized ? (figures.normalized ?? []) : figures.values;
  const mine = valuesOf(head);
  const theirs = bases.map(valuesOf);
  if (mine.length === 0) return null;
  const pooled = theirs.flat();
  const level = ALPHA / family;
  const { pSlower, pFaster } = permutationTest(mine, pooled);
  // A day is one observation, however many samples it has: what it is compared with is the mean of days.
  const days = theirs.map((values) => Math.log(median(values)));
  const ratio = median(mine) / Math.exp(days.reduce((sum, day) => sum + day, 0) / days.length);
  const reach = predictionReach(days, 1 - level);
  const between = reach === null || bases.length < LEAST_BASELINES ? null : Math.expm1(reach);
  const stored = request.noiseOf(entry, metric, mine.length);
  const known = [between, stored].filter((noise) => noise !== null);
  const noise = known.length === 0 ? null : Math.max(...known);
  const tolerance = Math.max(request.thresholds[metric], noise ?? 0);
  return { head: mine, base: pooled, normalized, ratio, pSlower, pFaster, noise, tolerance, level };
}

function adjusted(tested: readonly (Tested | null)[], tail: 'pSlower' | 'pFaster', family: number): readonly number[] {
  const at = tested.flatMap((each, index) => (each === null ? [] : [{ index, p: each[tail] }]));
  const values = holm(
    at.map(({ p }) => p),
    family,
  );
  const result = tested.map(() => 1);
  for (const [rank, { index }] of at.entries()) result[index] = values[rank] ?? 1;
  return result;
}

function ofCost(compared: Compared, tested: Tested, request: CheckRequest): ComparisonResult {
  const { metric } = compared;
  const { ratio, pSlower, pFaster, noise, tolerance, normalized, head, base } = tested;
  const name = metricName(metric, compared.entry);
  const of = `${name}${normalized ? ' ÷ ceiling' : ''} is ${change(ratio)}`;
  const common = {
    ...{ ...commonOf(compared, request), ratio, noiseFloor: noise, tolerance, n: head.length },
    ...(normalized ? { byCeiling: true as const } : {}),
  };
  const give = (verdict: VerdictKind, reason: string, smallestChange: number | null): ComparisonResult => ({
    ...common,
    ...{ verdict, reason, smallestChange, baseN: base.length },
  });
  if (request.acrossMachines && !normalized) {
    return give('inconclusive', `${of}, of another machine and without ceilings of both: it says nothing`, null);
  }
  if (noise === null) {
    return give('inconclusive', `${of}, and nothing tells how far runs of two days differ here`, null);
  }
  const smallest = smallestFound(tested);
  if (pSlower <= ALPHA && ratio > 1 + tolerance)
    return give('regressed', `${of}, beyond ${relative(tolerance)}`, smallest);
  if (pFaster <= ALPHA && ratio < 1 / (1 + tolerance))
    return give('improved', `${of}, beyond ${relative(tolerance)}`, smallest);
  if (ratio < 1 + tolerance && isBelow(tested)) {
    // What a change made worse, a good day may hide as far as days differ.
    const most = (1 + tolerance) * (1 + noise) - 1;
    return give('unchanged', `${of}, and surely less than ${relative(most)} more`, smallest);
  }
  const seen =
    smallest === null
      ? `too few samples (${head.length} against ${base.length}) to show a change of any size`
      : 'neither a change nor its absence is shown';
  return give('inconclusive', `${of}: ${seen}`, smallest);
}

/** Whether head is significantly below base that was made worse by τ. */
function isBelow({ head, base, tolerance, level }: Tested): boolean {
  const worse = base.map((value) => value * (1 + tolerance));
  return permutationTest(head, worse).pFaster <= level;
}

const STEP = 1.25;
const MOST_CHANGE = 100;

/**
 * The first of growing changes, from τ on, that would be found were it put on head as it scatters around the mean of days.
 * Null where none is, since there are too few values.
 */
function smallestFound({ head, base, ratio, tolerance, level }: Tested): number | null {
  for (let found = tolerance; found < MOST_CHANGE; found *= STEP) {
    const put = head.map((value) => (value / ratio) * (1 + found));
    if (permutationTest(put, base).pSlower <= level) return found;
  }
  return null;
}

/** Counters hardly vary: what is beyond the threshold and overlaps with nothing seen before is a change. */
function ofCounter(compared: Compared, metric: Counter, request: CheckRequest): ComparisonResult {
  const { head, bases } = compared;
  if (request.acrossMachines) {
    const reason = `${metricName(metric, compared.entry)} of another machine says nothing of this one`;
    return { ...commonOf(compared, request), reason };
  }
  const cost = (value: number): number => costOfCounter(value, metric);
  const mine = head.values.map(cost);
  const theirs = bases.flatMap(({ values }) => values).map(cost);
  const threshold = request.thresholds[metric];
  const ratio = median(mine) / median(theirs);
  const above = Math.min(...mine) > Math.max(...theirs);
  const below = Math.max(...mine) < Math.min(...theirs);
  const of = `${judgedName(metric, compared.entry)} is ${change(ratio)}`;
  const common = { ...commonOf(compared, request), ratio, tolerance: threshold, baseN: theirs.length };
  // Of what scatters, all of head must lie above all of base.
  const apart = Math.max(...theirs) / Math.min(...mine);
  const smallestChange = Math.max(threshold, ratio * apart - 1);
  const give = (verdict: VerdictKind, reason: string): ComparisonResult => ({
    ...common,
    verdict,
    reason,
    smallestChange,
  });
  if (ratio > 1 + threshold) {
    return above
      ? give('regressed', `${of}, beyond ${relative(threshold)}, in every sample`)
      : give('inconclusive', `${of}, but samples of both overlap`);
  }
  if (ratio < 1 / (1 + threshold) && below) return give('improved', `${of}, in every sample`);
  return give('unchanged', `${of}, within ${relative(threshold)}`);
}

function failing(compared: Compared, request: CheckRequest): ComparisonResult {
  const { failed } = compared.entry;
  const reason = `${counted(failed, 'sample')} failed or gave ${wrongResult(compared.entry)}, none of the baseline did`;
  return { ...commonOf(compared, request), verdict: 'regressed', reason };
}

/** What was weighed without a figure has not been found to be as good as before. */
function lacking(compared: Compared, request: CheckRequest): ComparisonResult {
  const { failed, ok } = compared.entry;
  const why =
    failed > 0 && ok === 0
      ? `${counted(failed, 'sample')} failed or gave ${wrongResult(compared.entry)} and none was ok, in the baseline some failed as well`
      : 'no sample of this run has it, and the baseline does';
  return {
    ...commonOf(compared, request),
    verdict: 'inconclusive',
    reason: `${metricName(compared.metric, compared.entry)}: ${why}`,
  };
}

function commonOf({ entry, metric, head, bases }: Compared, { thresholds }: CheckRequest): ComparisonResult {
  const theirs = bases.flatMap(({ values }) => values);
  return {
    ...{ arm: entry.label, state: entry.state, memoryState: entry.memoryState, metric },
    ...(entry.work === undefined ? {} : { work: entry.work }),
    ...{ verdict: 'inconclusive', reason: '' },
    base: theirs.length === 0 ? null : median(theirs),
    head: head.values.length === 0 ? null : head.median,
    ...{ ratio: null, low: null, high: null, confidence: null },
    ...{ n: head.values.length, baseN: theirs.length, dropped: 0 },
    ...{ threshold: thresholds[metric], noiseFloor: null, tolerance: thresholds[metric], smallestChange: null },
  };
}
