/**
 * Verdicts of comparisons that a plan registered, from the log ratios of their pairs. Sequential: data are looked at after
 * 10, 20 and 40 rounds, each look spends a third of alpha, and what a look has decided of costs stands.
 */
import { AUTOCORRELATED, averagedNeighbours, lagOne } from './autocorrelation.js';
import { holm } from './holm.js';
import { median, medianInterval } from './order.js';
import { ALPHA, LOOKS, signTest } from './sign-test.js';

/** What one registered round gave a comparison. */
export type RoundOutcome =
  /** log(head ÷ base) of a cost: above 0 head is the worse. */
  | { readonly kind: 'pair'; readonly difference: number }
  /** No complete pair, retries included. */
  | { readonly kind: 'dropped' }
  /** A side failed or gave other logits: no pair, and no mere accident of measuring. */
  | { readonly kind: 'failed'; readonly head: boolean; readonly base: boolean };

export interface Comparison {
  /** In run order. */
  readonly rounds: readonly RoundOutcome[];
  /** Relative: 0.05 is 5 %. */
  readonly threshold: number;
  /** Of this metric and state, relative, for as many pairs as each look has; null where none is known. */
  readonly noiseFloors: readonly (number | null)[];
}

export interface VerdictRule {
  /** How many comparisons the plan registers, those without data included. */
  readonly family: number;
  readonly alpha?: number;
  readonly looks?: readonly number[];
}

/** What a look saw of a comparison. */
export interface Evidence {
  /** Rounds until then. */
  readonly rounds: number;
  readonly pairs: number;
  /** Rounds without a complete pair. */
  readonly dropped: number;
  readonly headFailures: number;
  readonly baseFailures: number;
  /** Of the differences; null for fewer than 3. */
  readonly lagOne: number | null;
  /** Values that were tested: fewer than pairs where neighbours were averaged. */
  readonly tested: number;
  /** Of the tested values, those below log(1 + `within`). */
  readonly belowWithin: number;
  /** Median of head ÷ base; null without pairs. */
  readonly ratio: number | null;
  /** One-sided order-statistic bounds of that median, each at 1 − α ÷ (looks · family); null with too few pairs. */
  readonly low: number | null;
  readonly high: number | null;
  /** Holm-adjusted over the family. */
  readonly pSlower: number;
  readonly pFaster: number;
  /** τ of this look, max(threshold, noise floor of so many pairs), relative: no median within it is a change. */
  readonly tolerance: number;
  /** τ of the last look: what `unchanged` is held against at every look. */
  readonly within: number;
}

export type Verdict =
  | { readonly kind: 'regressed'; readonly because: 'cost' | 'failures'; readonly evidence: Evidence }
  | { readonly kind: 'improved' | 'unchanged'; readonly evidence: Evidence }
  /** Not decided yet: the next look may. */
  | { readonly kind: 'open'; readonly evidence: Evidence }
  | {
      readonly kind: 'inconclusive';
      readonly because: 'spread' | 'dropped';
      /**
       * Relative: had head been worse throughout by so much, with the very scatter seen, it would have been found. Null
       * where no change would have been, since too few values are left to test.
       */
      readonly smallestChange: number | null;
      readonly evidence: Evidence;
    };

export interface Judgement {
  /** In the order of the comparisons. */
  readonly verdicts: readonly Verdict[];
  /** Rounds that the next look wants; null when all is decided or there is no further look. */
  readonly next: number | null;
}

/** Above this share of rounds without a complete pair nothing is concluded from the others. */
const MOST_DROPPED = 0.2;

/**
 * Judges comparisons by the looks that their rounds reach; rounds between two looks wait for the later one. With `stopped`
 * nothing more will be measured: what is open then is inconclusive. Rules, for differences d of complete pairs (lag-1
 * autocorrelation above 0.2: means of neighbours) and τ = max(threshold, noise floor of as many pairs):
 *  regressed     sign test significant (Holm over the family) and median d > log(1 + τ); or two failures of head, none of base
 *  improved      the same of −d, failures left out
 *  unchanged     upper order-statistic bound of the median at 1 − α ÷ (looks · family) < log(1 + τ): no worse by more than
 *                τ, that of the last look: few pairs have a high floor, and to end there would concede what more could find
 *  inconclusive  none of these after the last look, or more than 20 % of rounds dropped by then
 * What a look decided of costs stands; failures are no sample of a distribution and count whenever they come, so that they
 * turn what an earlier look decided, and what came after the last look that a stopped run reached.
 * Improved goes before unchanged, which may hold at once. Two failures of base prove nothing of head.
 */
export function judge(comparisons: readonly Comparison[], rule: VerdictRule, stopped = false): Judgement {
  const { family, looks = LOOKS } = rule;
  if (!Number.isSafeInteger(family) || family < Math.max(1, comparisons.length)) {
    throw new RangeError(`${comparisons.length} comparisons cannot be all of a family of ${family}`);
  }
  const available = Math.max(0, ...comparisons.map(({ rounds }) => rounds.length));
  const reached = looks.filter((rounds) => rounds <= available);
  const early = Math.min(available, looks[0] ?? 0);
  let verdicts: readonly Verdict[] = seenAt(comparisons, early, 0, rule).map(({ evidence }) => {
    if (failsAlone(evidence)) return { kind: 'regressed', because: 'failures', evidence };
    return stopped && reached.length === 0 ? inconclusive(evidence) : { kind: 'open', evidence };
  });
  for (const [look, rounds] of reached.entries()) {
    const isLast = look === looks.length - 1 || (stopped && look === reached.length - 1);
    const seen = atLook(comparisons, rounds, look, rule, isLast);
    verdicts = verdicts.map((verdict, index) => (verdict.kind === 'open' ? (seen[index] ?? verdict) : verdict));
  }
  const next = looks[reached.length];
  if (stopped) {
    const all = seenAt(comparisons, available, Math.min(reached.length, looks.length - 1), rule);
    verdicts = verdicts.map((verdict, index) => {
      const evidence = verdict.kind === 'regressed' ? undefined : all[index]?.evidence;
      return evidence !== undefined && failsAlone(evidence)
        ? { kind: 'regressed', because: 'failures', evidence }
        : verdict;
    });
  }
  const isOpen = verdicts.some(({ kind }) => kind === 'open');
  return { verdicts, next: isOpen ? (next ?? null) : null };
}

/** Verdicts of one look alone. */
function atLook(
  comparisons: readonly Comparison[],
  rounds: number,
  look: number,
  rule: VerdictRule,
  isLast: boolean,
): readonly Verdict[] {
  return seenAt(comparisons, rounds, look, rule).map(({ evidence, values }) =>
    verdictOf(evidence, values, levelOf(rule), isLast),
  );
}

/** The evidence of each comparison, its p-values adjusted over the family. */
function seenAt(comparisons: readonly Comparison[], rounds: number, look: number, rule: VerdictRule): readonly Seen[] {
  const seen = comparisons.map((comparison) => evidenceOf({ comparison, rounds, look, rule }));
  const slower = holm(
    seen.map(({ evidence }) => (tooManyDropped(evidence) ? 1 : evidence.pSlower)),
    rule.family,
  );
  const faster = holm(
    seen.map(({ evidence }) => (tooManyDropped(evidence) ? 1 : evidence.pFaster)),
    rule.family,
  );
  return seen.map(({ evidence, values }, index) => ({
    evidence: { ...evidence, pSlower: slower[index] ?? 1, pFaster: faster[index] ?? 1 },
    values,
  }));
}

/** What each look may spend. */
function levelOf({ alpha = ALPHA, looks = LOOKS }: VerdictRule): number {
  return alpha / looks.length;
}

function verdictOf(evidence: Evidence, values: readonly number[], level: number, isLast: boolean): Verdict {
  if (failsAlone(evidence)) return { kind: 'regressed', because: 'failures', evidence };
  const limit = Math.log1p(evidence.tolerance);
  const middle = values.length === 0 ? null : median(values);
  if (middle !== null && !tooManyDropped(evidence)) {
    if (evidence.pSlower <= level && middle > limit) return { kind: 'regressed', because: 'cost', evidence };
    if (evidence.pFaster <= level && middle < -limit) return { kind: 'improved', evidence };
    if (evidence.high !== null && evidence.high < 1 + evidence.within) return { kind: 'unchanged', evidence };
  }
  return isLast ? inconclusive(evidence) : { kind: 'open', evidence };
}

function failsAlone({ headFailures, baseFailures }: Evidence): boolean {
  return headFailures >= 2 && baseFailures === 0;
}

function inconclusive(evidence: Evidence): Verdict {
  const because = tooManyDropped(evidence) ? 'dropped' : 'spread';
  return { kind: 'inconclusive', because, smallestChange: smallestChangeOf(evidence), evidence };
}

/**
 * Relative: had head been worse throughout by so much, with the very scatter seen, it would have been called a regression.
 * Null where no change would have been.
 */
export function smallestChangeOf(evidence: Evidence): number | null {
  const { ratio, low, tolerance } = evidence;
  return ratio === null || low === null || tooManyDropped(evidence)
    ? null
    : Math.max(tolerance, Math.expm1(Math.log(ratio) - Math.log(low)));
}

function tooManyDropped({ rounds, dropped }: Evidence): boolean {
  return dropped > MOST_DROPPED * rounds;
}

interface LookAt {
  readonly comparison: Comparison;
  readonly rounds: number;
  readonly look: number;
  readonly rule: VerdictRule;
}

interface Seen {
  readonly evidence: Evidence;
  /** What was tested. */
  readonly values: readonly number[];
}

/** p-values are of this comparison alone. */
function evidenceOf({ comparison, rounds, look, rule }: LookAt): Seen {
  const seen = comparison.rounds.slice(0, rounds);
  const differences = seen.flatMap((round) => (round.kind === 'pair' ? [round.difference] : []));
  const failures = (side: 'head' | 'base'): number =>
    seen.filter((round) => round.kind === 'failed' && round[side]).length;
  const { values, correlation } = testedValues(differences);
  const bounds = boundsOf(values, levelOf(rule) / rule.family);
  const within = toleranceOf(comparison, (rule.looks ?? LOOKS).length - 1);
  return {
    values,
    evidence: {
      rounds,
      pairs: differences.length,
      dropped: rounds - differences.length,
      headFailures: failures('head'),
      baseFailures: failures('base'),
      lagOne: correlation,
      tested: values.length,
      belowWithin: values.filter((value) => value < Math.log1p(within)).length,
      ratio: values.length === 0 ? null : Math.exp(median(values)),
      low: bounds === null ? null : Math.exp(bounds.low),
      high: bounds === null ? null : Math.exp(bounds.high),
      pSlower: signTest(values).p,
      pFaster: signTest(values.map((value) => -value)).p,
      tolerance: toleranceOf(comparison, look),
      within,
    },
  };
}

/** τ at a look. */
function toleranceOf({ threshold, noiseFloors }: Comparison, look: number): number {
  return Math.max(threshold, noiseFloors[look] ?? 0);
}

/** Differences as they are tested: neighbours that resemble each other are one observation. */
export function testedValues(differences: readonly number[]): {
  readonly values: readonly number[];
  readonly correlation: number | null;
} {
  const correlation = lagOne(differences);
  const averaged = correlation !== null && correlation > AUTOCORRELATED;
  return { values: averaged ? averagedNeighbours(differences) : differences, correlation };
}

/** Order-statistic bounds of a median, each wrong with at most the given probability. Null where no value is that extreme. */
export function boundsOf(
  values: readonly number[],
  error: number,
): { readonly low: number; readonly high: number } | null {
  if (values.length === 0) return null;
  const { low, high, confidence } = medianInterval(values, 1 - 2 * error);
  return confidence === null ? null : { low, high };
}
