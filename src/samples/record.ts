/**
 * The records of a ledger: JSON lines, the same in `--json`. Times are integer nanoseconds, sizes integer bytes.
 * What could not be read is null (with a warning), never 0 or -1. Fields may be added; the names here stay.
 */

import type { Group } from './group-types.js';
import type { Limit } from './limit-types.js';
import type { CommandMeasurement, Measurement } from './measurement-types.js';
import type { Arm, Plan } from './plan-types.js';
import type { WaitRecord } from './wait-types.js';

export type * from './group-types.js';
export type * from './measurement-types.js';
export type * from './plan-types.js';
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
  /** 1 for the first load after the state was prepared; in the state `left`, which of the loads after it. */
  readonly load: number;
  /** Id of the group of processes that it was one of; null where it ran alone. */
  readonly group: string | null;
  readonly process: {
    /** From 0. */
    readonly index: number;
    readonly of: number;
    /** spawn → ready plus release → start: what the runtime's own start costs, the preparation of states left out. */
    readonly spawnToStartNs: number | null;
    readonly exitCode: number | null;
    readonly signal: string | null;
  };
  readonly warnings: readonly string[];
  /** Of a command arm whose program ran to its end, however it ended. Absent in ledgers that know of none. */
  readonly command?: CommandMeasurement | null;
}

type Unmeasured = { readonly [K in keyof Measurement]: null };

export type Sample = SampleBase &
  (
    | ({ readonly outcome: 'ok'; readonly reason: null } & Measurement)
    | ({ readonly outcome: 'invalid' | 'mismatch'; readonly reason: Reason } & Measurement)
    | ({ readonly outcome: 'invalid' | 'unsupported' | 'failed'; readonly reason: Reason } & Unmeasured)
  );

export type Outcome = Sample['outcome'];

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
  /** Hash by model id, ISA and work ("MODEL avx2 p32 g16", of content "MODEL touch"), from one untimed `read` load before round 1. */
  readonly referenceHashes: Readonly<Record<string, string>>;
  /** Command line that repeats the run. */
  readonly command: readonly string[];
  /**
   * The configuration file and plan that the command line named; null where it named none, absent in ledgers that know of
   * none. The first 16 hex digits of the file's SHA-256.
   */
  readonly config?: { readonly path: string; readonly digest: string; readonly plan: string } | null;
  /** Of a ledger that `merge` made of those of shards; absent or null in a run's own. */
  readonly merged?: MergeRecord | null;
}

/** What a merged ledger was made of. Its header is that of one of the shards, with all hashes and devices of the others. */
export interface MergeRecord {
  /** Of the whole plan. */
  readonly digest: string;
  readonly of: number;
  /** In the order in which they began, which is that of their records. */
  readonly shards: readonly MergedShard[];
  /** Numbers of shards that nobody gave: 'merge --partial' went on without them. */
  readonly missing: readonly number[];
  /** Shards of other machines, which are in ledgers of their own. */
  readonly elsewhere: readonly { readonly fingerprint: string; readonly numbers: readonly number[] }[];
}

/** Of the header of a shard's ledger, what is its own. */
export interface MergedShard extends Pick<
  RunRecord,
  'startedAt' | 'machine' | 'runtime' | 'ceilings' | 'limits' | 'command'
> {
  readonly number: number;
  /** Whether all of it was weighed. */
  readonly complete: boolean;
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
    /** When it was learned, where that was by an earlier run: that free memory is touched as fast now was probed again. */
    readonly learnedAt?: string;
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
  readonly stopped: 'complete' | 'precision' | 'decided' | 'time-budget' | 'interrupted' | 'error';
  readonly message: string | null;
}

export type LedgerRecord = RunRecord | Sample | Group | ResumeRecord | WaitRecord | EndRecord;

/** A ledger as read back. */
export interface Ledger {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly groups: readonly Group[];
  readonly resumes: readonly ResumeRecord[];
  readonly waits: readonly WaitRecord[];
  readonly end: EndRecord | null;
  /** Of reading: a torn last line that was cut. */
  readonly warnings: readonly string[];
}
