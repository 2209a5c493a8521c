/**
 * The records of a ledger: JSON lines, the same in `--json`. Times are integer nanoseconds, sizes integer bytes.
 * What could not be read is null (with a warning), never 0 or -1. Fields may be added; the names here stay.
 */

import type { Limit } from './limit-types.js';
import type { Measurement } from './measurement-types.js';
import type { WaitRecord } from './wait-types.js';

export type * from './measurement-types.js';
export type * from './wait-types.js';

export const SCHEMA_VERSION = 1;

export type State = 'cold' | 'warm' | 'left';
export type MemoryState = 'backed' | 'returned' | 'as-is';
/** Only times of the time pass are used. The trace pass watches the forward pass ask for weights; its timeline is a file. */
export type Pass = 'time' | 'memory' | 'trace';

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
  /** SHA-256 (16 hex digits) of that file and, behind a `+`, of the library that it names; null for a built-in loader. */
  readonly moduleDigest: string | null;
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
  /** Whether the trace pass runs: one sample of each loader and state. Absent in ledgers that know of none. */
  readonly trace?: boolean;
  readonly seed: number;
  readonly timeoutNs: number;
  readonly timeBudgetNs: number | null;
  /**
   * Relative half width of intervals at which no further round begins; null to weigh all rounds. A run that may stop so is
   * for exploration: it never gates. Absent in earlier ledgers.
   */
  readonly precision?: number | null;
  /** Longest wait for a quiet machine before a block; null for none. Absent in earlier ledgers. */
  readonly waitQuietNs?: number | null;
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
  readonly stopped: 'complete' | 'precision' | 'time-budget' | 'interrupted' | 'error';
  readonly message: string | null;
}

export type LedgerRecord = RunRecord | Sample | ResumeRecord | WaitRecord | EndRecord;

/** A ledger as read back. */
export interface Ledger {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly resumes: readonly ResumeRecord[];
  readonly waits: readonly WaitRecord[];
  readonly end: EndRecord | null;
  /** Of reading: a torn last line that was cut. */
  readonly warnings: readonly string[];
}
