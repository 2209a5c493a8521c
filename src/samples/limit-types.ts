/** Physical limits of a machine, as `weighbridge limits` measures them and every run stores them. */
import type { MemoryState, Reason } from './record.js';

export type LimitName =
  /** O_DIRECT into hot buffers. */
  | 'device'
  /** The same into memory that was never touched. */
  | 'home'
  | 'buffered-cold'
  | 'buffered-warm'
  /** Page cache to hot memory, by read(2). */
  | 'copy'
  /** Summing a mapping of the model; and anonymous memory of at least 4 × the last-level cache. */
  | 'memory-read-mapping'
  | 'memory-read'
  | 'memory-write'
  | 'first-touch'
  | 'second-touch'
  | 'minor-fault'
  | 'mmap-call'
  /** Second ÷ first direct read of a fresh range. */
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
  /** How it was measured, in a few words: "io_uring 1 MiB × 8". */
  readonly method: string;
  readonly reason: Reason | null;
}
