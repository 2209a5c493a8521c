/** Samples as CSV, written by the threads that read a long ledger: to make them of what was kept would take as long again. */
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { disturbedCell } from '../reports/samples-csv.js';
import type { CsvPart, CsvPartTask } from './csv-part-worker.js';
import type { StartReader } from './samples/ledger-parts.js';
import type { Summary } from './statistics/summary-types.js';
import { writeLongWhole } from './whole-file.js';

type Marks = Summary['noise']['marks'];

interface Part {
  /** Open, and without a name: whatever ends the process, nothing stays. */
  readonly file: number;
  /** Of each of its samples, the byte where what disturbed it belongs; null until all are written. */
  places: Float64Array | null;
}

const PIECE = 2 ** 22;

export class CsvSpool {
  readonly #path: string;
  readonly #parts: Part[] = [];

  /** Files that begin so are nobody else's, and their folder is there. They are seen for a moment only. */
  constructor(path: string) {
    this.#path = path;
  }

  /** For readLedgerInParts. */
  readonly start: StartReader = (task, number) => {
    const path = `${this.#path}.${number}`;
    const file = openSync(path, 'wx+', 0o600);
    const part: Part = { file, places: null };
    this.#parts.push(part);
    unlinkSync(path);
    const workerData: CsvPartTask = { ...task, spool: file };
    const worker = new Worker(new URL('./csv-part-worker.js', import.meta.url), { workerData });
    worker.once('message', ({ places }: CsvPart) => {
      part.places = places;
    });
    return worker;
  };

  /**
   * Writes the file whole, with what disturbed each sample, and lets go what the threads wrote. False, and nothing is
   * written, where they did not read all samples (where one of them could not, another read the ledger again), or where the
   * disk has no room for both at once: without theirs there may be.
   */
  async finish(path: string, samples: number, marks: Marks): Promise<boolean> {
    const read = this.#parts.reduce((sum, { places }) => sum + (places?.length ?? NaN), 0);
    try {
      if (this.#parts.length === 0 || read !== samples) return false;
      await writeLongWhole(path, this.#whole(marks));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
      throw error;
    } finally {
      this.end();
    }
  }

  /** Gives back the room on the disk. The threads must have ended: they write by these descriptors. */
  end(): void {
    for (const { file } of this.#parts.splice(0)) closeSync(file);
  }

  *#whole(marks: Marks): Generator<Buffer, void, void> {
    let first = 0;
    let mark = 0;
    for (const { file, places } of this.#parts) {
      if (places === null) continue;
      const own: Inserted[] = [];
      for (; mark < marks.length; mark += 1) {
        const { sample, flags } = marks[mark] ?? { sample: Infinity, flags: [] };
        const at = places[sample - first];
        if (at === undefined) break;
        own.push({ at, text: disturbedCell(flags) });
      }
      yield* withInserted(file, own);
      first += places.length;
    }
  }
}

interface Inserted {
  readonly at: number;
  readonly text: string;
}

/** The bytes of a file, with text put in at places in ascending order. */
function* withInserted(file: number, inserted: readonly Inserted[]): Generator<Buffer, void, void> {
  const piece = Buffer.allocUnsafe(PIECE);
  let next = 0;
  for (let from = 0; ;) {
    const read = readSync(file, piece, 0, piece.length, from);
    if (read === 0) return;
    const parts: Buffer[] = [];
    let done = 0;
    for (; next < inserted.length; next += 1) {
      const { at, text } = inserted[next] ?? { at: Infinity, text: '' };
      if (at >= from + read) break;
      parts.push(piece.subarray(done, at - from), Buffer.from(text));
      done = at - from;
    }
    yield Buffer.concat([...parts, piece.subarray(done, read)]);
    from += read;
  }
}
