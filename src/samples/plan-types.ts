/** What a run means to weigh: arms, the settings in which they are compared, the plan. Sizes are integer bytes. */
import type { MemoryState, State } from './record.js';

/** A command of a user's own, weighed beside the loaders. `{model}` in an argument stands for the model's path. */
export interface CommandTemplate {
  readonly argv: readonly string[];
  /** What becomes of its output: thrown away by the kernel, or piped to know when its first byte came. */
  readonly output: 'discard' | 'first-byte';
  /** Regular expression whose first group is tokens per second in its output. */
  readonly pattern: string | null;
}

/** What works against a sample while it runs. */
export interface Pressure {
  /**
   * 'memory': a companion holds and touches `bytes`; 'stream': it reads the file at `path` through the page cache;
   * 'bystander': it has read the file once and only stands by, under one memory limit with the processes of the sample.
   */
  readonly kind: 'memory' | 'stream' | 'bystander';
  readonly bytes: number;
  readonly path: string | null;
}

/** What arms must have in common to be compared, the state aside. */
export interface Setting {
  /** The model alone for the first of a model; of the others, the model and what differs from the first. */
  readonly key: string;
  readonly model: string;
  readonly threads: number;
  readonly processes: number;
  /** As it was asked for, and in bytes of this model. */
  readonly memoryLimit: { readonly text: string; readonly bytes: number } | null;
  readonly context: number;
  readonly pressure: Pressure | null;
  readonly numa: number | null;
  /** Where weights are touched instead of run; absent where they are run. */
  readonly work?: 'touch';
}

/** What is compared. `id` is the canonical key for pairing and for baselines: equal ids mean equal work. */
export interface Arm {
  readonly id: string;
  /** A ceiling is a physical limit, never ranked: 'device' reads the model's bytes by direct I/O into hot buffers and
   * forgets them (the limit of cold loads); 'home' reads them the same way into memory that was never touched; 'memory'
   * sums a warm mapping of them (the limit of warm ones). A bound reads as a loader would and keeps nothing: not ranked.
   * A command is a program of the user's own: weighed in the same states, never part of the check of logits. */
  readonly kind: 'loader' | 'bound' | 'ceiling' | 'command';
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
  /** Key of Plan.settings; absent in ledgers that know of none: then the model. */
  readonly setting?: string;
  /**
   * 'infer' runs the kernel; 'touch' reads every tensor byte once and sums it instead (--no-inference): first those that a
   * first token reads, or all where the kernel does not run the model; 'none' loads nothing (the null loader); 'read' is a
   * bound's and a ceiling's.
   */
  readonly work: 'infer' | 'touch' | 'none' | 'read' | 'command';
  readonly threads: number;
  /** In place of the loader's own option `threads`; null where that stays as it is. */
  readonly loadThreads: number | null;
  readonly processes: number;
  /** Of all processes together, and of a bystander with them, bytes. */
  readonly memoryLimit: number | null;
  /** 0 in a run that touches weights and infers nothing, as prompt and generate are. */
  readonly context: number;
  readonly prompt: number;
  readonly generate: number;
  readonly isa: string;
  /** Node that memory and threads are bound to. */
  readonly numa: number | null;
  readonly pressure: Pressure | null;
  /** Only of kind 'command'. Absent in ledgers that know of none. */
  readonly command?: CommandTemplate | null;
  /** Version of the tool and digest of the build that did the work: its addon, and the modules that weigh with it. */
  readonly build: string;
  /** Where that build lies; null or absent for the one that runs. */
  readonly buildDirectory?: string | null;
}

/** What a gate compares, a cost or a counter: less is better. */
export type GateMetric =
  | 'ttft'
  | 'complete'
  | 'decode'
  | 'wall'
  | 'first-byte'
  | 'token'
  | 'read-bytes'
  | 'faults'
  | 'page-tables'
  | 'unreclaimable'
  | 'peak-memory';

/** A comparison that will be judged. Arms by id; shares are relative, 0.05 is 5 %. */
export interface RegisteredComparison {
  readonly base: string;
  readonly head: string;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly metric: GateMetric;
  readonly threshold: number;
  /** For as many pairs as each look has; null where none was ever measured here. */
  readonly noiseFloors: readonly (number | null)[];
}

/** Registered before the first sample, so that nothing of a verdict is chosen by what was seen. */
export interface Gate {
  /** One-sided, of a false alarm in any comparison at any look. */
  readonly alpha: number;
  /** Rounds at which data are looked at, ascending. */
  readonly looks: readonly number[];
  readonly comparisons: readonly RegisteredComparison[];
  /** Whether what stays open fails the run, a resumed one as well. Absent in earlier ledgers: it does not. */
  readonly failOnInconclusive?: boolean;
}

/** What of a plan is never compared with the rest of it. */
export interface PlanPart {
  /** Key of the setting. */
  readonly setting: string;
  /** Of the page cache; loads that follow in a row belong to it. */
  readonly state: State;
  readonly memoryState: MemoryState;
}

/** Which of the shards of a plan a ledger holds. */
export interface ShardRecord {
  /** From 1. One, or those that were merged where not all of them were, ascending. */
  readonly numbers: readonly number[];
  /** How many the plan was split into. */
  readonly of: number;
  /** Of the whole plan as it was asked for, whatever the machine: 16 hex digits. */
  readonly digest: string;
  /** What these shards weigh, in plan order; may be empty. */
  readonly parts: readonly PlanPart[];
}

export interface Plan {
  readonly models: readonly string[];
  /** In plan order. Absent in ledgers that know of none: then each model is one. */
  readonly settings?: readonly Setting[];
  /** Arm ids, reference first within each setting, ceilings left out. */
  readonly arms: readonly string[];
  /** Arm id of the reference, by setting. */
  readonly reference: Readonly<Record<string, string>>;
  /**
   * Ceiling arm id by setting and state; no device ceiling where a model's bytes cannot be read past the page cache, and
   * none at all of several processes, under a memory limit and under pressure.
   */
  readonly ceilings: Readonly<Record<string, Readonly<Partial<Record<State, string>>>>>;
  /** Arm id of the home ceiling by setting, in cold blocks; none where there is no device ceiling. */
  readonly homes: Readonly<Record<string, string>>;
  readonly states: readonly State[];
  readonly memoryStates: readonly MemoryState[];
  /** Loads in a row of the time pass, of which the first meets the state. Absent in ledgers that know of one alone. */
  readonly loads?: number;
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
  /**
   * How the arms of a block follow each other: shuffled anew each round, or each second round in the reverse order of the
   * one before (ABBA or BAAB, by the seed), which cancels an even drift. Absent in earlier ledgers: shuffled.
   */
  readonly order?: 'shuffled' | 'counterbalanced';
  /** What is judged, and when: the run ends at the look that decides all of it. Null or absent for a run that is not. */
  readonly gate?: Gate | null;
  /** Longest wait for a quiet machine before a block; null for none. Absent in earlier ledgers. */
  readonly waitQuietNs?: number | null;
  /** Of a ledger that holds a part of the plan; blocks keep the numbers that they have in the whole. Null or absent: all of it. */
  readonly shard?: ShardRecord | null;
  /** Whether loaders were named one by one: an unsupported one then fails the run. */
  readonly loadersNamed: boolean;
}
