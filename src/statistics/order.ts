/** Order statistics: medians and what is known about them without assuming a distribution. */
import { binomialTails } from './binomial.js';
import type { Description } from './summary-types.js';

/** Of the interval of one median, unless several are looked at together. */
const CONFIDENCE = 0.95;

/**
 * The fewest values whose order-statistic interval can reach a confidence: the widest one, from the lowest to the highest
 * of n, has 1 − 2^(1−n). Every count of values or pairs that something "needs" for an interval comes from here.
 */
export function valuesForInterval(confidence: number): number {
  if (!(confidence >= 0 && confidence < 1)) throw new RangeError(`${confidence} is no confidence of an interval`);
  let values = 1;
  while (1 - 2 ** (1 - values) < confidence) values += 1;
  return values;
}

/** 6. Below it no order-statistic interval reaches 95 %: the range is all that can be said. */
export const LEAST_FOR_INTERVAL = valuesForInterval(CONFIDENCE);

export interface Spread {
  readonly spread: 'range' | 'interval';
  readonly low: number;
  readonly high: number;
  /** Achieved confidence of an interval, from the binomial distribution; null for a range. */
  readonly confidence: number | null;
}

const NO_VALUES = 'no values: their order statistics do not exist';

/**
 * Of an even count, the mean of the two middle values. Throws RangeError when there are none. By selection, since a report
 * of a million samples takes hundreds of medians and sorting for each takes three times as long.
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError(NO_VALUES);
  const own = Float64Array.from(values);
  const half = own.length >> 1;
  const upper = select(own, half);
  return own.length % 2 === 1 ? upper : (highest(own.subarray(0, half)) + upper) / 2;
}

function lowest(values: Iterable<number>): number {
  let least = Infinity;
  for (const value of values) least = Math.min(least, value);
  return least;
}

function highest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/**
 * The value that would stand at place k, from 0, were they sorted; none before it is larger then (Hoare, Find, CACM 4:7).
 * Pivots are drawn, always the same ones: from the middle, values that rise and fall again would take quadratic time.
 */
function select(values: Float64Array, k: number): number {
  let [first, last] = [0, values.length - 1];
  let draw = 1;
  while (first < last) {
    draw = Math.imul(draw, 1_664_525) + 1_013_904_223;
    const pivot = values[first + Math.floor(((draw >>> 0) / 2 ** 32) * (last - first + 1))] ?? 0;
    let [low, high] = [first, last];
    while (low <= high) {
      while ((values[low] ?? pivot) < pivot) low += 1;
      while ((values[high] ?? pivot) > pivot) high -= 1;
      if (low > high) break;
      const moved = values[low] ?? 0;
      values[low] = values[high] ?? 0;
      values[high] = moved;
      low += 1;
      high -= 1;
    }
    if (k <= high) last = high;
    else if (k >= low) first = low;
    else break;
  }
  return values[k] ?? 0;
}

/**
 * The narrowest symmetric interval (x_k, x_n+1−k) that holds the median of the population with at least the given
 * confidence, whatever the distribution: the sign test turned round (Thompson 1936; David & Nagaraja, Order Statistics,
 * §7.1). Its confidence is 1 − 2·P(Binomial(n, ½) < k). With fewer values than that needs, the range.
 */
export function medianInterval(values: readonly number[], confidence = CONFIDENCE): Spread {
  const n = values.length;
  if (n === 0) throw new RangeError(NO_VALUES);
  let rank = 0;
  let achieved = 0;
  for (const tail of binomialTails(n)) {
    if (1 - 2 * tail < confidence) break;
    rank += 1;
    achieved = 1 - 2 * tail;
  }
  if (rank === 0 || n < LEAST_FOR_INTERVAL) {
    return { spread: 'range', low: lowest(values), high: highest(values), confidence: null };
  }
  const own = Float64Array.from(values);
  const [low, high] = [select(own, rank - 1), select(own, n - rank)];
  return { spread: 'interval', low, high, confidence: achieved };
}

/** Null when there is nothing to describe. */
export function describe(values: readonly number[]): Description | null {
  if (values.length === 0) return null;
  return { n: values.length, median: median(values), min: lowest(values), max: highest(values), values };
}

/** Nearest rank, for each share; 0 of nothing. */
export function quantiles(values: readonly number[], shares: readonly number[]): readonly number[] {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}

/** Of those that are known; null of none. */
export function medianOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
}
