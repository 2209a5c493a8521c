/** The append-only file of a run. Each record is on disk before the next sample begins. */
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../failure.js';
import { cellKey } from '../plan/blocks.js';
import { Columns } from './columns.js';
import { recordOf } from './ledger-record.js';
import { readLines, type WholeLines } from './line-reader.js';
import type { EndRecord, Group, Ledger, LedgerRecord, ResumeRecord, RunRecord, Sample, WaitRecord } from './record.js';

export const LEDGER_FILE = 'ledger.jsonl';

/** The ledger could not be written. Everything appended before is whole and on disk. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

/** Throws UsageError when the directory holds a run already. An empty ledger, of a run that died at once, is none. */
export function refuseToOverwrite(directory: string): void {
  const path = join(directory, LEDGER_FILE);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) throw new UsageError(`${path} exists already; name another directory, or continue it with --resume`);
}

export class LedgerWriter {
  readonly path: string;
  readonly #file: number;
  #bytes: number;

  private constructor(path: string, flags: 'w' | 'r+', bytes: number) {
    this.path = path;
    this.#file = openSync(path, flags, 0o644);
    this.#bytes = bytes;
  }

  /** A new ledger in `directory` with its header. Throws UsageError where there is one, and the system's errors. */
  static create(directory: string, header: RunRecord): LedgerWriter {
    refuseToOverwrite(directory);
    const writer = new LedgerWriter(join(directory, LEDGER_FILE), 'w', 0);
    writer.append(header);
    syncDirectory(directory);
    return writer;
  }

  /** Continues a ledger; a torn last line is cut off first. `goodBytes` is what readLedger found whole. */
  static continue(directory: string, goodBytes: number): LedgerWriter {
    const writer = new LedgerWriter(join(directory, LEDGER_FILE), 'r+', goodBytes);
    ftruncateSync(writer.#file, goodBytes);
    return writer;
  }

  /** Appends one record and flushes it to the disk. On failure cuts a partial line off again and throws LedgerError. */
  append(record: LedgerRecord): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    try {
      let done = 0;
      while (done < line.length) done += writeSync(this.#file, line, done, line.length - done, this.#bytes + done);
      fdatasyncSync(this.#file);
      this.#bytes += line.length;
    } catch (error) {
      try {
        ftruncateSync(this.#file, this.#bytes);
      } catch {
        // The reader cuts a torn last line too.
      }
      const detail = error instanceof Error ? error.message : String(error);
      throw new LedgerError(
        `${this.path}: the ledger cannot be written (${detail}); what was measured before is saved; make room, then continue with --resume`,
        { cause: error },
      );
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Puts the file's name on the disk too: without it a power cut could lose the whole file. */
function syncDirectory(directory: string): void {
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export interface ReadLedger {
  readonly ledger: Ledger;
  /** Bytes of the file that are whole lines. */
  readonly goodBytes: number;
}

/**
 * The ledger of a run's directory. Throws UsageError where there is none, and where it is damaged or something else, with
 * line and field. `samples`: as `records`, which may be spread and listed, or for ledgers of any length as `columns`.
 */
export function readLedger(directory: string, samples: 'records' | 'columns' = 'records'): ReadLedger {
  const path = join(directory, LEDGER_FILE);
  const kept = samples === 'records' ? new Records<Sample>() : new Columns<Sample>();
  const collected = new Collected(path, kept);
  const { goodBytes, tornBytes } = linesOf(path, (line, number) => {
    collected.add(recordOf(line, path, number), number);
  });
  return { ledger: collected.ledger(tornBytes), goodBytes };
}

function linesOf(path: string, onLine: (line: string, number: number) => void): WholeLines {
  try {
    return readLines(path, onLine);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw noLedgerAt(path, error);
  }
}

export interface Keeper<T> {
  /** Records of equal likeness have the same fields and like values. */
  add(record: T, likeness: string): void;
  finish(): readonly T[];
}

class Records<T> implements Keeper<T> {
  readonly #records: T[] = [];

  add(record: T): void {
    this.#records.push(record);
  }

  finish(): readonly T[] {
    return this.#records;
  }
}

/** The records of a ledger, line by line. */
export class Collected {
  readonly #path: string;
  readonly #samples: Keeper<Sample>;
  readonly #groups: Group[] = [];
  readonly #waits: WaitRecord[] = [];
  readonly #resumes: ResumeRecord[] = [];
  #run: RunRecord | null = null;
  #end: EndRecord | null = null;

  constructor(path: string, samples: Keeper<Sample>) {
    this.#path = path;
    this.#samples = samples;
  }

  add(record: LedgerRecord, line: number): void {
    if (record.kind === 'run') {
      if (line !== 1)
        throw new UsageError(`${this.#path}: line ${line} is a second run header; a ledger is of one run`);
      // Earlier ledgers have none.
      this.#run = { ...record, limits: record.limits ?? [] };
      return;
    }
    if (this.#run === null) throw new UsageError(`${this.#path}: line 1 is not a run header; this is no ledger`);
    this.#end = record.kind === 'end' ? record : null;
    switch (record.kind) {
      case 'sample':
        this.#samples.add(record, likenessOf(record));
        break;
      case 'group':
        this.#groups.push(record);
        break;
      case 'resume':
        this.#resumes.push(record);
        break;
      case 'wait':
        this.#waits.push(record);
        break;
      case 'end':
    }
  }

  /** Of a stretch that was not empty: what its last line says of how the run ended. */
  endedBy(end: EndRecord | null): void {
    this.#end = end;
  }

  ledger(tornBytes: number): Ledger {
    if (this.#run === null) {
      const what =
        tornBytes === 0 ? 'the ledger is empty' : 'line 1 was cut, so that nothing can be read of the ledger';
      throw new UsageError(`${this.#path}: ${what}; start a new run`);
    }
    return {
      run: this.#run,
      samples: this.#samples.finish(),
      groups: this.#groups,
      resumes: this.#resumes,
      waits: this.#waits,
      end: this.#end,
      warnings: tornBytes > 0 ? [`a torn last line of ${tornBytes} bytes was cut`] : [],
    };
  }
}

export function likenessOf({ arm, state, memoryState, load, pass, outcome }: Sample): string {
  return `${pass} ${outcome} ${cellKey({ arm: arm.id, state, memoryState, load })}`;
}

/** What is said of a ledger that the system does not let be read. */
export function noLedgerAt(path: string, error: unknown): UsageError {
  const { code } = error as NodeJS.ErrnoException;
  const detail = code === 'ENOENT' || code === 'ENOTDIR' ? '' : ` (${code ?? String(error)})`;
  return new UsageError(`${path}: no ledger can be read there${detail}; name the directory of a run`);
}
