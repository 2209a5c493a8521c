/** The rows of a machine's limits: what each states, how much is measured for it, and why one may have no value. */
import { failWith } from '../failure.js';
import { availableMemory } from '../machine.js';
import type { DeviceRecipe } from '../native.js';
import type { NativeTransfer } from '../native-limits.js';
import type { Limit } from './limit-types.js';
import type { MemoryState, Reason } from './record.js';

export const MIB = 2 ** 20;
/** A shorter transfer shows how a queue fills rather than how fast a device is. */
export const LEAST_FILE = 16 * MIB;
export const PAGES = { small: 4096, huge: 2 * MIB } as const;
/** No measurement takes more than these shares of what is available: of files, and of memory alone. */
export const MOST_OF_AVAILABLE = { file: 0.1, memory: 0.25 } as const;

/** Bytes of each measurement. Quick is what a run does beside its samples. */
export const AMOUNTS = {
  quick: { file: 128 * MIB, touch: 64 * MIB, memory: 256 * MIB, candidate: 24 * MIB, fresh: 64 * MIB },
  full: { file: 512 * MIB, touch: 128 * MIB, memory: Infinity, candidate: 48 * MIB, fresh: 128 * MIB },
} as const;

export type Row = Omit<Limit, 'value' | 'method' | 'reason'>;
export type Rated = Pick<Limit, 'value' | 'method'>;

/** A row without what does not apply to it. */
export function rowOf(
  name: Row['name'],
  unit: Row['unit'],
  threads: number,
  rest: Partial<Pick<Row, 'path' | 'pageBytes' | 'memoryState'>>,
): Row {
  return { name, unit, threads, pageBytes: null, memoryState: null, path: null, ...rest };
}

/** Of each page size with each count of threads. */
export function touchRows(
  name: 'first-touch' | 'second-touch',
  counts: readonly number[],
  memoryState: MemoryState | null,
): readonly Row[] {
  return [PAGES.small, PAGES.huge].flatMap((pageBytes) =>
    counts.map((threads) => rowOf(name, 'bytes/s', threads, { pageBytes, memoryState })),
  );
}

export const wordOf = (bytes: number): string =>
  bytes >= MIB ? `${Math.round(bytes / MIB)} MiB` : `${bytes / 1024} KiB`;
export const recipeText = ({ engine, blockBytes, depth }: DeviceRecipe): string =>
  `${engine === 'io_uring' ? 'io_uring' : 'pread by threads'} ${wordOf(blockBytes)} × ${depth}`;

export function rate({ bytes, ns }: Pick<NativeTransfer, 'bytes' | 'ns'>, method: string): Rated {
  return { value: ns > 0 ? (bytes * 1e9) / ns : null, method };
}

export function missing(row: Row, reason: Reason): Limit {
  return { ...row, value: null, method: '', reason };
}

export function because(code: string, message: string): Reason {
  return { code, operation: 'limits', path: null, errno: null, message, remedy: null };
}

export function needCached({ readBytes }: NativeTransfer): void {
  if (readBytes === null || readBytes === 0) return;
  throw failWith(
    because('not-cached', `${readBytes} bytes were read from storage: the file did not stay in the page cache`),
  );
}

export function needMemory(bytes: number, share: number): void {
  const available = availableMemory() ?? 0;
  if (bytes <= share * available) return;
  const told = `it takes ${wordOf(bytes)} of memory, and no more than ${share * 100} % of what is available may be touched`;
  throw failWith({ ...because('memory-short', told), remedy: 'free memory' });
}
