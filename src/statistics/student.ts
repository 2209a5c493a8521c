/** Student's t: how far one more value may lie from a few earlier ones. */

/**
 * The quantile of Student's t distribution for 0.5 < p < 1, by bisection of its distribution function (Abramowitz & Stegun,
 * 26.7). Its tail above t is half the regularized incomplete beta function at ν ÷ (ν + t²).
 */
export function studentQuantile(p: number, degrees: number): number {
  if (!(p > 0.5 && p < 1) || !(degrees >= 1)) {
    throw new RangeError(`there is no quantile ${p} of Student's t with ${degrees} degrees`);
  }
  const tail = (t: number): number => incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  let [low, high] = [0, 1];
  while (tail(high) > 1 - p) high *= 2;
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    if (tail(middle) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * How far, in the unit of the values, the next value may lie above their mean with probability p, were they all drawn from one
 * normal distribution (Hahn & Meeker, Statistical Intervals, §4.7). Null for fewer than 3 values: two tell too little.
 */
export function predictionReach(values: readonly number[], p: number): number | null {
  const n = values.length;
  if (n < 3) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  return studentQuantile(p, n - 1) * sd * Math.sqrt(1 + 1 / n);
}

/** Regularized, for 0 ≤ x ≤ 1. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on one side of the mean alone.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

/** The continued fraction of the incomplete beta function (Abramowitz & Stegun, 26.5.8), by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  const least = 1e-300;
  const kept = (value: number): number => (Math.abs(value) < least ? least : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 300; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    const step = d * c;
    result *= step;
    if (Math.abs(step - 1) < 1e-14) break;
  }
  return result;
}

/** Lanczos (1964), g = 5, six terms: relative error below 2e-10. */
function logGamma(x: number): number {
  const terms = [
    76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.001208650973866179,
    -5.395239384953e-6,
  ];
  const shifted = x + 5.5 - (x + 0.5) * Math.log(x + 5.5);
  const series = terms.reduce((sum, term, index) => sum + term / (x + 1 + index), 1.000000000190015);
  return -shifted + Math.log((2.5066282746310005 * series) / x);
}
