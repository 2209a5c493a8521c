/** What is judged of the story of 2023: claims, what was measured for each, and how that came out. */
import type { Ledger } from '../samples/record.js';

export const CLAIMS_SCHEMA = 1;

/** Each a run of its own, with its own ledger: what one claim needs would only lengthen the blocks of another. */
export const CLAIM_PARTS = ['warm', 'cold', 'memory', 'processes', 'harm', 'shell', 'returned', 'copies'] as const;
export type ClaimPart = (typeof CLAIM_PARTS)[number];

/** `cannot`: this machine has not what it takes; `stopped`: it was not weighed, and might have been. `why` in a few words. */
export type PartOutcome =
  | {
      readonly kind: 'ran';
      readonly ledger: Ledger;
      /** By label: why an arm that belongs to the part was not in it. */
      readonly leftOut?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'cannot' | 'stopped'; readonly why: string };

export type ClaimParts = Readonly<Record<ClaimPart, PartOutcome>>;

/**
 * `reproduced`: the whole interval meets the claimed figure. `direction only`: it lies on the claimed side of no effect,
 * and short of the figure. `refuted`: no effect, or the opposite. `undecided`: the interval holds the figure or no effect,
 * or there is none.
 */
export const CLAIM_VERDICTS = ['reproduced', 'direction only', 'refuted', 'undecided', 'not testable here'] as const;
export type ClaimVerdict = (typeof CLAIM_VERDICTS)[number];

/** Of a median: an interval where there are as many values as it needs, else the range. */
export interface Bounds {
  readonly n: number;
  /** Values from which on there is an interval. */
  readonly needed: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Achieved; null for a range. */
  readonly confidence: number | null;
}

/** `figure` is what the claim says, and `none` where it would be about nothing; null where there is no such value. */
export interface Claimed {
  readonly bound: 'at-least' | 'at-most';
  readonly figure: number;
  readonly none: number | null;
}

export interface Decision {
  readonly verdict: ClaimVerdict;
  readonly why: string;
}

/** One line of what was measured. */
export interface Measure {
  readonly what: string;
  /** State and memory state, or what else it was measured in. */
  readonly place: string;
  readonly unit: 'ratio' | 'share' | 'bytes' | 'ns';
  readonly bounds: Bounds | null;
  /** Null for what is shown beside. */
  readonly claimed: Claimed | null;
  /** Null for what is shown beside; there `why` says why there are no bounds. */
  readonly verdict: ClaimVerdict | null;
  readonly why: string;
  /** Whether the verdict of the claim rests on it. */
  readonly decides: boolean;
}

export interface ClaimResult extends Decision {
  readonly number: number;
  readonly id: 'load' | 'memory' | 'sharing' | 'harm' | 'shell' | 'first-load';
  readonly claim: string;
  /** What the verdict asks for, in words. */
  readonly asks: string;
  readonly measures: readonly Measure[];
  /** What has to be known beside the figures. */
  readonly notes: readonly string[];
}
