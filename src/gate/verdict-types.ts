/** What `verdict.json` holds: the same for neighbours in one run (`ab`) and for a stored baseline (`check`). */
import type { GateMetric, MemoryState, State } from '../samples/record.js';

export const VERDICT_SCHEMA = 1;

export type VerdictKind = 'regressed' | 'inconclusive' | 'improved' | 'unchanged';

/** One side in words, and what did its work. */
export interface Side {
  readonly name: string;
  /** Version of the tool and digest of its build; of a baseline, when and where it was measured. */
  readonly detail: string;
}

export interface ComparisonResult {
  /** What people call the compared arm; of `ab`, the head. */
  readonly arm: string;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly metric: GateMetric;
  /** Where weights were touched and nothing was inferred: ttft is the time to the last needed byte. */
  readonly work?: 'touch';
  readonly verdict: VerdictKind;
  /** One sentence. */
  readonly reason: string;
  /** Medians, in nanoseconds, bytes, faults, or seconds a token; null without a sample. */
  readonly base: number | null;
  readonly head: number | null;
  /** Median of head ÷ base over pairs; of a baseline, of the normalized medians. Above 1 head is the worse. */
  readonly ratio: number | null;
  /** Of a baseline: whether the ratio is of times as parts of their ceilings; absent where it is not. */
  readonly byCeiling?: true;
  /** One-sided bounds of that ratio, each at `confidence`; null where there are too few values. */
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number | null;
  /** Pairs, or samples of head. */
  readonly n: number;
  /** Samples of the baseline; null for pairs. */
  readonly baseN: number | null;
  /** Rounds without a complete pair; 0 for a baseline. */
  readonly dropped: number;
  /** All relative: 0.05 is 5 %. */
  readonly threshold: number;
  /** Null where it was never measured, and of counters. */
  readonly noiseFloor: number | null;
  /** The greater of both: less is no change. */
  readonly tolerance: number;
  /** Smallest worsening that would have been called a regression; null where none would have been. */
  readonly smallestChange: number | null;
}

export interface VerdictFile {
  readonly kind: 'verdict';
  readonly schema: typeof VERDICT_SCHEMA;
  readonly tool: string;
  readonly how: 'ab' | 'check';
  /** The gravest of all comparisons. */
  readonly verdict: VerdictKind;
  /** Why it does not count, in one sentence; null where it does. */
  readonly advisory: string | null;
  readonly startedAt: string;
  readonly fingerprint: string;
  /** Path of the model. */
  readonly model: string;
  readonly base: Side;
  readonly head: Side;
  /** Chance of a false alarm in any comparison, one-sided. */
  readonly alpha: number;
  readonly comparisons: readonly ComparisonResult[];
  /** What a reader must know, one sentence each. */
  readonly notes: readonly string[];
}
