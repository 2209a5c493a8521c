/** How many pairs it takes to show that nothing is worse, with scatter like that of the pairs that were seen. */
import { binomialTails } from './binomial.js';

/** Of such runs as many come out unchanged. */
const FOUND = 0.9;
const MOST = 100_000;
/** Between two numbers that are tried. */
const STEP = 1.1;

/** What was seen of a comparison. */
export interface Scatter {
  /** Values that were tested. */
  readonly tested: number;
  /** Of these, the ones below the tolerance. */
  readonly within: number;
  /** What the upper bound may be wrong with. */
  readonly error: number;
}

/**
 * The upper order-statistic bound of n values lies below a limit where fewer than k of them do not, k being the rank that the
 * error allows: a sign test against the limit. The least n, in steps of a tenth, for which that happens in 9 of 10 runs, were
 * the share of values below the limit that of those seen, drawn in by half a value (Agresti & Coull 1998 draw it in further).
 * Null where half of them or fewer lie below, so that no number does, and above 100,000.
 */
export function pairsForUnchanged({ tested, within, error }: Scatter): number | null {
  const beyond = (tested - within + 0.5) / (tested + 1);
  if (beyond >= 0.5) return null;
  for (let n = 10; n <= MOST; n = Math.ceil(n * STEP)) {
    if (atMost(rankFor(n, error) - 1, n, beyond) >= FOUND) return n;
  }
  return null;
}

/** Values that the bound leaves out on one side, and itself: the greatest k with P(Binomial(n, ½) < k) ≤ error. */
function rankFor(n: number, error: number): number {
  let rank = 0;
  for (const tail of binomialTails(n)) {
    if (tail > error) break;
    rank += 1;
  }
  return rank;
}

/** P(X ≤ k) for X ~ Binomial(n, p), 0 < p < 1, its terms as logarithms. */
function atMost(k: number, n: number, p: number): number {
  let logTerm = n * Math.log1p(-p);
  let sum = 0;
  for (let i = 0; i <= k; i += 1) {
    sum += Math.exp(logTerm);
    logTerm += Math.log((n - i) / (i + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return sum;
}
