/** Comparing with a stored baseline, whose samples are nobody's neighbours. */
import { shuffled } from '../plan/order.js';
import { median } from './order.js';

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

/** Divisions that are tried one by one; 10 against 10 has 184,756. */
const MOST_EXACT = 200_000;
const RANDOM = 20_000;

/**
 * Permutation test of log medians: over all ways to divide the pooled values into two groups of these sizes (Good,
 * Permutation Tests, §3), how many put the medians as far apart. With too many ways, of 20,000 random ones, seeded; p is
 * then (b + 1) ÷ (N + 1), never 0 (Phipson & Smyth 2010). Values are above 0, in any order, at least one a side.
 */
export function permutationTest(head: readonly number[], base: readonly number[], seed: number): PermutationTest {
  const pooled = [...head, ...base].map(Math.log);
  if (head.length === 0 || base.length === 0 || !pooled.every(Number.isFinite)) {
    throw new RangeError('a permutation test takes values above 0, at least one of head and one of base');
  }
  const observed = statistic(pooled, head.length);
  // Sums of logarithms in another order may differ in the last bits: what is equal must count as equal.
  const slack = 1e-12 * Math.max(1, ...pooled.map(Math.abs));
  const exact = divisions(pooled.length, head.length) <= MOST_EXACT;
  let tried = 0;
  let atLeast = 0;
  let atMost = 0;
  for (const division of exact ? everyDivision(pooled, head.length) : randomDivisions(pooled, seed)) {
    const value = statistic(division, head.length);
    tried += 1;
    if (value >= observed - slack) atLeast += 1;
    if (value <= observed + slack) atMost += 1;
  }
  const p = (count: number): number => (exact ? count / tried : (count + 1) / (tried + 1));
  return { ratio: Math.exp(observed), pSlower: p(atLeast), pFaster: p(atMost), exact, tried };
}

/** Of the first `size` values against the rest. */
function statistic(values: readonly number[], size: number): number {
  return median(values.slice(0, size)) - median(values.slice(size));
}

/** n over k, or infinity where it is too large to matter. */
function divisions(n: number, k: number): number {
  let ways = 1;
  for (let factor = 1; factor <= Math.min(k, n - k); factor += 1) ways = (ways * (n - factor + 1)) / factor;
  return ways;
}

/** Each choice of `size` values, followed by the rest. */
function* everyDivision(values: readonly number[], size: number): Generator<readonly number[], void, void> {
  const chosen = Array.from({ length: size }, (_, index) => index);
  for (;;) {
    const first = new Set(chosen);
    yield [...chosen.map((index) => values[index] ?? Number.NaN), ...values.filter((_, index) => !first.has(index))];
    let at = size - 1;
    while (at >= 0 && chosen[at] === values.length - size + at) at -= 1;
    if (at < 0) return;
    const moved = (chosen[at] ?? 0) + 1;
    for (let next = at; next < size; next += 1) chosen[next] = moved + next - at;
  }
}

function* randomDivisions(values: readonly number[], seed: number): Generator<readonly number[], void, void> {
  for (let draw = 0; draw < RANDOM; draw += 1) yield shuffled(values, (seed + draw) | 0);
}
