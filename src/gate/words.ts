/** What verdicts, metrics and figures are called. */
import type { Arm, GateMetric } from '../samples/record.js';
import { percent, size } from '../report/format.js';
import { NEGLIGIBLE, isCounter, type Counter } from '../statistics/metrics.js';
import type { ComparisonResult, VerdictKind } from './verdict-types.js';

/** From the gravest on. */
const GRAVITY: readonly VerdictKind[] = ['regressed', 'inconclusive', 'improved', 'unchanged'];

/** Of nothing compared, nothing is known. */
export function gravest(results: readonly Pick<ComparisonResult, 'verdict'>[]): VerdictKind {
  return GRAVITY.find((kind) => results.some(({ verdict }) => verdict === kind)) ?? 'inconclusive';
}

const names: Readonly<Record<GateMetric, string>> = {
  ttft: 'first token',
  complete: 'complete',
  decode: 'time a token',
  wall: 'wall time',
  'first-byte': 'first byte',
  token: 'time a token',
  'read-bytes': 'bytes read',
  faults: 'page faults',
  'page-tables': 'page tables',
  unreclaimable: 'held at end',
  'peak-memory': 'peak memory',
};

/** Of what an arm did; absent or anything but touch: inference. */
export interface Worked {
  readonly work?: Arm['work'];
}

export function metricName(metric: GateMetric, { work }: Worked): string {
  return metric === 'ttft' && work === 'touch' ? 'last needed byte' : names[metric];
}

/** What of it is compared: of counters, with as much added as is nothing. */
export function judgedName(metric: GateMetric, worked: Worked): string {
  const name = metricName(metric, worked);
  return isCounter(metric) ? `${name} (+ ${allowance(metric)} on both sides)` : name;
}

/** As much of a counter as is nothing. */
export function allowance(metric: Counter): string {
  return metric === 'faults' ? String(NEGLIGIBLE[metric]) : size(NEGLIGIBLE[metric]);
}

/** What a sample with the wrong weights gave. */
export function wrongResult({ work }: Worked): string {
  return work === 'touch' ? 'other content' : 'other logits';
}

/** Relative, of any size: 4.2 %, 130 %. */
export function relative(share: number): string {
  return share < 10 ? percent(share) : `${share.toFixed(0)}-fold`;
}

/** A ratio as a change: 4.2% more, 3.1% less. */
export function change(ratio: number): string {
  if (Math.abs(ratio - 1) < 0.0005) return 'the same';
  return ratio > 1 ? `${relative(ratio - 1)} more` : `${percent(1 - ratio)} less`;
}
