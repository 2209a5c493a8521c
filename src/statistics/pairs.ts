/** Pairs of neighbours: the only samples whose times may be divided by each other. */
import type { Sample } from '../samples/record.js';
import type { PairedRatio } from './summary-types.js';
import { median, medianInterval } from './order.js';

export type OkSample = Extract<Sample, { readonly outcome: 'ok' }>;

/** Two samples that ran close together, in the same block and under the same conditions. */
export interface Pair {
  readonly head: OkSample;
  readonly base: OkSample;
}

/** Where a sample may find its partner: same conditions, same round, same block. */
function place(sample: OkSample): string {
  const { arm, state, memoryState, load, round, block } = sample;
  return `${round} ${block} ${load} ${state} ${memoryState} ${arm.model}`;
}

function isTimed(sample: Sample): sample is OkSample {
  return sample.outcome === 'ok' && sample.pass === 'time';
}

/**
 * Pairs the samples of one arm with those of another. Partners share model, state, memory state, load, round, block and
 * attempt, belong to the time pass, and are both ok. A retried pair replaces the earlier one of its block, so that a
 * block yields at most one: that of its highest attempt. In the order of `head`.
 */
export function pairsOf(head: readonly Sample[], base: readonly Sample[]): readonly Pair[] {
  const bases = byPlace(base);
  const pairs = new Map<string, Pair>();
  for (const sample of head) {
    if (!isTimed(sample)) continue;
    const where = place(sample);
    const partner = bases.get(`${sample.attempt} ${where}`);
    const earlier = pairs.get(where);
    if (partner === undefined || (earlier !== undefined && earlier.head.attempt > sample.attempt)) continue;
    pairs.set(where, { head: sample, base: partner });
  }
  return [...pairs.values()];
}

/** Kept: every arm of a place is paired with the same samples of its reference. */
const placed = new WeakMap<readonly Sample[], ReadonlyMap<string, OkSample>>();

/** Timed samples by attempt and place. */
function byPlace(samples: readonly Sample[]): ReadonlyMap<string, OkSample> {
  const known = placed.get(samples);
  if (known !== undefined) return known;
  const found = new Map<string, OkSample>();
  for (const sample of samples) {
    if (isTimed(sample)) found.set(`${sample.attempt} ${place(sample)}`, sample);
  }
  placed.set(samples, found);
  return found;
}

/** Median and spread of numerator ÷ denominator over pairs; pairs where either is missing or not above 0 drop out. */
export function pairedRatio(
  pairs: readonly Pair[],
  numerator: (pair: Pair) => number | null,
  denominator: (pair: Pair) => number | null,
): PairedRatio | null {
  const values: number[] = [];
  for (const pair of pairs) {
    const above = numerator(pair);
    const below = denominator(pair);
    if (above !== null && below !== null && above > 0 && below > 0) values.push(above / below);
  }
  if (values.length === 0) return null;
  return { pairs: values.length, median: median(values), ...medianInterval(values), values };
}
