/** The append-only file of a run. Each record is on disk before the next sample begins. */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../failure.js';
import {
  SCHEMA_VERSION,
  type EndRecord,
  type Group,
  type Ledger,
  type LedgerRecord,
  type ResumeRecord,
  type RunRecord,
  type Sample,
  type WaitRecord,
} from './record.js';

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

/** A ledger and how many bytes of its file are whole lines. Throws UsageError where there is none or it is not one. */
export function readLedger(directory: string): { readonly ledger: Ledger; readonly goodBytes: number } {
  const path = join(directory, LEDGER_FILE);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw noLedgerAt(path, error);
  }
  const goodBytes = bytes.lastIndexOf(NEW_LINE) + 1;
  const warnings = goodBytes < bytes.length ? [`a torn last line of ${bytes.length - goodBytes} bytes was cut`] : [];
  let run: RunRecord | null = null;
  let end: EndRecord | null = null;
  const samples: Sample[] = [];
  const groups: Group[] = [];
  const waits: WaitRecord[] = [];
  const resumes: ResumeRecord[] = [];
  for (const [index, line] of linesOf(bytes.subarray(0, goodBytes))) {
    const record = parseRecord(line, `${path}: line ${index + 1}`);
    if (index === 0) {
      run = headerOf(record, path);
    } else if (record.kind === 'sample') {
      samples.push(record);
      end = null;
    } else if (record.kind === 'group') {
      groups.push(record);
      end = null;
    } else if (record.kind === 'resume') {
      resumes.push(record);
      end = null;
    } else if (record.kind === 'wait') {
      waits.push(record);
      end = null;
    } else if (record.kind === 'end') {
      end = record;
    }
  }
  if (run === null) throw new UsageError(`${path}: the ledger is empty; start a new run`);
  return { ledger: { run, samples, groups, resumes, waits, end, warnings }, goodBytes };
}

/** What is said of a ledger that the system does not let be read. */
export function noLedgerAt(path: string, error: unknown): UsageError {
  const { code } = error as NodeJS.ErrnoException;
  const detail = code === 'ENOENT' || code === 'ENOTDIR' ? '' : ` (${code ?? String(error)})`;
  return new UsageError(`${path}: no ledger can be read there${detail}; name the directory of a run`);
}

/** The first record of a ledger. Throws UsageError where it is none that this version knows. */
export function headerOf(record: LedgerRecord, path: string): RunRecord {
  if (record.kind !== 'run') throw new UsageError(`${path}: line 1 is not a run header; this is no ledger`);
  const schema: number = record.schema;
  if (schema !== SCHEMA_VERSION) {
    throw new UsageError(`${path}: schema ${schema} is not known; this version reads ${SCHEMA_VERSION}`);
  }
  return record;
}

const NEW_LINE = 0x0a;

/** Line by line: a ledger may be longer than the longest string. */
function* linesOf(bytes: Buffer): Generator<readonly [number, string], void, void> {
  let number = 0;
  for (let at = 0; at < bytes.length; number++) {
    const end = bytes.indexOf(NEW_LINE, at);
    yield [number, bytes.toString('utf8', at, end)];
    at = end + 1;
  }
}

/** Throws UsageError where the line is no record. */
export function parseRecord(line: string, where: string): LedgerRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(`${where} is not JSON; the ledger was damaged`);
  }
  if (typeof value !== 'object' || value === null || !('kind' in value) || typeof value.kind !== 'string') {
    throw new UsageError(`${where} is not a record of a ledger`);
  }
  return value as LedgerRecord;
}
