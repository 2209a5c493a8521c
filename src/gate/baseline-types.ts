/** What a baseline file holds: figures of one run, and where they come from. */
import type { GateMetric, MemoryState, State } from '../samples/record.js';

export const BASELINE_SCHEMA = 1;

export interface BaselineMetric {
  /** As measured, in run order: nanoseconds, bytes, faults, or seconds a token. */
  readonly values: readonly number[];
  readonly median: number;
  /** Each ÷ what the ceiling took in the same block, where it has one there; null where the run has no such ceiling. */
  readonly normalized: readonly number[] | null;
}

export interface BaselineEntry {
  /** Equal keys mean equal work, whatever the build and the contents of a loader's file. */
  readonly key: string;
  readonly label: string;
  /** Where weights were touched and nothing was inferred. */
  readonly work?: 'touch';
  /** Header digest of the model. */
  readonly model: string;
  readonly modelBytes: number;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** Of the time pass. */
  readonly ok: number;
  readonly failed: number;
  readonly metrics: Readonly<Partial<Record<GateMetric, BaselineMetric>>>;
}

/** What the limit of a state took in the run, nanoseconds. */
export interface BaselineCeiling {
  readonly model: string;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly limit: string;
  readonly medianNs: number;
  readonly n: number;
}

export interface BaselineFile {
  readonly kind: 'baseline';
  readonly schema: typeof BASELINE_SCHEMA;
  readonly provenance: {
    readonly tool: string;
    readonly addon: string;
    /** Of the project whose directory it was written in; null where there is none. */
    readonly commit: string | null;
    readonly fingerprint: string;
    readonly modelPaths: readonly string[];
    /** Of the run. */
    readonly startedAt: string;
    readonly stopped: string | null;
    readonly command: readonly string[];
    readonly run: string;
    readonly writtenAt: string;
  };
  readonly ceilings: readonly BaselineCeiling[];
  readonly entries: readonly BaselineEntry[];
}
