/** What an explanation says, as plain data: contract between `explain()` and the formats in `reports/`. Text is escaped. */
import type { MemoryState, State } from '../samples/record.js';

/** What a sentence is about. */
export type Topic =
  | 'phases'
  | 'difference'
  | 'storage'
  | 'faults'
  | 'copied'
  | 'debt'
  | 'ceiling'
  | 'binding'
  | 'footprint'
  | 'decode'
  | 'loads'
  | 'commands'
  | 'effective'
  | 'warnings'
  | 'not-ok'
  | 'noise';

export interface Sentence {
  readonly topic: Topic;
  readonly text: string;
}

export interface ExplainedSection {
  readonly model: string;
  /** What else of the setting must be said; null where nothing. */
  readonly setting: string | null;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** What the two states mean, in a few words. */
  readonly conditions: string;
  /** Which loader is first, and how sure that is. */
  readonly answer: string;
  /** Label of the loader explained; null where nothing was measured. */
  readonly subject: string | null;
  /** Label of the loader that it is compared with. */
  readonly other: string | null;
  /** Only those whose figures the ledger holds. */
  readonly sentences: readonly Sentence[];
}

export interface Explanation {
  readonly title: string;
  readonly machine: string;
  readonly sections: readonly ExplainedSection[];
  /** What a reader must know before believing it. */
  readonly notes: readonly string[];
}
