/** What paired ratios of one comparison among several allow to be said. */
import { medianInterval, valuesForInterval } from './order.js';

/** Of saying something false in any of the comparisons made together; two-sided. */
const FAMILY_ALPHA = 0.05;

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Achieved. */
  readonly confidence: number;
}

/**
 * `faster` and `slower`: the exact interval of the median ratio lies wholly below or above 1. `open`: it holds 1.
 * `too-few`: so few pairs reach the confidence with no interval at all; `pairsNeeded` is the least number that can.
 */
export type Claim =
  | { readonly kind: 'faster' | 'slower' | 'open'; readonly interval: Interval }
  | { readonly kind: 'too-few'; readonly pairsNeeded: number };

/**
 * One of `comparisons` made together, each at confidence 1 − 0.05 ÷ comparisons (Bonferroni), so that all intervals hold
 * their medians at once with 95 %. Throws RangeError without ratios.
 */
export function claimOf(ratios: readonly number[], comparisons: number): Claim {
  const { low, high, confidence } = medianInterval(ratios, confidenceOf(comparisons));
  if (confidence === null) return { kind: 'too-few', pairsNeeded: pairsForClaim(comparisons) };
  const kind = high < 1 ? 'faster' : low > 1 ? 'slower' : 'open';
  return { kind, interval: { low, high, confidence } };
}

/** The least number of pairs that can prove one of so many comparisons: 6 for one alone, more for more. */
export function pairsForClaim(comparisons: number): number {
  return valuesForInterval(confidenceOf(comparisons));
}

function confidenceOf(comparisons: number): number {
  if (!Number.isSafeInteger(comparisons) || comparisons < 1) {
    throw new RangeError(`a claim belongs to at least one comparison, not ${comparisons}`);
  }
  return 1 - FAMILY_ALPHA / comparisons;
}
