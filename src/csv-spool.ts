/** Samples as CSV, written by a thread of its own while a long ledger is read: it takes as long as all the rest. */
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { disturbedCell } from '../reports/samples-csv.js';
import type { CsvSpoolTask } from './csv-spool-worker.js';
import type { Summary } from './statistics/summary-types.js';
import { writeWhole } from './whole-file.js';

type Marks = Summary['noise']['marks'];

const PIECE = 2 ** 22;

export class CsvSpool {
  readonly #spool: string;
  readonly #worker: Worker;
  readonly #places: Promise<Float64Array>;

  /** `spool`: a file that nobody else uses, in a folder that is there. */
  constructor(ledger: string, spool: string) {
    const task: CsvSpoolTask = { ledger, spool };
    this.#spool = spool;
    this.#worker = new Worker(new URL('./csv-spool-worker.js', import.meta.url), { workerData: task });
    this.#places = new Promise((resolve, reject) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => {
        reject(new Error(`${spool}: what writes it has ended before its end`));
      });
    });
    // Where the ledger is damaged, who reads it for its figures says so first, and nobody waits for this.
    this.#places.catch(() => undefined);
  }

  /**
   * Writes the file whole, with what disturbed each sample. False, and nothing is written, where the thread did not read as
   * many samples as the figures are of: a run that goes on appends to its ledger meanwhile.
   */
  async finish(path: string, samples: number, marks: Marks): Promise<boolean> {
    const places = await this.#places;
    if (places.length !== samples) return false;
    writeWhole(path, withMarks(this.#spool, places, marks));
    return true;
  }

  /** Ends the thread, where it still works, and removes what it wrote. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    rmSync(this.#spool, { force: true });
  }
}

function* withMarks(path: string, places: Float64Array, marks: Marks): Generator<Buffer, void, void> {
  const file = openSync(path, 'r');
  try {
    const piece = Buffer.allocUnsafe(PIECE);
    let next = 0;
    for (let from = 0; ;) {
      const read = readSync(file, piece, 0, piece.length, from);
      if (read === 0) return;
      const parts: Buffer[] = [];
      let done = 0;
      for (; next < marks.length; next += 1) {
        const mark = marks[next];
        const place = mark === undefined ? Infinity : (places[mark.sample] ?? Infinity);
        if (mark === undefined || place >= from + read) break;
        parts.push(piece.subarray(done, place - from), Buffer.from(disturbedCell(mark.flags)));
        done = place - from;
      }
      yield Buffer.concat([...parts, piece.subarray(done, read)]);
      from += read;
    }
  } finally {
    closeSync(file);
  }
}
