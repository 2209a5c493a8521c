/**
 * The records of a ledger: JSON lines, the same in `--json`. Times are integer nanoseconds, sizes integer bytes.
 * What could not be read is null (with a warning), never 0 or -1. Fields may be added; the names here stay.
 */

import type { Limit } from './limit-types.js';

export const SCHEMA_VERSION = 1;

export type State = 'cold' | 'warm' | 'left';
export type MemoryState = 'backed' | 'returned' | 'as-is';
export type Pass = 'time' | 'memory';

/** Why an outcome is not `ok`. `code` is stable; message and remedy are for people. */
export interface Reason {
  readonly code: string;
  readonly operation: string;
  readonly path: string | null;
  readonly errno: string | null;
  readonly message: string;
  readonly remedy: string | null;
  /** Byte offset within `path`, where a file's content is at fault. */
  readonly offset?: number | null;
}

export interface Phase {
  readonly ns: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Issued by this process to storage (/proc/self/io read_bytes). */
  readonly readBytes: number | null;
  readonly userNs: number;
  readonly systemNs: number;
}

export interface Phases {
  readonly setup: Phase;
  readonly open: Phase;
  readonly acquire: Phase;
  readonly firstToken: Phase;
  readonly complete: Phase;
  readonly prefill: Phase | null;
  readonly decode: Phase | null;
  readonly release: Phase;
}

/** Memory of the child at one moment. anonymous, file and shmem are Rss; pss… come from smaps_rollup. */
export interface Memory {
  readonly rss: number | null;
  readonly pss: number | null;
  readonly pssAnonymous: number | null;
  readonly pssShmem: number | null;
  readonly pssFile: number | null;
  readonly anonymous: number | null;
  readonly file: number | null;
  readonly shmem: number | null;
  readonly hugetlb: number | null;
  readonly swap: number | null;
  readonly locked: number | null;
  readonly hugeAnonymous: number | null;
  readonly hugeFile: number | null;
  readonly pageTables: number | null;
}

/** Highest values over the sample. In the memory pass sampled every 2 ms; in the time pass only rss (VmHWM) is known. */
export interface PeakMemory extends Memory {
  /** Highest anonymous + shmem + hugetlb + swap + page tables seen at one instant. */
  readonly unreclaimable: number | null;
}

export interface MemoryPoints {
  readonly baseline: Memory;
  /** Only in the memory pass. */
  readonly loaded: Memory | null;
  readonly firstToken: Memory | null;
  readonly end: Memory;
  readonly peak: PeakMemory;
  /** Of this plan's context: held by the runtime whatever the loader, and kept out of the footprint. */
  readonly kvCacheBytes: number;
  readonly scratchBytes: number;
}

export interface Residency {
  /** Bytes of the model in the page cache: before the child started its load, and at later moments. */
  readonly before: number | null;
  readonly opened: number | null;
  readonly loaded: number | null;
  readonly firstToken: number | null;
  readonly after: number | null;
  /** Bytes of the model's files. */
  readonly size: number;
}

export interface Noise {
  /** CPU time stolen by the hypervisor between start and end of the sample, all CPUs. */
  readonly stealNs: number | null;
  /** Of the child; null for ceilings, as the spins are. */
  readonly voluntarySwitches: number | null;
  readonly involuntarySwitches: number | null;
  /** A fixed piece of arithmetic, before and after. */
  readonly spinBeforeNs: number | null;
  readonly spinAfterNs: number | null;
  /** First touch of 32 MiB by the parent just before the start. */
  readonly firstTouchNs: number | null;
  /** Stall totals of PSI ("some") that grew during the sample. */
  readonly pressureNs: { readonly cpu: number | null; readonly io: number | null; readonly memory: number | null };
  readonly loadAverage: number;
}

/** What a loader left unpaid when it returned, seen at the first token. A warm map pays here, a filled arena hardly. */
export interface Debt {
  /** First-token time − median decode step; below 0 where the first token was the faster. */
  readonly ns: number;
  /**
   * Part of it that the guest can see: time in the kernel (page faults and the reads in them) and time off the CPU,
   * shared over the threads; at most `ns`.
   */
  readonly explainedNs: number;
  /** The rest. In a virtual machine it holds second-stage faults, which no guest counter sees: never call it compute. */
  readonly unexplainedNs: number;
  /** Of `ns`, waiting in a loader that still worked. */
  readonly waitedNs: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Issued to storage after load returned, until the first token. */
  readonly readBytes: number | null;
}

/** What the model's block devices did between the release of the child and its end; other programs' traffic included. */
export interface DeviceTraffic {
  readonly reads: number;
  readonly readBytes: number;
  /** readBytes ÷ reads, rounded; null without reads. */
  readonly meanRequestBytes: number | null;
}

export type EffectiveValue = boolean | number | string;

interface SampleBase {
  readonly kind: 'sample';
  readonly round: number;
  readonly block: number;
  readonly position: number;
  readonly attempt: number;
  readonly pass: Pass;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly arm: { readonly id: string; readonly loader: string; readonly model: string };
  readonly state: State;
  readonly memoryState: MemoryState;
  /** 1 for the first load after the state was prepared. */
  readonly load: number;
  readonly group: null;
  readonly process: {
    readonly index: number;
    readonly of: number;
    /** spawn → ready plus release → start: what the runtime's own start costs, the preparation of states left out. */
    readonly spawnToStartNs: number | null;
    readonly exitCode: number | null;
    readonly signal: string | null;
  };
  readonly warnings: readonly string[];
}

/** What a child measured. Present in full in an `ok` sample; in `invalid` and `mismatch` ones too, for the record. */
export interface Measurement {
  /** start → first logits, one uninterrupted interval. Null in the memory pass (probes lie in between) and for ceilings. */
  readonly ttftNs: number | null;
  /** start → every tensor byte read. Null in the memory pass. A ceiling's: its time to read the same bytes. */
  readonly completeNs: number | null;
  /** start → the loader had nothing left to do. Null in the memory pass and for ceilings. */
  readonly settledNs: number | null;
  /** Null for ceilings. */
  readonly phases: Phases | null;
  /** Of the weights, by the first token's forward pass. */
  readonly bytesNeeded: number;
  /** Null in the memory pass, without decode steps, and for bounds and ceilings. */
  readonly debt: Debt | null;
  /** Null where no block device's counters can be read. */
  readonly traffic: DeviceTraffic | null;
  /** Read by `complete` because the first token did not. */
  readonly untouchedBytes: number;
  /** Null for ceilings. */
  readonly memory: MemoryPoints | null;
  readonly residency: Residency;
  readonly tokens: {
    readonly prompt: number;
    readonly generated: number;
    readonly perTokenNs: readonly number[];
  } | null;
  readonly tokensPerSecond: { readonly prefill: number | null; readonly decode: number | null } | null;
  /** Null where no kernel ran. */
  readonly isa: string | null;
  readonly logitsHash: string | null;
  readonly contentHash: string | null;
  readonly effective: Readonly<Record<string, EffectiveValue>>;
  readonly noise: Noise;
}

type Unmeasured = { readonly [K in keyof Measurement]: null };

export type Sample = SampleBase &
  (
    | ({ readonly outcome: 'ok'; readonly reason: null } & Measurement)
    | ({ readonly outcome: 'invalid' | 'mismatch'; readonly reason: Reason } & Measurement)
    | ({ readonly outcome: 'invalid' | 'unsupported' | 'failed'; readonly reason: Reason } & Unmeasured)
  );

export type Outcome = Sample['outcome'];

/** What is compared. `id` is the canonical key for pairing and for baselines: equal ids mean equal work. */
export interface Arm {
  readonly id: string;
  /** A ceiling is a physical limit, never ranked: 'device' reads the model's bytes by direct I/O into hot buffers and
   * forgets them (the limit of cold loads); 'home' reads them the same way into memory that was never touched; 'memory'
   * sums a warm mapping of them (the limit of warm ones). A bound reads as a loader would and keeps nothing: not ranked. */
  readonly kind: 'loader' | 'bound' | 'ceiling';
  /** 'external': brought by the user; weighed and checked like the others. */
  readonly origin: 'built-in' | 'external';
  /** File that defines the loader, where it is more than data (`callback`) or external; else null. */
  readonly module: string | null;
  readonly loader: string;
  /** How people read it: the loader's name, with #2, #3 … where it is weighed against itself. */
  readonly label: string;
  readonly mechanism: string;
  readonly options: Readonly<Record<string, boolean | number | string | readonly string[]>>;
  /** Key of RunRecord.models. */
  readonly model: string;
  /** 'infer' runs the kernel; 'none' loads nothing (the null loader); 'read' is a bound's and a ceiling's. */
  readonly work: 'infer' | 'none' | 'read';
  readonly threads: number;
  readonly loadThreads: number | null;
  readonly processes: 1;
  readonly memoryLimit: null;
  readonly context: number;
  readonly prompt: number;
  readonly generate: number;
  readonly isa: string;
  readonly numa: null;
  readonly pressure: null;
  /** Version of the tool and digest of the addon that did the work. */
  readonly build: string;
}

export interface ModelRecord {
  readonly path: string;
  readonly parts: readonly { readonly path: string; readonly bytes: number }[];
  /** Of all files. */
  readonly bytes: number;
  /** Bytes of all tensors. */
  readonly tensorBytes: number;
  /** Bytes before the tensor data, all parts. */
  readonly headerBytes: number;
  readonly headerDigest: string;
  readonly name: string | null;
  readonly fileSystem: string;
  readonly device: string;
}

export interface Plan {
  readonly models: readonly string[];
  /** Arm ids, reference first within each model, ceilings left out. */
  readonly arms: readonly string[];
  /** Arm id of the reference, by model. */
  readonly reference: Readonly<Record<string, string>>;
  /** Ceiling arm id by model and state; no device ceiling where a model's bytes cannot be read past the page cache. */
  readonly ceilings: Readonly<Record<string, Readonly<Partial<Record<State, string>>>>>;
  /** Arm id of the home ceiling by model, in cold blocks; none where there is no device ceiling. */
  readonly homes: Readonly<Record<string, string>>;
  readonly states: readonly State[];
  readonly memoryStates: readonly MemoryState[];
  /** Rounds of the time pass. */
  readonly rounds: number;
  /** Rounds of the memory pass: same cells, slower probes, times never used. */
  readonly memoryRounds: number;
  readonly seed: number;
  readonly timeoutNs: number;
  readonly timeBudgetNs: number | null;
  /** Whether loaders were named one by one: an unsupported one then fails the run. */
  readonly loadersNamed: boolean;
}

export interface RunRecord {
  readonly kind: 'run';
  readonly schema: typeof SCHEMA_VERSION;
  /** "weighbridge 0.1.0" */
  readonly tool: string;
  readonly startedAt: string;
  readonly seed: number;
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  readonly machine: Readonly<Record<string, unknown>> & { readonly fingerprint: string };
  readonly runtime: {
    readonly node: string;
    readonly v8: string;
    readonly addon: string;
    readonly isas: readonly string[];
  };
  readonly ceilings: CeilingChoices;
  /** What the machine can do at all, measured before round 1. */
  readonly limits: readonly Limit[];
  /** Hash by model id, ISA and work ("MODEL avx2 p32 g16"), from one untimed `read` load before round 1. */
  readonly referenceHashes: Readonly<Record<string, string>>;
  /** Command line that repeats the run. */
  readonly command: readonly string[];
}

/** How the ceilings of this run are measured, chosen once. Null where the machine has none, with the reason. */
export interface CeilingChoices {
  readonly device: Readonly<
    Record<
      string,
      | {
          readonly engine: 'io_uring' | 'threads';
          readonly blockBytes: number;
          readonly depth: number;
          readonly reason: null;
        }
      | { readonly reason: Reason }
    >
  >;
  /** First touch of 32 MiB with free memory backed and, where the machine gives memory back, returned. */
  readonly firstTouch: {
    readonly backedNs: number;
    readonly returnedNs: number | null;
    readonly limitNs: number | null;
  };
}

export interface ResumeRecord {
  readonly kind: 'resume';
  readonly startedAt: string;
  readonly ceilings: CeilingChoices;
  readonly completedSamples: number;
}

export interface EndRecord {
  readonly kind: 'end';
  readonly endedAt: string;
  /** What stopped the run. */
  readonly stopped: 'complete' | 'time-budget' | 'interrupted' | 'error';
  readonly message: string | null;
}

export type LedgerRecord = RunRecord | Sample | ResumeRecord | EndRecord;

/** A ledger as read back. */
export interface Ledger {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly resumes: readonly ResumeRecord[];
  readonly end: EndRecord | null;
  /** Of reading: a torn last line that was cut. */
  readonly warnings: readonly string[];
}
