/**
 * A thread that reads a stretch of a ledger and writes its samples as CSV at once, since reading is most of the work. What
 * disturbed a sample is known only when all are read: it tells at which byte of its file that belongs, a number a sample.
 */
import { writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { samplesCsvHeading, samplesCsvRow } from '../reports/samples-csv.js';
import { readPart, type LedgerPart, type LedgerPartTask } from './samples/ledger-part.js';
import { recordOf } from './samples/ledger-record.js';
import { firstLineOf } from './samples/line-reader.js';
import { memoryOf } from './samples/packed-columns.js';
import type { RunRecord } from './samples/record.js';

export interface CsvPartTask extends LedgerPartTask {
  /** An open file that nobody else writes. */
  readonly spool: number;
}

export interface CsvPart extends LedgerPart {
  readonly places: Float64Array<ArrayBuffer>;
}

const PIECE = 2 ** 20;

function read(task: CsvPartTask): CsvPart {
  // The stretch of another thread holds it.
  const header = recordOf(firstLineOf(task.path), task.path, 1);
  const arms: RunRecord['arms'] = header.kind === 'run' ? header.arms : {};
  const places: number[] = [];
  let text = task.stretch.from === 0 ? samplesCsvHeading(arms) : '';
  let bytes = Buffer.byteLength(text);
  const part = readPart(task, (sample) => {
    const [before, behind] = samplesCsvRow(sample, arms);
    bytes += Buffer.byteLength(before);
    places.push(bytes);
    bytes += Buffer.byteLength(behind);
    text += before + behind;
    if (text.length < PIECE) return;
    // Unlike writeSync it goes on until all is written.
    writeFileSync(task.spool, text);
    text = '';
  });
  writeFileSync(task.spool, text);
  return { ...part, places: Float64Array.from(places) };
}

const part = read(workerData as CsvPartTask);
parentPort?.postMessage(part, [...memoryOf(part.samples), part.places.buffer]);
