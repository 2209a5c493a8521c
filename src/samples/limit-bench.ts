/** How any limit is measured: in a process of its own, over bounded amounts, with free memory in a stated state. */
import { basename } from 'node:path';
import { failWith, reasonOf } from '../failure.js';
import { availableMemory, type MachineFacts } from '../machine.js';
import { native, type DeviceRecipe } from '../native.js';
import type { NativePiece } from '../native-limits.js';
import { LimitProcess } from './limit-process.js';
import {
  AMOUNTS,
  because,
  LEAST_FILE,
  MIB,
  missing,
  MOST_OF_AVAILABLE,
  wordOf,
  type Rated,
  type Row,
} from './limit-rows.js';
import type { Limit } from './limit-types.js';
import type { CeilingChoices, MemoryState, Reason } from './record.js';
import type { FreeMemory } from './states.js';

/** Times that a state of free memory is prepared until it is what it should be. */
const ATTEMPTS = 3;

export interface LimitRequest {
  /** A model's parts, or any big file; none for the limits of memory alone. */
  readonly paths: readonly string[];
  /** T; limits that threads share are measured with 1 and with T. */
  readonly threads: number;
  readonly quick: boolean;
  readonly machine: Pick<MachineFacts, 'cpu' | 'virtualization'>;
  /** Whether free memory may be given back to a host; then it is measured in both states (unless quick). */
  readonly mayReportFreePages: boolean;
  /** What a run has found out already; null to find it out here. */
  readonly known: {
    readonly recipe: DeviceRecipe | null;
    readonly firstTouch: CeilingChoices['firstTouch'];
    /** Of hostCacheLimit(), measured before anything else read the file. */
    readonly hostCache: Limit;
  } | null;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

export class LimitBench {
  readonly process: LimitProcess;
  readonly amounts: (typeof AMOUNTS)[keyof typeof AMOUNTS];
  /** Thread counts of shared limits: 1, and T where that is more. */
  readonly threads: readonly number[];
  readonly fileBytes: number;
  readonly fileSystem: string;
  /** First of the parts, by which a row names the file; null without any. */
  readonly path: string | null;
  readonly #request: LimitRequest;

  constructor(request: LimitRequest) {
    this.#request = request;
    this.process = new LimitProcess(request.signal);
    this.amounts = AMOUNTS[request.quick ? 'quick' : 'full'];
    this.threads = request.threads === 1 ? [1] : [1, request.threads];
    this.path = request.paths[0] ?? null;
    this.fileBytes = request.paths.length === 0 ? 0 : native().residency(request.paths).size;
    this.fileSystem = this.path === null ? '' : native().fileFacts(this.path).fileSystem;
  }

  close(): Promise<void> {
    return this.process.close();
  }

  /** Bytes of the file that each measurement reads. */
  get bytes(): number {
    const share = Math.floor(((availableMemory() ?? 0) * MOST_OF_AVAILABLE.file) / MIB) * MIB;
    return Math.min(this.fileBytes, this.amounts.file, Math.max(share, LEAST_FILE));
  }

  piece(bytes: number): NativePiece {
    return { paths: this.#request.paths, from: 0, bytes };
  }

  needFile(): void {
    if (this.path === null) {
      const reason = because('no-file', 'no file was named to read');
      throw failWith({ ...reason, remedy: 'name a model or any big file: weighbridge limits PATH' });
    }
    if (this.fileBytes >= LEAST_FILE) return;
    const told = `${basename(this.path)} has ${this.fileBytes} bytes: too few to tell how fast it can be read`;
    throw failWith({ ...because('file-too-small', told), remedy: `name a file of at least ${wordOf(LEAST_FILE)}` });
  }

  /** The rows with what `measure` gives for each in turn, or all of them with the reason that it throws. */
  async rated(
    step: string,
    rows: readonly Row[],
    measure: () => Promise<readonly (Rated | Reason)[]>,
  ): Promise<readonly Limit[]> {
    this.#request.onStep(step);
    const first = await this.attempt(measure);
    // Other programs on the machine may take a page; what read it has brought it back, unless the file does not fit.
    const rated = 'code' in first && first.code === 'not-cached' ? await this.attempt(measure) : first;
    if ('code' in rated) return rows.map((row) => missing(row, rated));
    return rows.map((row, index): Limit => {
      const own = rated[index] ?? because('not-measured', 'nothing was measured');
      if ('code' in own) return missing(row, own);
      if (own.value !== null && own.value > 0) return { ...row, ...own, reason: null };
      return missing(row, because('not-measured', 'what was measured was too short'));
    });
  }

  /** The reason that an error carries; other errors and interruptions go on. */
  async attempt<T>(measure: () => Promise<T>): Promise<T | Reason> {
    try {
      return await measure();
    } catch (error) {
      const reason = this.#request.signal.aborted ? null : reasonOf(error);
      if (reason === null) throw error;
      return reason;
    }
  }

  /** With free memory in a state, held until `measure` ends; null leaves it as it is. */
  async withMemory<T>(
    memory: FreeMemory,
    state: MemoryState | null,
    bytes: number,
    measure: () => Promise<T>,
  ): Promise<T> {
    if (state === null) return measure();
    for (let attempt = 1; ; attempt++) {
      const prepared = await memory.prepare(
        state,
        { modelBytes: bytes, processes: 1, threads: this.#request.threads, keep: 'nothing' },
        this.#request.signal,
      );
      try {
        if (prepared.refusal === null) return await measure();
        if (prepared.refusal.outcome !== 'invalid' || attempt === ATTEMPTS) throw failWith(prepared.refusal.reason);
      } finally {
        prepared.release();
      }
    }
  }
}
