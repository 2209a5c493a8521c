/** A long ledger read by several threads at once: each takes a stretch of its lines, checks them, and hands over columns. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LedgerPart, LedgerPartTask } from './ledger-part.js';
import { Collected, LEDGER_FILE, readLedger, type Keeper, type ReadLedger } from './ledger.js';
import { stretchesOf } from './line-reader.js';
import { unpacked } from './packed-columns.js';
import type { Sample } from './record.js';

/** Starts a thread whose one message is the part that readPart gave it, with whatever else it made of the samples. */
export type StartReader = (task: LedgerPartTask, part: number) => Worker;

const startReader: StartReader = (task) =>
  new Worker(new URL('./ledger-part-worker.js', import.meta.url), { workerData: task });

/** What readLedger gives as columns, and the same errors. */
export async function readLedgerInParts(
  directory: string,
  threads: number,
  start: StartReader = startReader,
): Promise<ReadLedger> {
  try {
    return await readParts(join(directory, LEDGER_FILE), threads, start);
  } catch {
    // One that reads all lines knows the number of the damaged one.
    return readLedger(directory, 'columns');
  }
}

/** Rejects where a thread meets a line that is none of a ledger, or ends; of the line it knows too little to tell. */
export async function readParts(path: string, threads: number, start: StartReader = startReader): Promise<ReadLedger> {
  const workers: ReturnType<typeof partOf>[] = [];
  try {
    for (const [part, stretch] of stretchesOf(path, threads).entries()) {
      const task = { path, stretch };
      // One that cannot start, for want of threads, must not leave the others behind.
      workers.push(partOf(path, start(task, part)));
    }
    const samples = new Joined();
    const collected = new Collected(path, samples);
    let [goodBytes, tornBytes] = [0, 0];
    for (const [part, read] of (await Promise.all(workers.map(({ done }) => done))).entries()) {
      for (const { record, line } of read.others) collected.add(record, part === 0 ? line : line + 1);
      if (read.goodBytes > 0) collected.endedBy(read.end);
      samples.join(unpacked(read.samples) as unknown as readonly Sample[]);
      goodBytes += read.goodBytes;
      tornBytes += read.tornBytes;
    }
    return { ledger: collected.ledger(tornBytes), goodBytes };
  } finally {
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
  }
}

function partOf(path: string, worker: Worker): { readonly worker: Worker; readonly done: Promise<LedgerPart> } {
  const done = new Promise<LedgerPart>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      reject(new Error(`${path}: what reads it has ended before its end`));
    });
  });
  // Who awaits it is told; where another failed first, nobody does.
  done.catch(() => undefined);
  return { worker, done };
}

class Joined implements Keeper<Sample> {
  readonly #samples: Sample[] = [];

  add(sample: Sample): void {
    this.#samples.push(sample);
  }

  join(samples: readonly Sample[]): void {
    for (const sample of samples) this.add(sample);
  }

  finish(): readonly Sample[] {
    return this.#samples;
  }
}
