/** From values to bounds, and from bounds to a verdict. */
import { LEAST_FOR_INTERVAL, median, medianInterval, valuesForInterval } from './order.js';
import type { Bounds, ClaimResult, Claimed, Decision, Measure, ClaimVerdict } from './claims-types.js';

/** Null of no values. */
export function boundsOf(values: readonly number[]): Bounds | null {
  if (values.length === 0) return null;
  const { low, high, confidence } = medianInterval(values);
  return { n: values.length, needed: LEAST_FOR_INTERVAL, median: median(values), low, high, confidence };
}

/**
 * Numerator ÷ denominator of samples that are no neighbours: the two intervals are set against each other, at their
 * worst. Both hold with at least the sum of their confidences less 1 (Bonferroni), which is why each is made wider.
 */
export function boundsOfMedians(above: readonly number[], below: readonly number[]): Bounds | null {
  if (above.length === 0 || below.length === 0) return null;
  const [a, b] = [medianInterval(above, EACH), medianInterval(below, EACH)];
  return {
    n: Math.min(above.length, below.length),
    needed: LEAST_FOR_MEDIANS,
    median: median(above) / median(below),
    low: a.low / b.high,
    high: a.high / b.low,
    confidence: a.confidence === null || b.confidence === null ? null : a.confidence + b.confidence - 1,
  };
}

/** Two of these make 95 %. */
const EACH = 0.975;
/** Of each of the two medians. */
export const LEAST_FOR_MEDIANS = valuesForInterval(EACH);

export function decide(bounds: Bounds, { bound, figure, none }: Claimed): Decision {
  if (bounds.confidence === null) {
    return {
      verdict: 'undecided',
      why: `${counted(bounds.n)} and so no interval: at least ${bounds.needed} are needed`,
    };
  }
  const up = bound === 'at-least';
  const [worst, best] = up ? [bounds.low, bounds.high] : [bounds.high, bounds.low];
  const meets = (value: number, of: number): boolean => (up ? value >= of : value <= of);
  const shows = (value: number): boolean => none === null || (up ? value > none : value < none);
  if (meets(worst, figure)) return { verdict: 'reproduced', why: 'the whole interval meets the figure' };
  const whole = none === figure;
  if (!shows(best)) {
    const why = whole ? 'the whole interval misses the figure' : 'the whole interval is where there is no such effect';
    return { verdict: 'refuted', why };
  }
  if (!shows(worst)) {
    const why = whole ? 'the interval holds the figure' : 'the interval holds both an effect and none';
    return { verdict: 'undecided', why };
  }
  return meets(best, figure)
    ? { verdict: 'undecided', why: 'there is an effect; whether it is as large as claimed the interval leaves open' }
    : { verdict: 'direction only', why: 'there is an effect, and it falls short of the figure' };
}

const counted = (n: number): string => (n === 1 ? '1 value' : `${n} values`);

/** What a part or a cell has instead of figures. */
export interface Missing {
  readonly testable: boolean;
  readonly why: string;
}

export type Asked = Pick<Measure, 'what' | 'place' | 'unit'>;

const isMissing = (of: Bounds | Missing): of is Missing => 'testable' in of;

/** Held against the claimed figure. */
export function judged(asked: Asked, of: Bounds | Missing, claimed: Claimed, decides = true): Measure {
  if (isMissing(of)) {
    const verdict = of.testable ? 'undecided' : 'not testable here';
    return { ...asked, bounds: null, claimed, verdict, why: of.why, decides };
  }
  return { ...asked, bounds: of, claimed, ...decide(of, claimed), decides };
}

/** Shown beside what decides. */
export function beside(asked: Asked, of: Bounds | Missing): Measure {
  const none = { claimed: null, verdict: null, decides: false };
  return isMissing(of) ? { ...asked, bounds: null, ...none, why: of.why } : { ...asked, bounds: of, ...none, why: '' };
}

/**
 * What all measures together allow to be said: a claim says that all hold, so that one refuted is enough; then the most
 * cautious first.
 */
const CAUTION: readonly ClaimVerdict[] = ['refuted', 'not testable here', 'undecided', 'direction only', 'reproduced'];

/** Of those that decide. Where they disagree, the verdict is the least of them, and says which measure it is of. */
export function verdictOf(measures: readonly Measure[]): Decision {
  const deciding = measures.filter(({ decides }) => decides);
  const worst = CAUTION.flatMap((verdict) => deciding.filter((each) => each.verdict === verdict))[0];
  if (worst?.verdict == null) return { verdict: 'not testable here', why: 'nothing was measured for it' };
  const agree = deciding.every(({ verdict }) => verdict === worst.verdict);
  return { verdict: worst.verdict, why: agree ? worst.why : `${worst.what}, ${worst.place}: ${worst.why}` };
}

/** Whether it has figures that decide, and too few of them: more rounds could decide it. */
export function wantsValues({ measures }: ClaimResult): boolean {
  return measures.some(({ decides, bounds }) => decides && bounds !== null && bounds.confidence === null);
}

/** Whether nothing that decides has an interval. */
export function hasNoInterval({ measures }: ClaimResult): boolean {
  return measures.every(({ decides, bounds }) => !decides || bounds === null || bounds.confidence === null);
}
