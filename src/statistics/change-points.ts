/** Where a series of figures begins to lie higher or lower than before. */
import { shuffled } from '../plan/order.js';
import { median } from './order.js';

export interface ChangePoint {
  /** Index of the first value after the change. */
  readonly at: number;
  /** Median after ÷ median before, of the stretches between neighbouring changes. */
  readonly ratio: number;
  /** Of so marked a change anywhere in the stretch that it divides, were its order mere chance. */
  readonly p: number;
}

export interface ChangeRule {
  readonly seed: number;
  /** Of a change found in a series without any. */
  readonly level?: number;
  readonly permutations?: number;
}

const LEVEL = 0.01;
const PERMUTATIONS = 2000;
/** Values on either side of a change, so that one odd run is none. */
const LEAST = 3;

/** Values below which no change is looked for: even 5 against 5 fall wholly apart by chance once in 126 orders, 6 in 462. */
export const LEAST_FOR_CHANGE = 12;

/**
 * Binary segmentation. Of a stretch, the split at which the sum of ranks before it is farthest from what chance gives, in
 * units of its standard deviation (Pettitt 1979, with weights), tested against the greatest such distance over all splits in
 * seeded permutations of the stretch: exact where values are exchangeable, whatever their distribution. A significant split
 * divides the stretch, and both parts are searched. Values are above 0, in the order of time.
 */
export function changePoints(values: readonly number[], rule: ChangeRule): readonly ChangePoint[] {
  const splits = splitsOf(values, 0, rule).toSorted((a, b) => a.at - b.at);
  return splits.map(({ at, p }, index): ChangePoint => {
    const before = values.slice(splits[index - 1]?.at ?? 0, at);
    const after = values.slice(at, splits[index + 1]?.at ?? values.length);
    return { at, p, ratio: median(after) / median(before) };
  });
}

interface Split {
  readonly at: number;
  readonly p: number;
}

function splitsOf(values: readonly number[], offset: number, rule: ChangeRule): readonly Split[] {
  const { seed, level = LEVEL, permutations = PERMUTATIONS } = rule;
  if (values.length < LEAST_FOR_CHANGE) return [];
  const ranks = ranksOf(values);
  const seen = farthest(ranks);
  let asFar = 0;
  for (let draw = 0; draw < permutations; draw += 1) {
    if (farthest(shuffled(ranks, (seed + draw) | 0)).distance >= seen.distance - 1e-9) asFar += 1;
  }
  const p = (asFar + 1) / (permutations + 1);
  if (p > level) return [];
  const { at } = seen;
  return [
    { at: offset + at, p },
    ...splitsOf(values.slice(0, at), offset, rule),
    ...splitsOf(values.slice(at), offset + at, rule),
  ];
}

/** The split that stands out most, and by how much. */
function farthest(ranks: readonly number[]): { readonly at: number; readonly distance: number } {
  const n = ranks.length;
  let best = { at: LEAST, distance: 0 };
  let sum = 0;
  for (let at = 1; at <= n - LEAST; at += 1) {
    sum += (ranks[at - 1] ?? 0) - (n + 1) / 2;
    if (at < LEAST) continue;
    const distance = Math.abs(sum) / Math.sqrt((at * (n - at)) / n);
    if (distance > best.distance) best = { at, distance };
  }
  return best;
}

/** From 1; equals share the mean of theirs. */
function ranksOf(values: readonly number[]): readonly number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = values.map(() => 0);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (let at = from; at <= to; at += 1) ranks[order[at] ?? 0] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranks;
}
