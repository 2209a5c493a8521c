/**
 * What a page says beyond the report: charts with the data behind them, and what must be known to judge and to repeat the
 * run. Contract between `page()` and the formats in `reports/`. All text is escaped and bounded: no control characters, no
 * line breaks but those of tips, no string longer than a reader could want.
 */
import type { MemoryState, State } from '../samples/record.js';
import type { Moment } from './moment.js';
import type { Report } from './report-types.js';

export type ChartKind =
  | 'ratios'
  | 'phases'
  | 'order'
  | 'spread'
  | 'memory'
  | 'latency'
  | 'speed'
  | 'roofline'
  | 'loads'
  | 'processes'
  | 'limits'
  | 'claim'
  | 'trend'
  | 'runs'
  | 'shares'
  | 'rates'
  | 'kernel-decode'
  | 'kernel-roofline';

/** Units that a chart's figures are in, chosen once a chart. */
export type ChartUnit = 'ms' | 's' | 'MiB' | 'GiB' | 'GB/s' | 'GFLOP/s' | 'tokens/s' | 'ratio' | '%' | 'count';

/**
 * One mark. `part` says what of the chart it belongs to; `loader` is the name of its row, null for what is drawn whatever
 * loaders are shown; `tip` is what is told when it is pointed at.
 */
export interface Datum {
  readonly part: string;
  readonly loader: string | null;
  /** Of the rows, from above. */
  readonly order: number;
  readonly tip: string;
  readonly [field: string]: string | number | boolean | null;
}

export interface Table {
  readonly head: readonly string[];
  /** The first cell of a row names a loader. */
  readonly rows: readonly (readonly string[])[];
}

/** Where a chart's samples were taken: what filters go by. */
export interface Place {
  readonly model: string;
  /** Null where the model alone says it. */
  readonly setting: string | null;
  readonly state: State;
  readonly memoryState: MemoryState;
}

export interface Drawn {
  readonly kind: ChartKind;
  readonly unit: ChartUnit;
  /** What its times are to, where that is no first token. */
  readonly moment?: Moment;
  readonly title: string;
  /** How many samples and pairs stand behind it, and what else must be said of it alone. */
  readonly note: string;
  readonly places: readonly Place[];
  readonly data: readonly Datum[];
  readonly table: Table;
}

export interface Chart extends Drawn {
  /** Unique in its page, letters and digits. */
  readonly id: string;
}

export interface Fact {
  readonly term: string;
  readonly value: string;
}

/** Samples of one arm in one place that are not in the numbers. */
export interface Exclusion {
  readonly loader: string;
  readonly place: string;
  readonly count: number;
  readonly outcome: string;
  readonly reason: string;
}

/** What a command that asks more than who is fastest found out: told before all else. */
export interface Lead {
  /** In a sentence: takes the place of the run's own. */
  readonly headline: string;
  readonly heading: string;
  readonly blocks: readonly LeadBlock[];
  readonly notes: readonly string[];
}

export interface LeadBlock {
  readonly heading: string;
  readonly text: string;
  readonly facts: readonly Fact[];
  readonly table: Table | null;
}

export interface Page {
  /** Of a run that was made to be compared, null. */
  readonly lead: Lead | null;
  readonly report: Report;
  /** The answer in one sentence. */
  readonly headline: string;
  readonly places: readonly Place[];
  readonly charts: readonly Chart[];
  /** What loaders asked for and did not get, or got otherwise. */
  readonly strategy: readonly { readonly loaders: string; readonly warning: string }[];
  readonly exclusions: readonly Exclusion[];
  readonly samples: { readonly total: number; readonly excluded: number; readonly disturbed: number };
  /** What disturbed samples, most frequent first. */
  readonly disturbances: readonly { readonly what: string; readonly samples: number }[];
  /** What this way of measuring cannot tell on this machine. */
  readonly unknown: readonly string[];
  readonly environment: readonly Fact[];
  /** For a shell. */
  readonly command: string;
}
