/**
 * What a comparison of runs says, as plain data: contract between `compare()` and the formats in `reports/`. All text is
 * escaped and bounded, as in a report. Lists "by run" have a place for each run, in the order in which they were named.
 */
import type { MemoryState, State } from '../samples/record.js';
import type { Chart, Fact, Place, Table } from './page-types.js';

export interface ComparedRun {
  /** Unique in its comparison. */
  readonly name: string;
  /** As it was named. */
  readonly directory: string;
  readonly startedAt: string;
  readonly tool: string;
  /** Index in `machines`. */
  readonly machine: number;
  readonly models: readonly string[];
  readonly samples: { readonly total: number; readonly excluded: number; readonly disturbed: number };
  /** What ended it; null where that was not recorded. */
  readonly stopped: string | null;
  /** For a shell. */
  readonly command: string;
}

export interface ComparedMachine {
  /** "machine 1" */
  readonly name: string;
  readonly fingerprint: string;
  readonly line: string;
  /** Names of its runs. */
  readonly runs: readonly string[];
}

/** What is not the same in all runs. */
export interface Difference {
  readonly term: string;
  /** By run. */
  readonly values: readonly string[];
  /** The same in a line: "A, B 6.1; C 6.8". */
  readonly text: string;
}

/** A median of unpaired samples: of few of them low and high are their range, else the exact interval. */
export interface MedianFigure {
  readonly value: number;
  readonly n: number;
  readonly low: number;
  readonly high: number;
  /** Achieved by the interval; null for a range. */
  readonly confidence: number | null;
  readonly text: string;
}

export type RatioMetric = 'ttft' | 'complete' | 'decode' | 'wall';

/** A median ÷ that of another run. Costs: above 1 is slower than there. Never a verdict. */
export interface RunRatio {
  /** Name of the other run. */
  readonly base: string;
  readonly metric: RatioMetric;
  readonly value: number;
  /** What both sides were divided by before: nothing on one machine, on two each machine's own ceiling. */
  readonly by: 'nothing' | 'device' | 'memory';
  /** Relative, of equals in one run; null where it was never measured, and between machines. */
  readonly noiseFloor: number | null;
  readonly n: number;
  readonly baseN: number;
}

/** One arm in one place of one run. */
export interface ComparedCell {
  /** Equal on one machine means equal work: the id of the arm without model and build. */
  readonly work: string;
  readonly ok: number;
  /** Why there is no figure; null where there is one. */
  readonly problem: string | null;
  readonly load: MedianFigure | null;
  readonly firstToken: MedianFigure | null;
  readonly complete: MedianFigure | null;
  /** Of a program of the user's own. */
  readonly wall: MedianFigure | null;
  readonly bytesPerSecond: MedianFigure | null;
  readonly decode: MedianFigure | null;
  /** Paired within the run's own blocks. */
  readonly ceilingShare: MedianFigure | null;
  readonly ratios: readonly RunRatio[];
  /** Why it is not divided by an earlier run: what of the work differs, or no ceilings; null where it is, or is the first. */
  readonly apart: string | null;
}

export interface ComparedRow {
  readonly label: string;
  /** A limit is a ceiling, a bound or the harness: never ranked. */
  readonly kind: 'loader' | 'command' | 'limit';
  /** By run; null where the run does not have it. */
  readonly cells: readonly (ComparedCell | null)[];
}

/** One model in one setting and one state, whichever runs have it. */
export interface ComparedSection {
  readonly place: Place;
  /** Of loads in a row; 1 for the first. */
  readonly load: number;
  readonly heading: string;
  readonly digest: string;
  /** What cold and warm are divided by between machines; null where the state has no ceiling. */
  readonly limit: 'device' | 'memory' | null;
  /** Names of the runs that weighed something here. With one alone nothing is compared. */
  readonly runs: readonly string[];
  /** A few sentences; empty where nothing is compared. */
  readonly answer: string;
  readonly rows: readonly ComparedRow[];
  readonly table: Table;
  /** Why some have no figure or no ratio. */
  readonly remarks: readonly string[];
}

/** What may be compared of different models: rates, and shares of the ceiling. */
export interface RatesSection {
  readonly setting: string | null;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly heading: string;
  readonly table: Table;
}

/** What some runs have and others have not. */
export interface Lack {
  readonly place: string;
  readonly labels: readonly string[];
  readonly runs: readonly string[];
  readonly not: readonly string[];
  /** The same as a sentence. */
  readonly text: string;
}

export interface Comparison {
  readonly title: string;
  /** The answer in one sentence. */
  readonly headline: string;
  readonly runs: readonly ComparedRun[];
  readonly machines: readonly ComparedMachine[];
  readonly differences: readonly Difference[];
  /** What is the same in all runs. */
  readonly same: readonly Fact[];
  readonly sections: readonly ComparedSection[];
  readonly rates: readonly RatesSection[];
  readonly lacks: readonly Lack[];
  readonly places: readonly Place[];
  readonly charts: readonly Chart[];
  readonly notes: readonly string[];
  /** What cannot be known on these machines. */
  readonly unknown: readonly string[];
}
