/** The shape of a summary: what statistics say of a ledger. Contract between statistics, report and reports. */
import type { Arm, MemoryState, ModelRecord, Reason, State } from '../samples/record.js';

/** Values in run order with their median and range. */
export interface Description {
  readonly n: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly values: readonly number[];
}

/**
 * A ratio formed only between neighbours of one block (head ÷ base), described by its median. Fewer than 6 pairs: low
 * and high are the range of all pairs. From 6: the exact order-statistic interval, with its achieved confidence.
 */
export interface PairedRatio {
  readonly pairs: number;
  readonly median: number;
  readonly spread: 'range' | 'interval';
  readonly low: number;
  readonly high: number;
  /** Achieved confidence of the interval; null for a range. */
  readonly confidence: number | null;
  /** In run order. */
  readonly values: readonly number[];
}

/** What holding the model costs the system: Δ(Pss_Anon + Pss_Shmem + hugetlb + swap) + page tables, plus the page cache once. Bytes. */
export interface Footprint {
  /** Samples of the memory pass behind the medians below. */
  readonly n: number;
  /** After the first token: a lazy loader has paid by then for what inference needs. */
  readonly unreclaimable: number;
  /**
   * Highest of the sample. From Rss, since Pss is too slow to be watched; the two agree for the private anonymous memory
   * and the huge pages that loaders fill, and Rss counts in full what several processes share.
   */
  readonly peakUnreclaimable: number | null;
  /** The model's pages in the page cache after the first token, counted once; null where they could not be read. */
  readonly reclaimable: number | null;
}

export type BindingName = 'device' | 'copy' | 'first-touch' | 'fault' | 'compute' | 'unexplained';

/** The credible limit that explains most of an arm's time. */
export interface Binding {
  readonly name: BindingName;
  /** Median over samples of time at the binding limit ÷ measured time: 1 is the limit itself. Null for 'unexplained'. */
  readonly share: number | null;
  /** Time that each limit alone would take, medians in nanoseconds, largest first. */
  readonly limits: readonly {
    readonly name: Exclude<BindingName, 'unexplained'>;
    readonly ns: number;
    /** False where it would take clearly longer than was measured: its speed does not hold here, and it never binds. */
    readonly credible: boolean;
  }[];
}

/** What disturbed a sample; what each means and from where on is in `noise.ts`. */
export type NoiseFlag =
  'steal' | 'other-cpu' | 'other-traffic' | 'slow-spin' | 'throttled' | 'pressure' | 'context-switches' | 'first-touch';

/** Of ok samples of the time pass. Disturbed ones are in all figures like the others. */
export interface NoiseCounts {
  readonly samples: number;
  readonly disturbed: number;
  /** Most frequent first; a sample may have several. */
  readonly by: readonly { readonly flag: NoiseFlag; readonly samples: number }[];
}

export interface CellSummary {
  readonly arm: Arm;
  readonly isReference: boolean;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** Samples of the time pass by outcome. */
  readonly outcomes: Readonly<Record<'ok' | 'unsupported' | 'invalid' | 'mismatch' | 'failed', number>>;
  /** Distinct reasons of samples of either pass that were not ok, most frequent first. */
  readonly reasons: readonly { readonly outcome: string; readonly reason: Reason; readonly count: number }[];
  readonly warnings: readonly string[];
  readonly noise: NoiseCounts;
  /** open + acquire, nanoseconds. Never shown without ttft. */
  readonly loadNs: Description | null;
  readonly ttftNs: Description | null;
  readonly completeNs: Description | null;
  /** All tensor bytes ÷ complete time; bytes per second. */
  readonly bytesPerSecond: Description | null;
  /** Paired within blocks: ceiling's time for the same bytes ÷ this arm's complete time; 1 is the physical limit. */
  readonly ceilingShare: PairedRatio | null;
  /** Unpaid at the return of load; null where there is none to know. */
  readonly debtNs: Description | null;
  readonly unexplainedDebtNs: Description | null;
  /** What holds this arm's complete time; null without an ok sample or limits, and for bounds and ceilings. */
  readonly binding: Binding | null;
  readonly prefillTokensPerSecond: Description | null;
  readonly decodeTokensPerSecond: Description | null;
  readonly footprint: Footprint | null;
  /** This arm ÷ the reference arm, in the same block; null for the reference itself, null loader and ceilings. */
  readonly ratio: {
    readonly load: PairedRatio | null;
    readonly ttft: PairedRatio | null;
    readonly complete: PairedRatio | null;
  } | null;
}

/** tinybench's description of one cell's durations (time to first token; a ceiling's: all bytes), milliseconds. */
export interface ReplayedCell {
  readonly arm: string;
  readonly state: string;
  readonly memoryState: string;
  readonly samples: number;
  readonly mean: number;
  readonly p50: number;
  readonly p75: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
  /** Standard deviation; null for one sample, of which tinybench reports 0. */
  readonly sd: number | null;
}

export interface Summary {
  readonly schema: 1;
  readonly tool: string;
  readonly startedAt: string;
  readonly fingerprint: string;
  readonly models: Readonly<Record<string, ModelRecord>>;
  /**
   * In plan order: by model, memory state, state; loaders by their paired ratio of ttft to the reference's (where no pair
   * exists, by median ttft), null last, then bounds, the ceiling and home.
   */
  readonly cells: readonly CellSummary[];
  readonly samples: {
    readonly total: number;
    readonly invalid: number;
    readonly failed: number;
    readonly mismatch: number;
  };
  readonly noise: NoiseCounts & {
    /** Every sample with a flag, whatever its pass and outcome, by its place in the ledger's samples from 0. */
    readonly marks: readonly { readonly sample: number; readonly flags: readonly NoiseFlag[] }[];
  };
  readonly stopped: string | null;
  /** Each cell as tinybench describes it; absent where it was not replayed. */
  readonly tinybench?: readonly ReplayedCell[];
  readonly warnings: readonly string[];
}
