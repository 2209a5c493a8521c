/** The shape of a summary: what statistics say of a ledger. Contract between statistics, report and reports. */
import type { Arm, MemoryState, ModelRecord, Reason, Setting, State } from '../samples/record.js';
import type { Modes } from './bimodality.js';

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

/**
 * What holding the model costs the system: Δ(Pss_Anon + Pss_Shmem + hugetlb + swap) + page tables, plus the page cache once.
 * Bytes. What of the page cache is locked cannot be taken back, and is counted with the first.
 */
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
  /** Page cache that is locked, a part of both above; null where it could not be read. */
  readonly lockedCache: number | null;
  /** The model's other pages in the page cache after the first token, counted once; null where they could not be read. */
  readonly reclaimable: number | null;
}

/** `several`: none takes half of the time, and all together, one after the other, do. */
export type BindingName = 'device' | 'copy' | 'first-touch' | 'fault' | 'compute' | 'several' | 'unexplained';

/** The credible limit that explains most of an arm's time. */
export interface Binding {
  readonly name: BindingName;
  /** Median over samples of time at the binding limit ÷ measured time: 1 is the limit itself. Null for the last two. */
  readonly share: number | null;
  /** Time that each limit alone would take, medians in nanoseconds, largest first. */
  readonly limits: readonly {
    readonly name: Exclude<BindingName, 'several' | 'unexplained'>;
    readonly ns: number;
    /** Median over samples of it ÷ measured time. */
    readonly share: number;
    /** False where it would take clearly longer than was measured: its speed does not hold here, and it never binds. */
    readonly credible: boolean;
  }[];
}

/** What external programs cost. Times and counters of the time pass; memory of the memory pass, else of the time pass. */
export interface CommandFigures {
  readonly wallNs: Description | null;
  readonly firstByteNs: Description | null;
  readonly userNs: Description | null;
  readonly systemNs: Description | null;
  readonly minorFaults: Description | null;
  readonly majorFaults: Description | null;
  readonly readBytes: Description | null;
  readonly peakRss: Description | null;
  readonly peakPss: Description | null;
  readonly tokensPerSecond: Description | null;
  /** Wall time ÷ that of the first command in the same block; null for the first itself. */
  readonly wallRatio: PairedRatio | null;
  /** First byte ÷ what the reference loader takes from exec to its first token in the same block; null without a loader. */
  readonly firstByteRatio: PairedRatio | null;
}

/** What disturbed a sample; what each means and from where on is in `noise-flags.ts`. */
export type NoiseFlag =
  'steal' | 'other-cpu' | 'other-traffic' | 'slow-spin' | 'throttled' | 'pressure' | 'context-switches' | 'first-touch';

/** Of ok samples of the time pass; of several processes the group, disturbed with any of them. All are in all figures alike. */
export interface NoiseCounts {
  readonly samples: number;
  readonly disturbed: number;
  /** Most frequent first; a sample may have several. */
  readonly by: readonly { readonly flag: NoiseFlag; readonly samples: number }[];
}

/**
 * Of several processes, the group is what is counted: times of the slowest, speeds and memory of all together; of programs,
 * all of the one that ended last.
 */
export interface CellSummary {
  readonly arm: Arm;
  /** Key of Summary.settings. */
  readonly setting: string;
  readonly isReference: boolean;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** 1 where the state was prepared; which of the loads in a row it was. */
  readonly load: number;
  /** Samples of the time pass by outcome. */
  readonly outcomes: Readonly<Record<'ok' | 'unsupported' | 'invalid' | 'mismatch' | 'failed', number>>;
  /** Distinct reasons of samples of either pass that were not ok, most frequent first. */
  readonly reasons: readonly { readonly outcome: string; readonly reason: Reason; readonly count: number }[];
  readonly warnings: readonly string[];
  readonly noise: NoiseCounts;
  /** open + acquire, nanoseconds. Never shown without ttft. */
  readonly loadNs: Description | null;
  readonly ttftNs: Description | null;
  /** From the process's exec to its first token: what a program's first byte is compared with. Of loaders alone. */
  readonly execToTokenNs: Description | null;
  /** Where ttft has two modes, nanoseconds: its median then describes nothing. */
  readonly ttftModes: Modes | null;
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
  /** Of command arms alone: never part of what loaders are compared by. */
  readonly command: CommandFigures | null;
  /** This arm ÷ the reference arm, in the same block; null for the reference itself, null loader, ceilings and commands. */
  readonly ratio: {
    readonly load: PairedRatio | null;
    readonly ttft: PairedRatio | null;
    readonly complete: PairedRatio | null;
  } | null;
}

/** What one more process of a loader costs, from the settings that differ in nothing but how many there are. */
export interface ProcessScaling {
  /** Setting of the fewest processes. */
  readonly setting: string;
  readonly loader: string;
  readonly label: string;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** Fewest processes first. */
  readonly points: readonly {
    readonly processes: number;
    /** Of all processes, KV cache and scratch left out. */
    readonly unreclaimable: number | null;
    /** The same and the model's page cache once. */
    readonly total: number | null;
    /** File pages that all processes have mapped in common since before they loaded; null for one process. */
    readonly shared: number | null;
    /** Of all processes together, and of the slowest: medians. */
    readonly decodeTokensPerSecond: number | null;
    readonly slowestDecodeTokensPerSecond: number | null;
    /** Of the slowest process. */
    readonly firstTokenNs: number | null;
  }[];
  /** Of the totals: the median slope between any two points. Null with fewer than two. */
  readonly bytesPerProcess: number | null;
}

/** tinybench's description of one cell's durations (time to first token; a ceiling's: all bytes), milliseconds. */
export interface ReplayedCell {
  readonly arm: string;
  readonly state: string;
  readonly memoryState: string;
  readonly load: number;
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
  readonly settings: readonly Setting[];
  /**
   * In plan order: by setting, memory state, state, load; loaders by their paired ratio of ttft to the reference's (where no pair
   * exists, by median ttft), null last, then bounds, the ceiling and home.
   */
  readonly cells: readonly CellSummary[];
  /** Empty where no loader was weighed with several counts of processes. */
  readonly scaling: readonly ProcessScaling[];
  /** Of several processes their group is one. */
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
