/** Whether neighbours in time resemble each other: tests of independent values then cry wolf. */

/** Above this, neighbouring rounds are averaged before they are tested. */
export const AUTOCORRELATED = 0.2;

/**
 * The sample autocorrelation at lag 1, Σ(x_t − x̄)(x_t+1 − x̄) ÷ Σ(x_t − x̄)² (Box & Jenkins, Time Series Analysis, §2.1.5),
 * of values in run order. Null for fewer than 3 values, and for values that are all the same.
 */
export function lagOne(values: readonly number[]): number | null {
  const n = values.length;
  if (n < 3) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  let products = 0;
  let squares = 0;
  let previous: number | null = null;
  for (const value of values) {
    const deviation = value - mean;
    if (previous !== null) products += previous * deviation;
    squares += deviation * deviation;
    previous = deviation;
  }
  return squares === 0 ? null : products / squares;
}

/** Means of each two neighbours, in order; an odd last one stands alone. */
export function averagedNeighbours(values: readonly number[]): readonly number[] {
  const means: number[] = [];
  for (let at = 0; at < values.length; at += 2) {
    const pair = values.slice(at, at + 2);
    means.push(pair.reduce((sum, value) => sum + value, 0) / pair.length);
  }
  return means;
}
