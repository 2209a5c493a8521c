/**
 * What a report says, as plain data: contract between `report()` and the formats in `reports/`. All text is escaped: no
 * control characters, no line breaks. Numbers carry both their value (nanoseconds, bytes, bytes per second, tokens per
 * second, ratios) and how people read it.
 */
import type { MemoryState, State } from '../samples/record.js';
import type { Moment } from './moment.js';

export type { Moment } from './moment.js';

export interface Figure {
  /** Median of n samples. */
  readonly value: number;
  readonly n: number;
  /** Lowest and highest sample; null where only the median is known. */
  readonly low: number | null;
  readonly high: number | null;
  /** Lowest and highest as people read them: "498–530"; null of one sample, and where they are not known. */
  readonly rangeText: string | null;
  /** The median with its unit; GB/s, tokens per second and shares leave the unit to the heading. */
  readonly text: string;
}

/** A median over pairs of one block. */
export interface RatioFigure {
  readonly value: number;
  readonly pairs: number;
  readonly low: number;
  readonly high: number;
  readonly spread: 'range' | 'interval';
  readonly confidence: number | null;
  /** Of each pair, in run order. */
  readonly values: readonly number[];
  readonly text: string;
  /** "0.52–0.61", or "1 pair". */
  readonly spreadText: string;
  /** Where there are too few pairs for an interval, each of them from the lowest: "0.52 0.55 0.61"; else null. */
  readonly eachText: string | null;
}

export interface Row {
  readonly label: string;
  readonly isReference: boolean;
  /** Samples of the time pass by outcome. */
  readonly outcomes: Readonly<Record<'ok' | 'unsupported' | 'invalid' | 'mismatch' | 'failed', number>>;
  /** open + acquire. Never shown without firstToken beside it. */
  readonly load: Figure | null;
  /** Or what its section calls its moment. */
  readonly firstToken: Figure | null;
  readonly complete: Figure | null;
  readonly bytesPerSecond: Figure | null;
  readonly ceilingShare: RatioFigure | null;
  /** The limit that holds it: "device 71%", "unexplained". */
  readonly boundBy: string | null;
  /** Unpaid when load returned, and the part of it that the system's counters do not explain. */
  readonly debt: Figure | null;
  readonly unexplainedDebt: Figure | null;
  readonly unreclaimable: Figure | null;
  readonly peakUnreclaimable: Figure | null;
  readonly reclaimable: Figure | null;
  readonly prefill: Figure | null;
  readonly decode: Figure | null;
  /** This row's time ÷ the reference's. */
  readonly toReference: {
    readonly load: RatioFigure | null;
    readonly firstToken: RatioFigure | null;
    readonly complete: RatioFigure | null;
  };
  /** What was not ok, a line a reason: "unsupported: …", "1 of 5 failed: …". */
  readonly problems: readonly string[];
}

/** An external program. Its figures are compared with no loader's but by `toReference`. */
export interface CommandRow {
  readonly label: string;
  /** The other commands' wall times are divided by its own. */
  readonly isFirst: boolean;
  readonly outcomes: Row['outcomes'];
  readonly output: 'discard' | 'first-byte';
  readonly wall: Figure | null;
  readonly firstByte: Figure | null;
  readonly minorFaults: Figure | null;
  readonly majorFaults: Figure | null;
  readonly readBytes: Figure | null;
  readonly peakRss: Figure | null;
  readonly peakPss: Figure | null;
  /** Picked out of what it wrote. */
  readonly tokensPerSecond: Figure | null;
  /** Wall time ÷ the first command's. */
  readonly toFirst: RatioFigure | null;
  /** First byte ÷ the reference loader's time from exec to first token. */
  readonly toReference: RatioFigure | null;
  readonly problems: readonly string[];
}

export interface CommandTable {
  /** In plan order. */
  readonly rows: readonly CommandRow[];
  /** How many samples and pairs stand behind the numbers. */
  readonly counts: string;
  /** The loader that first bytes are compared with; null where none was weighed. */
  readonly reference: { readonly label: string; readonly execToToken: Figure } | null;
}

/** One setting in one state: rows may be compared with each other, and with nothing else. */
export interface Section {
  readonly model: string;
  /** What else of the setting must be said: "4 processes · memory limit 60% …"; null where nothing. */
  readonly setting: string | null;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** What the two states mean, in a few words. */
  readonly conditions: string;
  /** What times are to: 'first token', or where nothing is inferred 'last needed byte'. */
  readonly moment: Moment;
  /** Why no loader of this section could be weighed, where all have one reason: its rows then say nothing more. */
  readonly unsupported: string | null;
  /** A few sentences: which loader is first here, and how sure that is. */
  readonly answer: string;
  /** How many samples and pairs stand behind the numbers. */
  readonly counts: string;
  /** Label of the reference; null when it has no row. */
  readonly reference: string | null;
  /** Lowest paired ratio of first token first, the reference among them as 1; those without numbers last. */
  readonly rows: readonly Row[];
  /** The null loader, which measures the harness: never ranked. */
  readonly harness: Row | null;
  /** Arms that read as a loader would and keep nothing: never ranked. */
  readonly bounds: readonly Row[];
  /** The physical limit: never ranked. */
  readonly ceiling: Row | null;
  /** The limit with memory to be filled: never ranked. */
  readonly home: Row | null;
  /** Null where none was weighed. */
  readonly commands: CommandTable | null;
}

export interface CurveRow {
  readonly label: string;
  readonly isReference: boolean;
  /** By load, from the first. */
  readonly points: readonly { readonly firstToken: Figure | null; readonly toReference: RatioFigure | null }[];
}

/** Loads in a row, of which the first met its state and each other one what the load before it left. */
export interface Curve {
  readonly model: string;
  readonly setting: string | null;
  readonly memoryState: MemoryState;
  readonly moment: Moment;
  /** What the first met. */
  readonly first: State;
  readonly loads: readonly number[];
  /** In the order of the section of the first load. */
  readonly rows: readonly CurveRow[];
}

/** A loader with so many processes, all figures as people read them; null where it is not known. */
export interface ProcessRow {
  /** "mmap-shared ×4" */
  readonly label: string;
  readonly processes: number;
  /** Of the slowest process. */
  readonly firstToken: string | null;
  /** Of all processes together, and of the slowest. */
  readonly decode: string | null;
  readonly slowestDecode: string | null;
  /** Of all, KV cache and scratch left out. */
  readonly unreclaimable: string | null;
  /** With the model's page cache once. */
  readonly total: string | null;
  /** File pages that all processes map. */
  readonly shared: string | null;
  /** What one more process costs, and that as a part of the model's tensors: in the last row of a loader. */
  readonly eachMore: string | null;
  readonly eachMoreOfModel: string | null;
}

/** What one more process costs, in settings that differ in nothing else. */
export interface ProcessTable {
  readonly model: string;
  readonly setting: string | null;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly moment: Moment;
  readonly rows: readonly ProcessRow[];
}

export interface Report {
  /** Tool and time. */
  readonly title: string;
  /** CPU, memory, kernel: what of it is known. */
  readonly machine: string;
  /** In the order of sections: label, and size, file system and device. */
  readonly models: readonly { readonly id: string; readonly label: string; readonly detail: string }[];
  readonly sections: readonly Section[];
  readonly curves: readonly Curve[];
  readonly processes: readonly ProcessTable[];
  /** What a reader must know before believing the numbers. */
  readonly notes: readonly string[];
}
