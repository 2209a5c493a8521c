/** What an exact sign test can show with a given number of pairs. */

export interface VerdictDesign {
  /** Comparisons that the plan registers. */
  readonly comparisons: number;
  /** One-sided, for all comparisons and looks together. */
  readonly alpha?: number;
  /** Pairs at which the data are looked at; each look spends an equal part of alpha. Ascending. */
  readonly looks?: readonly number[];
}

/**
 * The first look at which a one-sided sign test can be significant at all: all n signs alike have p = 2^-n, and Holm's
 * first step (Holm 1979) asks the smallest p of m comparisons to be at most α ÷ m. Null when no look suffices.
 */
export function pairsForVerdict({ comparisons, alpha = 0.01, looks = [10, 20, 40] }: VerdictDesign): number | null {
  if (!Number.isSafeInteger(comparisons) || comparisons < 1) {
    throw new RangeError(`a verdict needs at least one comparison, not ${comparisons}`);
  }
  const threshold = alpha / looks.length / comparisons;
  return looks.find((pairs) => 2 ** -pairs <= threshold) ?? null;
}
