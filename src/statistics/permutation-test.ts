/** Comparing with a stored baseline, whose samples are nobody's neighbours. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface PermutationTest {
  /** Median of head ÷ median of base. */
  readonly ratio: number;
  /** Of a ratio as high (`slower`) or as low (`faster`), were head and base the same. */
  readonly pSlower: number;
  readonly pFaster: number;
  /** Whether every division was tried, or as many as `tried` at random. */
  readonly exact: boolean;
  readonly tried: number;
}

/** Divisions that are tried one by one; 9 against 9 has 48,620. */
const MOST_EXACT = 50_000;
const RANDOM = 20_000;

export interface PermutationBudget {
  readonly mostExact?: number;
  readonly random?: number;
}

/**
 * Permutation test of log medians: over all ways to divide the pooled values into two groups of these sizes (Good,
 * Permutation Tests, §3), how many put the medians as far apart. With too many ways, of 20,000 random ones, seeded; p is
 * then (b + 1) ÷ (N + 1), never 0 (Phipson & Smyth 2010). Values are above 0, in any order, at least one a side.
 */
export function permutationTest(
  head: readonly number[],
  base: readonly number[],
  seed: number,
  { mostExact = MOST_EXACT, random = RANDOM }: PermutationBudget = {},
): PermutationTest {
  const values = [...head, ...base].map(Math.log);
  if (head.length === 0 || base.length === 0 || !values.every(Number.isFinite)) {
    throw new RangeError('a permutation test takes values above 0, at least one of head and one of base');
  }
  // Ascending once: the median of any group of them is then found by counting.
  const ranked = values
    .map((value, index) => ({ value, isHead: index < head.length }))
    .sort((a, b) => a.value - b.value);
  const pooled = Float64Array.from(ranked, ({ value }) => value);
  const observed = statistic(
    pooled,
    Uint8Array.from(ranked, ({ isHead }) => Number(isHead)),
    head.length,
  );
  // Sums of logarithms in another order may differ in the last bits: what is equal must count as equal.
  const slack = 1e-12 * Math.max(1, ...values.map(Math.abs));
  const exact = divisions(pooled.length, head.length) <= mostExact;
  let tried = 0;
  let atLeast = 0;
  let atMost = 0;
  const tries = exact
    ? everyDivision(pooled.length, head.length)
    : randomDivisions(pooled.length, head.length, seed, random);
  for (const division of tries) {
    const value = statistic(pooled, division, head.length);
    tried += 1;
    if (value >= observed - slack) atLeast += 1;
    if (value <= observed + slack) atMost += 1;
  }
  const p = (count: number): number => (exact ? count / tried : (count + 1) / (tried + 1));
  return { ratio: Math.exp(observed), pSlower: p(atLeast), pFaster: p(atMost), exact, tried };
}

/** Median of those marked 1, of which there are `size`, less that of the rest. */
function statistic(ascending: Float64Array, division: Uint8Array, size: number): number {
  return middleOf(ascending, division, 1, size) - middleOf(ascending, division, 0, ascending.length - size);
}

function middleOf(ascending: Float64Array, division: Uint8Array, group: 0 | 1, size: number): number {
  const upper = size >> 1;
  let seen = 0;
  let below = Number.NaN;
  for (let at = 0; at < ascending.length; at += 1) {
    if (division[at] !== group) continue;
    const value = ascending[at] ?? Number.NaN;
    if (seen === upper) return size % 2 === 1 ? value : (below + value) / 2;
    below = value;
    seen += 1;
  }
  return Number.NaN;
}

/** n over k, or infinity where it is too large to matter. */
function divisions(n: number, k: number): number {
  let ways = 1;
  for (let factor = 1; factor <= Math.min(k, n - k); factor += 1) ways = (ways * (n - factor + 1)) / factor;
  return ways;
}

/** Each choice of `size` among `count`; the array is the same each time. */
function* everyDivision(count: number, size: number): Generator<Uint8Array, void, void> {
  const chosen = Array.from({ length: size }, (_, index) => index);
  const division = new Uint8Array(count);
  for (;;) {
    division.fill(0);
    for (const at of chosen) division[at] = 1;
    yield division;
    let at = size - 1;
    while (at >= 0 && chosen[at] === count - size + at) at -= 1;
    if (at < 0) return;
    const moved = (chosen[at] ?? 0) + 1;
    for (let next = at; next < size; next += 1) chosen[next] = moved + next - at;
  }
}

/** A random choice each time; the array is the same each time. */
function* randomDivisions(count: number, size: number, seed: number, draws: number): Generator<Uint8Array, void, void> {
  const random = xoroshiro128plus(seed);
  const division = new Uint8Array(count).fill(1, 0, size);
  for (let draw = 0; draw < draws; draw += 1) {
    // Fisher–Yates, as far as the first group reaches.
    for (let at = 0; at < size; at += 1) {
      const other = uniformInt(random, at, count - 1);
      const held = division[at] ?? 0;
      division[at] = division[other] ?? 0;
      division[other] = held;
    }
    yield division;
  }
}
