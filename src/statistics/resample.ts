/** Drawing anew from recorded values, neighbours kept together. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export type RandomGenerator = ReturnType<typeof xoroshiro128plus>;

/** Neighbours that are drawn together, so that what they have in common is drawn too. */
export const BLOCK_LENGTH = 3;

/**
 * Indices of a block resample: `count` of `length` values, in runs of three neighbours that begin anywhere; a run that
 * reaches the end goes on at the beginning, so that each value is drawn equally often (the circular block bootstrap of
 * Politis & Romano 1992).
 */
export function blockResample(length: number, count: number, generator: RandomGenerator): readonly number[] {
  if (length < 1) throw new RangeError('nothing can be drawn from no values');
  const indices: number[] = [];
  while (indices.length < count) {
    const start = uniformInt(generator, 0, length - 1);
    for (let next = 0; next < BLOCK_LENGTH && indices.length < count; next += 1) {
      indices.push((start + next) % length);
    }
  }
  return indices;
}

/** Medians and other figures of many resamples of the same values, ascending. Equal seeds give equal figures. */
export function resampled(
  values: readonly number[],
  count: number,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
  figure: (drawn: Float64Array) => number,
): Float64Array {
  const generator = xoroshiro128plus(seed);
  const drawn = new Float64Array(count);
  const figures = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample += 1) {
    for (const [at, index] of blockResample(values.length, count, generator).entries()) {
      drawn[at] = values[index] ?? Number.NaN;
    }
    figures[resample] = figure(drawn);
  }
  return figures.sort();
}

/** The smallest of ascending figures that at least the given share of them does not exceed. */
export function quantile(ascending: Float64Array, share: number): number {
  const value = ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)];
  if (value === undefined) throw new RangeError('no figures: they have no quantile');
  return value;
}
