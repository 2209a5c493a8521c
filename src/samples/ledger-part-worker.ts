/** A thread that reads a stretch of a ledger. It throws where a line is damaged, and counts lines from the stretch's first. */
import { parentPort, workerData } from 'node:worker_threads';
import { Columns } from './columns.js';
import { likenessOf } from './ledger.js';
import { recordOf } from './ledger-record.js';
import { readLines, type Stretch, type WholeLines } from './line-reader.js';
import { memoryOf, type PackedColumns } from './packed-columns.js';
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

function read({ path, stretch }: LedgerPartTask): LedgerPart {
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
      if (record.kind === 'sample') samples.add(record, likenessOf(record));
      else others.push({ record, line });
    },
    stretch,
  );
  return { ...lines, samples: samples.pack(), others, end };
}

const part = read(workerData as LedgerPartTask);
parentPort?.postMessage(part, [...memoryOf(part.samples)]);
