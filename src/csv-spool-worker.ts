/**
 * A thread that writes samples as CSV while another reads the same ledger for its figures. What disturbed a sample is known
 * only at the end: it tells at which byte of its file that belongs, a number a sample.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { samplesCsvHeading, samplesCsvRow } from '../reports/samples-csv.js';
import { readLines } from './samples/line-reader.js';
import type { LedgerRecord, RunRecord } from './samples/record.js';

export interface CsvSpoolTask {
  readonly ledger: string;
  readonly spool: string;
}

const PIECE = 2 ** 20;

function spool({ ledger, spool: path }: CsvSpoolTask): Float64Array {
  const places: number[] = [];
  const file = openSync(path, 'w', 0o644);
  try {
    let text = '';
    let bytes = 0;
    let arms: RunRecord['arms'] = {};
    readLines(ledger, (line) => {
      const record = JSON.parse(line) as LedgerRecord;
      if (record.kind === 'run') {
        arms = record.arms;
        text = samplesCsvHeading(arms);
        bytes = Buffer.byteLength(text);
      }
      if (record.kind !== 'sample') return;
      const [before, behind] = samplesCsvRow(record, arms);
      bytes += Buffer.byteLength(before);
      places.push(bytes);
      bytes += Buffer.byteLength(behind);
      text += before + behind;
      if (text.length < PIECE) return;
      // Unlike writeSync it goes on until all is written.
      writeFileSync(file, text);
      text = '';
    });
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
  return Float64Array.from(places);
}

const places = spool(workerData as CsvSpoolTask);
parentPort?.postMessage(places, [places.buffer as ArrayBuffer]);
