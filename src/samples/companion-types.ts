/** What runs beside a sample: the orders to its process, and what it reports. Sizes are bytes. */
import type { Reason } from './record.js';

export type CompanionWork =
  /** Anonymous memory, held and touched again and again. */
  | { readonly kind: 'hold'; readonly bytes: number }
  /** A file read from its beginning to its end through the page cache, again and again, while the sample runs. */
  | { readonly kind: 'stream'; readonly path: string }
  /** A file read once into the page cache, as a program does whose data others may push out; then it only stands by. */
  | { readonly kind: 'cache'; readonly path: string };

/** argv[2] of the companion's process, as JSON. */
export interface CompanionTask {
  readonly parent: number;
  readonly work: CompanionWork;
}

/** From the sample's release to its end. */
export type CompanionReport =
  | {
      readonly kind: 'hold';
      readonly bytes: number;
      /** Least of it that was resident whenever it had been touched: less than `bytes`, and the kernel took some away. */
      readonly leastResidentBytes: number | null;
      readonly mostSwappedBytes: number | null;
      /** How often all of it was touched. */
      readonly passes: number;
    }
  | {
      readonly kind: 'stream';
      readonly streamedBytes: number;
      /** Of them, fetched from storage; null if unreadable. */
      readonly issuedBytes: number | null;
      readonly passes: number;
    }
  | { readonly kind: 'cache'; readonly readBytes: number };

/** What comes on descriptor 3 after the byte 'R'. */
export type CompanionAnswer =
  | { readonly kind: 'reported'; readonly report: CompanionReport }
  | { readonly kind: 'failed'; readonly reason: Reason };
