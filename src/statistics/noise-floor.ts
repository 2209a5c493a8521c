/** What an arm weighed against itself says of a machine: how far apart equals come out, and what a verdict can see there. */
import { median } from './order.js';
import { quantile, resampled } from './resample.js';
import { ALPHA, LOOKS, MOST_PAIRS } from './sign-test.js';
import { boundsOf, testedValues } from './verdict.js';

/** Recorded A/A pairs that a noise floor is formed from at least: as many as the median has that it is the floor of. */
export const LEAST_FOR_FLOOR = MOST_PAIRS;
export const RESAMPLES = 10_000;
const FLOOR_QUANTILE = 0.99;
/** Of such changes as many are found as are asked of the gate. */
const FOUND = 0.95;

export interface Drawing {
  readonly seed: number;
  readonly resamples?: number;
}

/**
 * The noise floor of a metric and state for n pairs, relative: the 99th percentile of |median log ratio| over block
 * resamples (10,000; runs of 3) of recorded A/A log ratios. Null with fewer than 40 of them.
 */
export function noiseFloor(logRatios: readonly number[], n: number, drawing: Drawing): number | null {
  if (logRatios.length < LEAST_FOR_FLOOR) return null;
  const medians = resampled(logRatios, n, complete(drawing), (drawn) => Math.abs(medianOf(drawn)));
  return Math.expm1(quantile(medians, FLOOR_QUANTILE));
}

export interface Sight extends Drawing {
  /** Comparisons that are judged together. */
  readonly family: number;
  /** τ, relative: nothing below it is called a regression. */
  readonly tolerance: number;
}

/**
 * The smallest slowdown, relative, that a look at n pairs finds in 95 % of block resamples of the recorded log ratios,
 * were each of them greater by it. Of a resample it is what lifts both its median above τ and its lower order-statistic
 * bound above 0, which is when the sign test is significant at the strictest of Holm's steps. Null with fewer than 40
 * recorded pairs, and where n pairs find nothing of any size.
 */
export function smallestChange(logRatios: readonly number[], n: number, sight: Sight): number | null {
  if (logRatios.length < LEAST_FOR_FLOOR) return null;
  const error = ALPHA / LOOKS.length / sight.family;
  const limit = Math.log1p(sight.tolerance);
  // Only chance moves equals away from 0; it is in the scatter, not in the middle.
  const middle = median(logRatios);
  const centred = logRatios.map((value) => value - middle);
  const needed = resampled(centred, n, complete(sight), (drawn) => {
    const { values } = testedValues([...drawn]);
    const bounds = boundsOf(values, error);
    return bounds === null ? Infinity : Math.max(limit - median(values), -bounds.low);
  });
  const change = quantile(needed, FOUND);
  return Number.isFinite(change) ? Math.expm1(change) : null;
}

function complete({ seed, resamples = RESAMPLES }: Drawing): Required<Drawing> {
  return { seed, resamples };
}

/** Sorts what it is given: it is drawn anew each time. */
function medianOf(drawn: Float64Array): number {
  drawn.sort();
  const upper = drawn[drawn.length >> 1] ?? Number.NaN;
  return drawn.length % 2 === 1 ? upper : ((drawn[(drawn.length >> 1) - 1] ?? Number.NaN) + upper) / 2;
}
