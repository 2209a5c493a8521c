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
