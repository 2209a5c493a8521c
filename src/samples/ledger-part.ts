/** A stretch of a ledger, as one thread of several reads it. */
import { Columns } from './columns.js';
import { likenessOf } from './ledger.js';
import { recordOf } from './ledger-record.js';
import { readLines, type Stretch, type WholeLines } from './line-reader.js';
import type { PackedColumns } from './packed-columns.js';
import type { EndRecord, LedgerRecord, Sample } from './record.js';

export interface LedgerPartTask {
  readonly path: string;
  readonly stretch: Stretch;
}

export interface LedgerPart extends WholeLines {
  readonly samples: PackedColumns;
  /** All that are no samples, in their order. */
  readonly others: readonly { readonly record: LedgerRecord; readonly line: number }[];
  /** Where it is the last line. */
  readonly end: EndRecord | null;
}

/** Throws where a line is damaged; lines are counted from the stretch's first. `onSample` gets each sample as it stands there. */
export function readPart({ path, stretch }: LedgerPartTask, onSample?: (sample: Sample) => void): LedgerPart {
  const samples = new Columns<Sample>();
  const others: { record: LedgerRecord; line: number }[] = [];
  let end: EndRecord | null = null;
  // Only the first line of the whole is held for a header.
  const before = stretch.from === 0 ? 0 : 1;
  const lines = readLines(
    path,
    (text, line) => {
      const record = recordOf(text, path, line + before);
      end = record.kind === 'end' ? record : null;
      if (record.kind !== 'sample') {
        others.push({ record, line });
        return;
      }
      samples.add(record, likenessOf(record));
      onSample?.(record);
    },
    stretch,
  );
  return { ...lines, samples: samples.pack(), others, end };
}
