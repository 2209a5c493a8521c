/**
 * The physical limits of a machine: each measured natively in a fraction of a second, in a process of its own, with free
 * memory in a stated state. The rows are always the same; what cannot be measured has a reason instead of a value.
 */
import { basename } from 'node:path';
import { failWith, reasonOf } from '../failure.js';
import { availableMemory, type MachineFacts } from '../machine.js';
import { native, type DeviceRecipe } from '../native.js';
import type { NativePiece, NativeTransfer } from '../native-limits.js';
import { LimitProcess } from './limit-process.js';
import { CACHE_MULTIPLE, type Limit } from './limit-types.js';
import type { CeilingChoices, MemoryState, Reason } from './record.js';
import { FreeMemory, firstTouchBacked, prepareCache, PROBE_BYTES, slowerThanBacked } from './states.js';

const MIB = 2 ** 20;
/** A shorter transfer shows how a queue fills rather than how fast a device is. */
const LEAST_FILE = 16 * MIB;
const PAGES = { small: 4096, huge: 2 * MIB } as const;
/** No measurement takes more than these shares of what is available: of files, and of memory alone. */
const MOST_OF_AVAILABLE = { file: 0.1, memory: 0.25 } as const;

/** Times that a state of free memory is prepared until it is what it should be. */
const ATTEMPTS = 3;

/** Bytes of each measurement. Quick is what a run does beside its samples. */
const AMOUNTS = {
  quick: { file: 128 * MIB, touch: 64 * MIB, memory: 256 * MIB, candidate: 24 * MIB, fresh: 64 * MIB },
  full: { file: 512 * MIB, touch: 128 * MIB, memory: Infinity, candidate: 48 * MIB, fresh: 128 * MIB },
} as const;

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

type Row = Omit<Limit, 'value' | 'method' | 'reason'>;
type Rated = Pick<Limit, 'value' | 'method'>;

/** Throws AbortError when it is interrupted; whatever else goes wrong is the reason of a row. */
export async function measureLimits(request: LimitRequest): Promise<readonly Limit[]> {
  const session = new LimitSession(request);
  try {
    return await session.all();
  } finally {
    await session.close();
  }
}

/** Speed of a second direct read ÷ the first of a range of the file that, most likely, nobody has read lately. */
export async function hostCacheLimit(request: Omit<LimitRequest, 'known'>): Promise<Limit> {
  const session = new LimitSession({ ...request, known: null });
  try {
    return await session.hostCache();
  } finally {
    await session.close();
  }
}

const wordOf = (bytes: number): string => (bytes >= MIB ? `${Math.round(bytes / MIB)} MiB` : `${bytes / 1024} KiB`);
const recipeText = ({ engine, blockBytes, depth }: DeviceRecipe): string =>
  `${engine === 'io_uring' ? 'io_uring' : 'pread by threads'} ${wordOf(blockBytes)} × ${depth}`;

class LimitSession {
  readonly #request: LimitRequest;
  readonly #process: LimitProcess;
  readonly #amounts: (typeof AMOUNTS)[keyof typeof AMOUNTS];
  /** Thread counts of shared limits: 1, and T where that is more. */
  readonly #threads: readonly number[];
  readonly #fileBytes: number;
  readonly #fileSystem: string;
  readonly #path: string | null;

  constructor(request: LimitRequest) {
    this.#request = request;
    this.#process = new LimitProcess(request.signal);
    this.#amounts = AMOUNTS[request.quick ? 'quick' : 'full'];
    this.#threads = request.threads === 1 ? [1] : [1, request.threads];
    this.#path = request.paths[0] ?? null;
    this.#fileBytes = request.paths.length === 0 ? 0 : native().residency(request.paths).size;
    this.#fileSystem = this.#path === null ? '' : native().fileFacts(this.#path).fileSystem;
  }

  close(): Promise<void> {
    return this.#process.close();
  }

  async all(): Promise<readonly Limit[]> {
    const { known } = this.#request;
    const hostCache = known?.hostCache ?? (await this.hostCache());
    const memory = await this.#freeMemory();
    const recipe = await this.#recipe();
    const device = await this.#direct(recipe, memory, null);
    const home = await this.#direct(recipe, memory, 'backed');
    const buffered = await this.#buffered(memory);
    const faults = await this.#faults();
    const speeds = await this.#memory(memory);
    const backed = await this.#touches(memory, 'backed');
    // Last, since it rests until free memory has gone back.
    const returned = await this.#returned(recipe, memory);
    const [homeReturned, ...touchReturned] = returned;
    return [
      ...[device, home, ...(homeReturned === undefined ? [] : [homeReturned]), ...buffered, ...speeds],
      ...[...backed.filter(({ name }) => name === 'first-touch'), ...touchReturned],
      ...[...backed.filter(({ name }) => name === 'second-touch'), ...faults, hostCache],
    ];
  }

  async hostCache(): Promise<Limit> {
    const row = this.#row('host-cache-ratio', 'ratio', 1, { path: this.#path });
    const { machine } = this.#request;
    const [limit] = await this.#rated('host cache', [row], async () => {
      if (machine.virtualization.virtual === false) {
        throw failWith(because('not-virtual', 'this is no virtual machine: no host holds a cache behind the device'));
      }
      this.#needFile();
      const bytes = Math.min(this.#amounts.fresh, Math.floor(this.#fileBytes / 4 / MIB) * MIB);
      // Anywhere in the file: a fixed place would have been read by the last measurement.
      const from = Math.floor((Math.random() * (this.#fileBytes - bytes)) / MIB) * MIB;
      const ioUring = native().capabilities().ioUring.supported;
      const recipe: DeviceRecipe = { engine: ioUring ? 'io_uring' : 'threads', blockBytes: MIB, depth: 8 };
      const spec = { ...this.#piece(bytes), from, recipe, home: false };
      const first = await this.#process.ask('directTransfer', spec);
      const second = await this.#process.ask('directTransfer', spec);
      return [{ value: first.ns / second.ns, method: `${recipeText(recipe)}, ${wordOf(bytes)}` }];
    });
    return limit as Limit;
  }

  /** Free memory as a run keeps it; without a run's knowledge its states are told apart here. */
  async #freeMemory(): Promise<FreeMemory> {
    const { known, mayReportFreePages, threads, signal, onStep } = this.#request;
    if (known !== null) return new FreeMemory(known.firstTouch);
    if (!mayReportFreePages) return new FreeMemory({ backedNs: 0, returnedNs: null, limitNs: null });
    onStep('first touch of free memory');
    const backedNs = await firstTouchBacked(PROBE_BYTES, threads, signal);
    return new FreeMemory({ backedNs, returnedNs: null, limitNs: slowerThanBacked(backedNs) });
  }

  /** How the device is read best, or why it cannot be read past the page cache. */
  async #recipe(): Promise<DeviceRecipe | Reason> {
    const { known, paths, signal, onStep } = this.#request;
    if (known?.recipe != null) return known.recipe;
    onStep('device');
    try {
      this.#needFile();
      const bytesEach = this.#amounts.candidate;
      return await this.#process.ask('bestRecipe', { paths, from: 0, bytes: this.#fileBytes, bytesEach });
    } catch (error) {
      const reason = signal.aborted ? null : reasonOf(error);
      if (reason === null) throw error;
      return reason;
    }
  }

  /** Direct reads into hot buffers or, with a state, into untouched memory of that state. */
  async #direct(recipe: DeviceRecipe | Reason, memory: FreeMemory, state: MemoryState | null): Promise<Limit> {
    const name = state === null ? 'device' : 'home';
    const row = this.#row(name, 'bytes/s', 1, { path: this.#path, memoryState: state });
    const [limit] = await this.#rated(state === null ? 'device' : `device into ${state} memory`, [row], async () => {
      if ('code' in recipe) throw failWith(recipe);
      this.#needFile();
      return this.#withMemory(memory, state, this.#bytes, async () => [
        await this.#directly(recipe, this.#bytes, state !== null),
      ]);
    });
    return limit as Limit;
  }

  async #directly(recipe: DeviceRecipe, most: number, home: boolean): Promise<Rated> {
    const spec = { ...this.#piece(Math.min(most, this.#bytes)), recipe, home };
    const transfer = await this.#process.ask('directTransfer', spec);
    if (transfer.readBytes !== null && transfer.readBytes < 0.95 * transfer.bytes) {
      const told = `only ${transfer.readBytes} of ${transfer.bytes} bytes came from the device`;
      throw failWith(because('direct-io-turned-buffered', told));
    }
    return rate(transfer, `${recipeText(recipe)}${transfer.hugePages ? '' : ', no 2 MiB pages'}`);
  }

  /** Cold and warm reads, copies and sums of a mapping: in this order, each leaves the cache as the next wants it. */
  async #buffered(memory: FreeMemory): Promise<readonly Limit[]> {
    const { paths, signal } = this.#request;
    const path = this.#path;
    const piece = this.#piece(this.#bytes);
    const read = (name: 'buffered-cold' | 'buffered-warm', step: string): Promise<readonly Limit[]> =>
      this.#rated(step, [this.#row(name, 'bytes/s', 1, { path })], async () => {
        this.#needFile();
        const cold = name === 'buffered-cold';
        if (cold) {
          const cache = await prepareCache(paths, 'cold', this.#fileSystem, signal);
          if ('outcome' in cache) throw failWith(cache.reason);
        }
        return this.#withMemory(memory, cold ? 'backed' : null, this.#bytes, async () => {
          const transfer = await this.#process.ask('bufferedTransfer', piece);
          if (!cold) needCached(transfer);
          return [rate(transfer, `read(2) 1 MiB, ${wordOf(transfer.bytes)}`)];
        });
      });
    const limits = [...(await read('buffered-cold', 'cold read')), ...(await read('buffered-warm', 'warm read'))];
    for (const threads of this.#threads) {
      limits.push(
        ...(await this.#rated('copy', [this.#row('copy', 'bytes/s', threads, { path })], async () => {
          this.#needFile();
          const transfer = await this.#process.ask('copyTransfer', { ...piece, threads });
          needCached(transfer);
          return [rate(transfer, `pread(2) 1 MiB, ${wordOf(transfer.bytes)}`)];
        })),
      );
    }
    for (const threads of this.#threads) {
      limits.push(
        ...(await this.#rated('mapping', [this.#row('memory-read-mapping', 'bytes/s', threads, { path })], async () => {
          this.#needFile();
          const transfer = await this.#process.ask('mappingTransfer', { ...piece, threads });
          needCached(transfer);
          const cache = this.#request.machine.cpu.lastLevelCacheBytes ?? 0;
          const partly = transfer.bytes < CACHE_MULTIPLE * cache ? ' (cached by the CPU)' : '';
          return [rate(transfer, `sum, ${wordOf(transfer.bytes)}${partly}`)];
        })),
      );
    }
    return limits;
  }

  async #faults(): Promise<readonly Limit[]> {
    const path = this.#path;
    const rows = [this.#row('minor-fault', 'ns', 1, { path }), this.#row('mmap-call', 'ns', 1, { path })];
    return this.#rated('faults', rows, async () => {
      this.#needFile();
      const [first] = this.#request.paths;
      const bytes = Math.min(this.#bytes, native().residency([first ?? '']).size);
      const cost = await this.#process.ask('faultCost', { path: first ?? '', bytes });
      if (cost.majorFaults > 0) throw failWith(because('not-cached', 'the file did not stay in the page cache'));
      const { ns, minorFaults } = cost;
      return [
        { value: minorFaults === 0 ? null : ns / minorFaults, method: `${minorFaults} in ${wordOf(bytes)}` },
        { value: cost.mmapCallNs, method: 'median of 501 calls' },
      ];
    });
  }

  /** Reading and writing memory that is there. */
  async #memory(memory: FreeMemory): Promise<readonly Limit[]> {
    const { machine } = this.#request;
    const rows = (['memory-read', 'memory-write'] as const).flatMap((name) =>
      this.#threads.map((threads) => this.#row(name, 'bytes/s', threads, {})),
    );
    return this.#rated('memory', rows, async () => {
      const cache = machine.cpu.lastLevelCacheBytes;
      if (cache === null) {
        throw failWith(because('cache-unknown', 'the size of the CPU’s cache is not known, so it cannot be exceeded'));
      }
      const bytes = Math.max(CACHE_MULTIPLE * cache, 128 * MIB);
      if (bytes > this.#amounts.memory) {
        const told = `it takes ${wordOf(bytes)}, 4 × the CPU’s cache: more than the quick form touches`;
        throw failWith({ ...because('quick', told), remedy: 'run weighbridge limits without --quick' });
      }
      needMemory(bytes, MOST_OF_AVAILABLE.memory);
      return this.#withMemory(memory, 'backed', bytes / 2, async () => {
        const speeds = await this.#process.ask('memorySpeeds', { bytes, threads: this.#threads });
        const of = (time: 'readNs' | 'writeNs', how: string): Rated[] =>
          speeds.map((speed) => rate({ bytes: speed.bytes, ns: speed[time] }, `${how}, ${wordOf(speed.bytes)}`));
        return [...of('readNs', 'sum'), ...of('writeNs', 'memset')];
      });
    });
  }

  #touchRows(name: 'first-touch' | 'second-touch', memoryState: MemoryState | null): readonly Row[] {
    return [PAGES.small, PAGES.huge].flatMap((pageBytes) =>
      this.#threads.map((threads) => this.#row(name, 'bytes/s', threads, { pageBytes, memoryState })),
    );
  }

  /** First and, in backed memory, second touch. */
  async #touches(memory: FreeMemory, state: 'backed' | 'returned'): Promise<readonly Limit[]> {
    const first = this.#touchRows('first-touch', state);
    const rows = state === 'backed' ? [...first, ...this.#touchRows('second-touch', null)] : first;
    const bytes = this.#amounts.touch;
    return this.#rated(`first touch of ${state} memory`, rows, async () => {
      needMemory(first.length * bytes, MOST_OF_AVAILABLE.memory);
      return this.#withMemory(memory, state, first.length * bytes, () => this.#touchSpeeds(first, rows));
    });
  }

  async #touchSpeeds(cases: readonly Row[], rows: readonly Row[]): Promise<readonly (Rated | Reason)[]> {
    const speeds = await this.#process.ask('touchSpeeds', {
      bytes: this.#amounts.touch,
      cases: cases.map(({ pageBytes, threads }) => ({ huge: pageBytes === PAGES.huge, threads })),
    });
    return rows.map((row, index) => {
      const speed = speeds[index % cases.length] ?? null;
      if (speed === null) return because('huge-pages-unsupported', 'the kernel gave no 2 MiB pages');
      const ns = row.name === 'first-touch' ? speed.firstNs : speed.secondNs;
      return rate({ bytes: speed.bytes, ns }, `a byte per 4 KiB, ${wordOf(speed.bytes)}`);
    });
  }

  /** Home and first touch where free memory was given back: home first, then as #touches. */
  async #returned(recipe: DeviceRecipe | Reason, memory: FreeMemory): Promise<readonly Limit[]> {
    const { quick, mayReportFreePages, known } = this.#request;
    const home = this.#row('home', 'bytes/s', 1, { path: this.#path, memoryState: 'returned' });
    const touches = this.#touchRows('first-touch', 'returned');
    const rows = [home, ...touches];
    if (!mayReportFreePages) {
      const reason = because('memory-never-returned', 'this machine gives no free memory back to a host');
      return rows.map((row) => missing(row, reason));
    }
    if (!quick) {
      return this.#rated('memory that was given back', rows, () =>
        this.#withMemory(memory, 'returned', 0, async () => {
          const direct = await this.#attempt(async () => {
            if ('code' in recipe) throw failWith(recipe);
            return this.#directly(recipe, this.#amounts.touch, true);
          });
          // What the first has freed is backed now, and is taken out of the way too, without another rest.
          const touch = (): Promise<readonly (Rated | Reason)[]> => this.#touchSpeeds(touches, touches);
          return [direct, ...(await this.#withMemory(memory, 'returned', 0, touch))];
        }),
      );
    }
    const reason = {
      ...because('quick', 'the quick form does not rest until free memory was given back'),
      remedy: 'run weighbridge limits without --quick',
    };
    const returnedNs = known?.firstTouch.limitNs == null ? null : known.firstTouch.returnedNs;
    return rows.map((row) => {
      const probed = row.name === 'first-touch' && row.pageBytes === PAGES.huge && row.threads === 1;
      if (!probed || returnedNs === null) return missing(row, reason);
      const method = `a byte per 4 KiB, ${wordOf(PROBE_BYTES)}`;
      return { ...row, ...rate({ bytes: PROBE_BYTES, ns: returnedNs }, method), reason: null };
    });
  }

  /** Bytes of the file that each measurement reads. */
  get #bytes(): number {
    const share = Math.floor(((availableMemory() ?? 0) * MOST_OF_AVAILABLE.file) / MIB) * MIB;
    return Math.min(this.#fileBytes, this.#amounts.file, Math.max(share, LEAST_FILE));
  }

  #piece(bytes: number): NativePiece {
    return { paths: this.#request.paths, from: 0, bytes };
  }

  #needFile(): void {
    if (this.#path === null) {
      const reason = because('no-file', 'no file was named to read');
      throw failWith({ ...reason, remedy: 'name a model or any big file: weighbridge limits PATH' });
    }
    if (this.#fileBytes >= LEAST_FILE) return;
    const told = `${basename(this.#path)} has ${this.#fileBytes} bytes: too few to tell how fast it can be read`;
    throw failWith({ ...because('file-too-small', told), remedy: `name a file of at least ${wordOf(LEAST_FILE)}` });
  }

  #row(
    name: Row['name'],
    unit: Row['unit'],
    threads: number,
    rest: Partial<Pick<Row, 'path' | 'pageBytes' | 'memoryState'>>,
  ): Row {
    return { name, unit, threads, pageBytes: null, memoryState: null, path: null, ...rest };
  }

  /** The rows with what `measure` gives for each in turn, or all of them with the reason that it throws. */
  async #rated(
    step: string,
    rows: readonly Row[],
    measure: () => Promise<readonly (Rated | Reason)[]>,
  ): Promise<readonly Limit[]> {
    this.#request.onStep(step);
    const rated = await this.#attempt(measure);
    if ('code' in rated) return rows.map((row) => missing(row, rated));
    return rows.map((row, index): Limit => {
      const own = rated[index] ?? because('not-measured', 'nothing was measured');
      if ('code' in own) return missing(row, own);
      if (own.value !== null && own.value > 0) return { ...row, ...own, reason: null };
      return missing(row, because('not-measured', 'what was measured was too short'));
    });
  }

  /** The reason that an error carries; other errors and interruptions go on. */
  async #attempt<T>(measure: () => Promise<T>): Promise<T | Reason> {
    try {
      return await measure();
    } catch (error) {
      const reason = this.#request.signal.aborted ? null : reasonOf(error);
      if (reason === null) throw error;
      return reason;
    }
  }

  /** With free memory in a state, held until `measure` ends; null leaves it as it is. */
  async #withMemory<T>(
    memory: FreeMemory,
    state: MemoryState | null,
    bytes: number,
    measure: () => Promise<T>,
  ): Promise<T> {
    if (state === null) return measure();
    for (let attempt = 1; ; attempt++) {
      const prepared = await memory.prepare(state, bytes, this.#request.threads, this.#request.signal);
      try {
        if (prepared.refusal === null) return await measure();
        if (prepared.refusal.outcome !== 'invalid' || attempt === ATTEMPTS) throw failWith(prepared.refusal.reason);
      } finally {
        prepared.release();
      }
    }
  }
}

function rate({ bytes, ns }: Pick<NativeTransfer, 'bytes' | 'ns'>, method: string): Rated {
  return { value: ns > 0 ? (bytes * 1e9) / ns : null, method };
}

function missing(row: Row, reason: Reason): Limit {
  return { ...row, value: null, method: '', reason };
}

function because(code: string, message: string): Reason {
  return { code, operation: 'limits', path: null, errno: null, message, remedy: null };
}

function needCached({ readBytes }: NativeTransfer): void {
  if (readBytes === null || readBytes === 0) return;
  throw failWith(
    because('not-cached', `${readBytes} bytes were read from storage: the file did not stay in the page cache`),
  );
}

function needMemory(bytes: number, share: number): void {
  const available = availableMemory() ?? 0;
  if (bytes <= share * available) return;
  const told = `it takes ${wordOf(bytes)} of memory, and no more than ${share * 100} % of what is available may be touched`;
  throw failWith({ ...because('memory-short', told), remedy: 'free memory' });
}
