/** Physical limits of a machine, as `weighbridge limits` measures them and every run stores them. */
import type { MemoryState, Reason } from './record.js';

/** Memory of this many times the last-level cache is read at memory's speed. */
export const CACHE_MULTIPLE = 4;

export type LimitName =
  /** O_DIRECT into hot buffers of at most 16 MiB. */
  | 'device'
  /** The same into memory that was never touched, in 2 MiB pages where they are had. */
  | 'home'
  /** read(2) in calls of 1 MiB into one hot buffer, the file evicted; and again, now that it is cached. */
  | 'buffered-cold'
  | 'buffered-warm'
  /** Page cache to memory that was touched beforehand, by pread(2): copying apart from first touch. */
  | 'copy'
  /** Summing a mapping of the model; and anonymous memory of at least 4 × the last-level cache. */
  | 'memory-read-mapping'
  | 'memory-read'
  | 'memory-write'
  /** One byte written in each 4 KiB of anonymous memory: bytes covered ÷ time; and once more. */
  | 'first-touch'
  | 'second-touch'
  /** Nanoseconds a fault, as getrusage(2) counts them, of touching a warm mapping: each may map several pages. */
  | 'minor-fault'
  /** Nanoseconds of one mmap(2) call over the whole file. */
  | 'mmap-call'
  /** Speed of the second direct read of a fresh range ÷ the first: above 1 the host had to fetch, and kept. */
  | 'host-cache-ratio';

export interface Limit {
  readonly name: LimitName;
  /** Null where it could not be measured: `reason` says why. */
  readonly value: number | null;
  readonly unit: 'bytes/s' | 'ns' | 'ratio';
  readonly threads: number;
  /** Page size of first and second touch. */
  readonly pageBytes: number | null;
  /** State of free memory, where it matters. */
  readonly memoryState: MemoryState | null;
  /** File that was read, of several models in a run the largest; null for limits of memory alone. */
  readonly path: string | null;
  /** How it was measured, in a few words: "io_uring 1 MiB × 8". */
  readonly method: string;
  readonly reason: Reason | null;
}
