/** The exact one-sided sign test of paired differences, and what it can show with a given number of pairs. */
import { binomialAtLeast } from './binomial.js';

export interface SignTest {
  /** Differences above 0. */
  readonly positive: number;
  /** Differences above or below 0: those that have a sign. */
  readonly signs: number;
  /** Of so many or more positive signs, where both are as likely; 1 without any sign. */
  readonly p: number;
}

/**
 * Against the hypothesis that differences lie above 0 no more often than below. Zeros are dropped: given how many there
 * are, the signs of the rest are binomial whatever the share of zeros, so the test stays exact, and among tests that treat
 * zeros in some way it is the most powerful unbiased one (Putter 1955; Lehmann, Testing Statistical Hypotheses, §4.9;
 * Conover, Practical Nonparametric Statistics, §3.4, drops them too). Counting them half is no exact test. That a few
 * signs among many zeros may so be significant does no harm in a verdict: it also asks for a median beyond a threshold.
 */
export function signTest(differences: readonly number[]): SignTest {
  let positive = 0;
  let negative = 0;
  for (const difference of differences) {
    if (Number.isNaN(difference)) throw new RangeError('a difference is not a number: it has no sign');
    if (difference > 0) positive += 1;
    if (difference < 0) negative += 1;
  }
  const signs = positive + negative;
  return { positive, signs, p: binomialAtLeast(positive, signs) };
}

/** Pairs at which data of a verdict are looked at; each look spends an equal part of alpha. */
export const LOOKS = [10, 20, 40] as const;
/** As many as a verdict may have, and as a noise floor is drawn from. */
export const MOST_PAIRS = LOOKS[2];

/** One-sided, of a false alarm in any comparison at any look. */
export const ALPHA = 0.01;

export interface VerdictDesign {
  /** Comparisons that the plan registers. */
  readonly comparisons: number;
  /** One-sided, for all comparisons and looks together. */
  readonly alpha?: number;
  /** Ascending. */
  readonly looks?: readonly number[];
}

/**
 * The first look at which a one-sided sign test can be significant at all: all n signs alike have p = 2^-n, and Holm's
 * first step (Holm 1979) asks the smallest p of m comparisons to be at most α ÷ m. Null when no look suffices.
 */
export function pairsForVerdict({ comparisons, alpha = ALPHA, looks = LOOKS }: VerdictDesign): number | null {
  if (!Number.isSafeInteger(comparisons) || comparisons < 1) {
    throw new RangeError(`a verdict needs at least one comparison, not ${comparisons}`);
  }
  const threshold = alpha / looks.length / comparisons;
  return looks.find((pairs) => 2 ** -pairs <= threshold) ?? null;
}
