/** The binomial distribution with p = ½: that of the signs of paired differences when nothing has changed. */

/**
 * P(X ≤ 0), P(X ≤ 1), … P(X ≤ n/2) for X ~ Binomial(n, ½). Terms are formed as binary logarithms, since 2^-n is no double
 * beyond n = 1074.
 */
export function* binomialTails(n: number): Generator<number, void, void> {
  let logTerm = -n;
  let tail = 0;
  for (let k = 0; k <= n / 2; k += 1) {
    tail += 2 ** logTerm;
    yield tail;
    logTerm += Math.log2((n - k) / (k + 1));
  }
}

/** P(X ≥ k) for X ~ Binomial(n, ½). */
export function binomialAtLeast(k: number, n: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  // X and n − X have the same distribution; the smaller of the two tails is the one that is summed.
  const upper = n - k <= n / 2;
  let rest = upper ? n - k : k - 1;
  for (const tail of binomialTails(n)) {
    if (rest === 0) return upper ? tail : 1 - tail;
    rest -= 1;
  }
  throw new RangeError(`there are no ${k} of ${n} signs: both are whole numbers`);
}
