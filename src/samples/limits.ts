/**
 * The physical limits of a machine: each measured natively in a fraction of a second, in a process of its own, with free
 * memory in a stated state. The rows are always the same; what cannot be measured has a reason instead of a value.
 */
import { failWith, reasonOf } from '../failure.js';
import { native, type DeviceRecipe } from '../native.js';
import { LimitBench, type LimitRequest } from './limit-bench.js';
import {
  because,
  missing,
  rate,
  rowOf,
  touchRows,
  wordOf,
  recipeText,
  needCached,
  needMemory,
  MIB,
  PAGES,
  MOST_OF_AVAILABLE,
  type Rated,
  type Row,
} from './limit-rows.js';
import { CACHE_MULTIPLE, type Limit } from './limit-types.js';
import type { MemoryState, Reason } from './record.js';
import { PROBE_BYTES } from './room.js';
import { FreeMemory, firstTouchBacked, prepareCache, slowerThanBacked } from './states.js';

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

class LimitSession {
  readonly #request: LimitRequest;
  readonly #bench: LimitBench;

  constructor(request: LimitRequest) {
    this.#request = request;
    this.#bench = new LimitBench(request);
  }

  close(): Promise<void> {
    return this.#bench.close();
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
    const row = rowOf('host-cache-ratio', 'ratio', 1, { path: this.#bench.path });
    const { machine } = this.#request;
    const [limit] = await this.#bench.rated('host cache', [row], async () => {
      if (machine.virtualization.virtual === false) {
        throw failWith(because('not-virtual', 'this is no virtual machine: no host holds a cache behind the device'));
      }
      this.#bench.needFile();
      const bytes = Math.min(this.#bench.amounts.fresh, Math.floor(this.#bench.fileBytes / 4 / MIB) * MIB);
      // Anywhere in the file: a fixed place would have been read by the last measurement.
      const from = Math.floor((Math.random() * (this.#bench.fileBytes - bytes)) / MIB) * MIB;
      const ioUring = native().capabilities().ioUring.supported;
      const recipe: DeviceRecipe = { engine: ioUring ? 'io_uring' : 'threads', blockBytes: MIB, depth: 8 };
      const spec = { ...this.#bench.piece(bytes), from, recipe, home: false };
      const first = await this.#bench.process.ask('directTransfer', spec);
      const second = await this.#bench.process.ask('directTransfer', spec);
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
      this.#bench.needFile();
      const bytesEach = this.#bench.amounts.candidate;
      return await this.#bench.process.ask('bestRecipe', { paths, from: 0, bytes: this.#bench.fileBytes, bytesEach });
    } catch (error) {
      const reason = signal.aborted ? null : reasonOf(error);
      if (reason === null) throw error;
      return reason;
    }
  }

  /** Direct reads into hot buffers or, with a state, into untouched memory of that state. */
  async #direct(recipe: DeviceRecipe | Reason, memory: FreeMemory, state: MemoryState | null): Promise<Limit> {
    const name = state === null ? 'device' : 'home';
    const row = rowOf(name, 'bytes/s', 1, { path: this.#bench.path, memoryState: state });
    const [limit] = await this.#bench.rated(
      state === null ? 'device' : `device into ${state} memory`,
      [row],
      async () => {
        if ('code' in recipe) throw failWith(recipe);
        this.#bench.needFile();
        return this.#bench.withMemory(memory, state, this.#bench.bytes, async () => [
          await this.#directly(recipe, this.#bench.bytes, state !== null),
        ]);
      },
    );
    return limit as Limit;
  }

  async #directly(recipe: DeviceRecipe, most: number, home: boolean): Promise<Rated> {
    const spec = { ...this.#bench.piece(Math.min(most, this.#bench.bytes)), recipe, home };
    const transfer = await this.#bench.process.ask('directTransfer', spec);
    if (transfer.readBytes !== null && transfer.readBytes < 0.95 * transfer.bytes) {
      const told = `only ${transfer.readBytes} of ${transfer.bytes} bytes came from the device`;
      throw failWith(because('direct-io-turned-buffered', told));
    }
    return rate(transfer, `${recipeText(recipe)}${transfer.hugePages ? '' : ', no 2 MiB pages'}`);
  }

  /** Cold and warm reads, copies and sums of a mapping: in this order, each leaves the cache as the next wants it. */
  async #buffered(memory: FreeMemory): Promise<readonly Limit[]> {
    const { paths, signal } = this.#request;
    const path = this.#bench.path;
    const piece = this.#bench.piece(this.#bench.bytes);
    const read = (name: 'buffered-cold' | 'buffered-warm', step: string): Promise<readonly Limit[]> =>
      this.#bench.rated(step, [rowOf(name, 'bytes/s', 1, { path })], async () => {
        this.#bench.needFile();
        const cold = name === 'buffered-cold';
        if (cold) {
          const cache = await prepareCache(paths, 'cold', this.#bench.fileSystem, signal);
          if ('outcome' in cache) throw failWith(cache.reason);
        }
        return this.#bench.withMemory(memory, cold ? 'backed' : null, this.#bench.bytes, async () => {
          const transfer = await this.#bench.process.ask('bufferedTransfer', piece);
          if (!cold) needCached(transfer);
          return [rate(transfer, `read(2) 1 MiB, ${wordOf(transfer.bytes)}`)];
        });
      });
    const limits = [...(await read('buffered-cold', 'cold read')), ...(await read('buffered-warm', 'warm read'))];
    for (const threads of this.#bench.threads) {
      limits.push(
        ...(await this.#bench.rated('copy', [rowOf('copy', 'bytes/s', threads, { path })], async () => {
          this.#bench.needFile();
          const transfer = await this.#bench.process.ask('copyTransfer', { ...piece, threads });
          needCached(transfer);
          return [rate(transfer, `pread(2) 1 MiB, ${wordOf(transfer.bytes)}`)];
        })),
      );
    }
    for (const threads of this.#bench.threads) {
      limits.push(
        ...(await this.#bench.rated(
          'mapping',
          [rowOf('memory-read-mapping', 'bytes/s', threads, { path })],
          async () => {
            this.#bench.needFile();
            const transfer = await this.#bench.process.ask('mappingTransfer', { ...piece, threads });
            needCached(transfer);
            const cache = this.#request.machine.cpu.lastLevelCacheBytes ?? 0;
            const partly = transfer.bytes < CACHE_MULTIPLE * cache ? ' (cached by the CPU)' : '';
            return [rate(transfer, `sum, ${wordOf(transfer.bytes)}${partly}`)];
          },
        )),
      );
    }
    return limits;
  }

  async #faults(): Promise<readonly Limit[]> {
    const path = this.#bench.path;
    const rows = [rowOf('minor-fault', 'ns', 1, { path }), rowOf('mmap-call', 'ns', 1, { path })];
    return this.#bench.rated('faults', rows, async () => {
      this.#bench.needFile();
      const [first] = this.#request.paths;
      const bytes = Math.min(this.#bench.bytes, native().residency([first ?? '']).size);
      const cost = await this.#bench.process.ask('faultCost', { path: first ?? '', bytes });
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
      this.#bench.threads.map((threads) => rowOf(name, 'bytes/s', threads, {})),
    );
    return this.#bench.rated('memory', rows, async () => {
      const cache = machine.cpu.lastLevelCacheBytes;
      if (cache === null) {
        throw failWith(because('cache-unknown', 'the size of the CPU’s cache is not known, so it cannot be exceeded'));
      }
      const bytes = Math.max(CACHE_MULTIPLE * cache, 128 * MIB);
      if (bytes > this.#bench.amounts.memory) {
        const told = `it takes ${wordOf(bytes)}, 4 × the CPU’s cache: more than the quick form touches`;
        throw failWith({ ...because('quick', told), remedy: 'run weighbridge limits without --quick' });
      }
      needMemory(bytes, MOST_OF_AVAILABLE.memory);
      return this.#bench.withMemory(memory, 'backed', bytes / 2, async () => {
        const speeds = await this.#bench.process.ask('memorySpeeds', { bytes, threads: this.#bench.threads });
        const of = (time: 'readNs' | 'writeNs', how: string): Rated[] =>
          speeds.map((speed) => rate({ bytes: speed.bytes, ns: speed[time] }, `${how}, ${wordOf(speed.bytes)}`));
        return [...of('readNs', 'sum'), ...of('writeNs', 'memset')];
      });
    });
  }

  /** First and, in backed memory, second touch. */
  async #touches(memory: FreeMemory, state: 'backed' | 'returned'): Promise<readonly Limit[]> {
    const first = touchRows('first-touch', this.#bench.threads, state);
    const rows = state === 'backed' ? [...first, ...touchRows('second-touch', this.#bench.threads, null)] : first;
    const bytes = this.#bench.amounts.touch;
    return this.#bench.rated(`first touch of ${state} memory`, rows, async () => {
      needMemory(first.length * bytes, MOST_OF_AVAILABLE.memory);
      return this.#bench.withMemory(memory, state, first.length * bytes, () => this.#touchSpeeds(first, rows));
    });
  }

  async #touchSpeeds(cases: readonly Row[], rows: readonly Row[]): Promise<readonly (Rated | Reason)[]> {
    const speeds = await this.#bench.process.ask('touchSpeeds', {
      bytes: this.#bench.amounts.touch,
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
    const home = rowOf('home', 'bytes/s', 1, { path: this.#bench.path, memoryState: 'returned' });
    const touches = touchRows('first-touch', this.#bench.threads, 'returned');
    const rows = [home, ...touches];
    if (!mayReportFreePages) {
      const reason = because('memory-never-returned', 'this machine gives no free memory back to a host');
      return rows.map((row) => missing(row, reason));
    }
    if (!quick) {
      return this.#bench.rated('memory that was given back', rows, () =>
        this.#bench.withMemory(memory, 'returned', 0, async () => {
          const direct = await this.#bench.attempt(async () => {
            if ('code' in recipe) throw failWith(recipe);
            return this.#directly(recipe, this.#bench.amounts.touch, true);
          });
          // What the first has freed is backed now, and is taken out of the way too, without another rest.
          const touch = (): Promise<readonly (Rated | Reason)[]> => this.#touchSpeeds(touches, touches);
          return [direct, ...(await this.#bench.withMemory(memory, 'returned', 0, touch))];
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
}
