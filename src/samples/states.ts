/**
 * The two states that are prepared before a sample: the model's page cache (cold, warm) and free memory (backed, returned,
 * as-is). Each is certified by reading it back, at the last moment before the child is released.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { native, type ResidencyReading } from '../native.js';
import type { CeilingChoices, MemoryState, Reason, State } from './record.js';
import { PROBE_BYTES, backingBytes, mostAbsorbed, mostTouched, type CacheKept } from './room.js';

/** Free page reporting begins after 2 s and goes on in steps: after 4 s gigabytes were still backed, after 7 s hardly any. */
const RETURN_DELAY_MS = 7000;
const EVICT_ATTEMPTS = 3;
/** Returned memory must be this much slower to touch than backed for the two to be told apart. */
const DISTINGUISHABLE = 2.5;

export interface Refusal {
  readonly outcome: 'invalid' | 'unsupported' | 'failed';
  readonly reason: Reason;
}

export function refusal(
  outcome: Refusal['outcome'],
  code: string,
  operation: string,
  message: string,
  remedy: string | null = null,
  path: string | null = null,
): Refusal {
  return { outcome, reason: { code, operation, path, errno: null, message, remedy } };
}

/** Page cache of one model, held where the state asks for it. */
export interface PreparedCache {
  readonly paths: readonly string[];
  readonly state: State;
  /** Drops the populated mapping that kept a warm cache in place. */
  release(): void;
}

const MEMORY_FILE_SYSTEMS = new Set(['tmpfs', 'ramfs', 'hugetlbfs']);

/** Why a model on that file system has no cold state at all, or null. */
export function neverCold(fileSystem: string, path: string | null): Refusal | null {
  if (!MEMORY_FILE_SYSTEMS.has(fileSystem)) return null;
  return refusal(
    'unsupported',
    'cannot-be-cold',
    'evict',
    `files on ${fileSystem} live in memory and cannot be cold`,
    'copy the model to a disk',
    path,
  );
}

/** Brings the page cache of the files into the state. `left` is what is there. */
export async function prepareCache(
  paths: readonly string[],
  state: State,
  fileSystem: string,
  signal: AbortSignal,
): Promise<PreparedCache | Refusal> {
  if (state === 'left') return { paths, state, release: () => undefined };
  if (state === 'cold') {
    const never = neverCold(fileSystem, paths[0] ?? null);
    if (never !== null) return never;
    for (let attempt = 1; ; attempt++) {
      await native().evict(paths);
      signal.throwIfAborted();
      const left = native().residency(paths);
      if (left.source === 'none' || left.resident === 0) break;
      if (attempt === EVICT_ATTEMPTS) {
        return refusal(
          'invalid',
          'not-evicted',
          'evict',
          `${left.resident} bytes stayed in the page cache; another process maps or writes the model`,
          'stop it, or weigh a copy of the model',
          paths[0] ?? null,
        );
      }
      await delay(50);
    }
    return { paths, state, release: () => undefined };
  }
  await native().warm(paths);
  signal.throwIfAborted();
  const hold = await native().hold(paths);
  return { paths, state, release: () => hold.release() };
}

/** Reads the cache back. Null when it is what the state says, or when nobody may know (then bytes read must certify it). */
export function certifyCache(cache: PreparedCache): {
  readonly reading: ResidencyReading;
  readonly refusal: Refusal | null;
} {
  const reading = native().residency(cache.paths);
  const path = cache.paths[0] ?? null;
  if (reading.source === 'none') return { reading, refusal: null };
  if (cache.state === 'cold' && reading.resident > 0) {
    return {
      reading,
      refusal: refusal(
        'invalid',
        'not-cold',
        'residency',
        `${reading.resident} bytes were in the page cache before the start`,
        null,
        path,
      ),
    };
  }
  if (cache.state === 'warm' && reading.resident < reading.size) {
    const missing = reading.size - reading.resident;
    return {
      reading,
      refusal: refusal(
        'invalid',
        'not-warm',
        'residency',
        `${missing} bytes of ${reading.size} were not in the page cache before the start`,
        'free memory: the model does not stay in the page cache',
        path,
      ),
    };
  }
  return { reading, refusal: null };
}

/** Keeps track of when memory was last freed in quantity, and brings free memory into a state. */
export class FreeMemory {
  readonly #limits: CeilingChoices['firstTouch'];
  #lastLargeFreeMs = Date.now();

  constructor(limits: CeilingChoices['firstTouch']) {
    this.#limits = limits;
  }

  /** To be called after whatever freed memory: an eviction, a child's end. */
  freed(): void {
    this.#lastLargeFreeMs = Date.now();
  }

  /** Prepares the state and probes it. */
  async prepare(
    state: MemoryState,
    { modelBytes, processes, threads, keep }: MemoryWanted,
    signal: AbortSignal,
  ): Promise<PreparedMemory> {
    const wanted = state === 'returned' ? mostAbsorbed() : backingBytes(modelBytes, processes);
    const most = mostTouched(keep, { modelBytes, wanted });
    // Where every page is taken, what the processes get was somebody's a moment ago: it is backed.
    if (most < PROBE_BYTES) return { firstTouchNs: null, refusal: fullOf(state), release: () => undefined };
    if (state === 'returned') return this.#prepareReturned(Math.min(most, wanted), signal);
    if (state === 'backed') {
      await native().backFreeMemory(Math.min(most, wanted), threads);
      this.freed();
      signal.throwIfAborted();
    }
    const firstTouchNs = await native().firstTouchNs(PROBE_BYTES);
    const refused = state === 'backed' ? this.#refuseBacked(firstTouchNs) : null;
    return { firstTouchNs, refusal: refused, release: () => undefined };
  }

  /** What is still backed is taken and held until the sample has ended, so that the child meets what was given back. */
  async #prepareReturned(most: number, signal: AbortSignal): Promise<PreparedMemory> {
    const { limitNs } = this.#limits;
    if (limitNs === null) {
      return {
        firstTouchNs: await native().firstTouchNs(PROBE_BYTES),
        refusal: refusal(
          'unsupported',
          'memory-not-returned',
          'first touch',
          'free memory is not given back to a host here: returned cannot be told from backed',
        ),
        release: () => undefined,
      };
    }
    await delay(Math.max(0, this.#lastLargeFreeMs + RETURN_DELAY_MS - Date.now()), undefined, { signal });
    const absorbed = await native().absorbBackedMemory(PROBE_BYTES, limitNs, most);
    const release = (): void => {
      absorbed.release();
      this.freed();
    };
    const firstTouchNs = absorbed.chunkNs.at(-1) ?? 0;
    if (absorbed.found) return { firstTouchNs, refusal: null, release };
    const taken = (absorbed.chunkNs.length * PROBE_BYTES) / 2 ** 20;
    return {
      firstTouchNs,
      refusal: refusal(
        'invalid',
        'memory-not-returned',
        'first touch',
        `the first ${taken} MiB of free memory were still backed after ${RETURN_DELAY_MS / 1000} s`,
      ),
      release,
    };
  }

  #refuseBacked(firstTouchNs: number): Refusal | null {
    const { limitNs } = this.#limits;
    if (limitNs === null || firstTouchNs <= limitNs) return null;
    const milliseconds = (ns: number): string => (ns / 1e6).toFixed(1);
    return refusal(
      'invalid',
      'memory-not-backed',
      'first touch',
      `first touch of 32 MiB took ${milliseconds(firstTouchNs)} ms, the limit between backed and returned memory is ${milliseconds(limitNs)} ms`,
    );
  }
}

/** What free memory is prepared for. */
export interface MemoryWanted {
  readonly modelBytes: number;
  readonly processes: number;
  readonly threads: number;
  readonly keep: CacheKept;
}

/** Memory in its state, and what is held to keep it there until the sample has ended. */
export interface PreparedMemory {
  /** Null where the probe would have taken page cache that had to stay. */
  readonly firstTouchNs: number | null;
  readonly refusal: Refusal | null;
  release(): void;
}

/** What cannot be looked for without taking page cache that must stay. */
function fullOf(state: MemoryState): Refusal | null {
  if (state !== 'returned') return null;
  return refusal(
    'unsupported',
    'memory-not-returned',
    'first touch',
    'nearly all memory is taken by now: what a load gets was in use a moment ago, and cannot have been given back',
    'weigh a smaller model, or ask for another memory state',
  );
}

/** Probes of each state that calibration takes; their median counts. */
const CALIBRATING_PROBES = 3;

/**
 * Learns what first touch costs on this machine with free memory backed and, where the kernel may report free pages to a
 * host, returned. `modelBytes` sets how much is backed. `limitNs` is null where the two cannot be told apart.
 */
export async function learnFirstTouch(
  modelBytes: number,
  threads: number,
  mayReportFreePages: boolean,
  signal: AbortSignal,
): Promise<CeilingChoices['firstTouch']> {
  const backedNs = await firstTouchBacked(modelBytes, threads, signal);
  if (!mayReportFreePages) return { backedNs, returnedNs: null, limitNs: null };
  await delay(RETURN_DELAY_MS, undefined, { signal });
  const absorbed = await native().absorbBackedMemory(PROBE_BYTES, slowerThanBacked(backedNs), mostAbsorbed());
  const { found, chunkNs } = absorbed;
  absorbed.release();
  const returnedNs = middle(found ? chunkNs.slice(-3) : chunkNs);
  const limitNs = found ? Math.round(Math.sqrt(returnedNs * backedNs)) : null;
  return { backedNs, returnedNs, limitNs };
}

/** Backed memory may be touched this much faster or slower than when the limit was learned; both states then stay clear of it. */
const DRIFT = 1.25;

/** Whether what was learned before still tells the states apart: a machine's speed may have changed since. */
export async function stillHolds(
  { backedNs, limitNs }: CeilingChoices['firstTouch'],
  modelBytes: number,
  threads: number,
  signal: AbortSignal,
): Promise<boolean> {
  // Nothing is told by it then.
  if (limitNs === null) return true;
  const now = await firstTouchBacked(modelBytes, threads, signal);
  return now <= backedNs * DRIFT && now >= backedNs / DRIFT;
}

/** Nanoseconds of the probe with free memory just touched: the median of a few. */
export async function firstTouchBacked(modelBytes: number, threads: number, signal: AbortSignal): Promise<number> {
  const backed: number[] = [];
  for (let probe = 0; probe < CALIBRATING_PROBES; probe++) {
    await native().backFreeMemory(backingBytes(modelBytes), threads);
    signal.throwIfAborted();
    backed.push(await native().firstTouchNs(PROBE_BYTES));
  }
  return middle(backed);
}

/** A probe that takes longer met memory that had been given back. */
export const slowerThanBacked = (backedNs: number): number => Math.round(DISTINGUISHABLE * backedNs);

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
