/** Several processes of one arm, weighed together: what stands of them in a ledger beside their samples. */
import type { MemoryState, Outcome, Pass, Reason, Sample, State } from './record.js';

/** Sums over the processes of a group, of what can be summed without counting a page twice. */
export type SummedMemory = Readonly<
  Record<'pss' | 'pssAnonymous' | 'pssShmem' | 'pssFile' | 'hugetlb' | 'swap' | 'pageTables' | 'rssFile', number | null>
> & {
  /** Shared pages divided among their users. Absent in earlier ledgers. */
  readonly locked?: number | null;
};

/** Memory of a group in the memory pass: read while all of its processes were held with the model loaded. */
export interface GroupMemory {
  readonly baseline: SummedMemory;
  readonly firstToken: SummedMemory;
  /** Each process's own highest growth, summed: the most that the group can have held, at moments of their own. */
  readonly peakUnreclaimable: number | null;
  /** Of all processes; in the baseline, and so in no footprint. */
  readonly kvCacheBytes: number;
  readonly scratchBytes: number;
  /** The model's page cache after the first token, counted once. */
  readonly cachedBytes: number | null;
  /**
   * File pages that were mapped since the baseline and have all processes as users: Σ Rss − Σ Pss, over processes − 1. The
   * model's own where it is mapped; 0 where each process has a copy.
   */
  readonly sharedBytes: number | null;
}

/**
 * Several processes of one arm that were released together. Its processes stand before it in the ledger, a sample each;
 * the group is what statistics count.
 */
export interface Group {
  readonly kind: 'group';
  /** Unique within its ledger. */
  readonly id: string;
  readonly round: number;
  readonly block: number;
  readonly position: number;
  readonly attempt: number;
  readonly pass: Pass;
  readonly startedAt: string;
  readonly arm: Sample['arm'];
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly load: number;
  readonly processes: number;
  /** That of its worst process. */
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  /** Of the slowest process, each timed from its own start. */
  readonly ttftNs: number | null;
  readonly completeNs: number | null;
  /** From the start of the first to that of the last. */
  readonly startSpreadNs: number | null;
  /** Sums of what each process reached on its own, and the slowest of them. */
  readonly tokensPerSecond: {
    readonly prefill: number | null;
    readonly decode: number | null;
    readonly slowestDecode: number | null;
  } | null;
  /** Null outside the memory pass. */
  readonly memory: GroupMemory | null;
}
