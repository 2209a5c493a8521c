/** How much memory may be touched to bring it into a state, and what of the page cache stays meanwhile. */
import { availableParallelism } from 'node:os';
import { availableMemory, leastFreeMemory, unusedMemory } from '../machine.js';
import { native } from '../native.js';

/** Of the first-touch probe. Small enough to be quick where memory was returned, large enough to see it. */
export const PROBE_BYTES = 32 * 1024 * 1024;

/** What of the page cache must stay while free memory is touched: all of it, the model's, or none. */
export type CacheKept = 'everything' | 'model' | 'nothing';

/** Most that is taken while looking for memory that was given back. */
const MOST_ABSORBED = 3 * 2 ** 30;

export const mostAbsorbed = (): number => Math.floor(Math.min(0.4 * (availableMemory() ?? 0), MOST_ABSORBED));

/** Least that is backed: the probe after it, and what a small model's child takes, must come out of it. */
const LEAST_BACKED = 8 * PROBE_BYTES;

/** A copy a process, the page cache, and a little more. */
export function backingBytes(modelBytes: number, processes = 1): number {
  const wanted = Math.max((1.2 + processes) * modelBytes, LEAST_BACKED);
  return Math.floor(Math.min(TOUCHED_SHARE * (availableMemory() ?? 0), wanted));
}

/** Of the available memory, what may be touched at once: the rest of the machine lives on. */
const TOUCHED_SHARE = 0.8;

/**
 * Most that may be touched without the page cache losing what must stay. Where there is room for the model beside what is
 * touched, the kernel drops older pages first; else it would take the model's, so only unused memory is touched. It begins
 * to reclaim above vm.min_free_kbytes.
 */
export function mostTouched(
  keep: CacheKept,
  { modelBytes, wanted }: { readonly modelBytes: number; readonly wanted: number },
  { availableBytes, unusedBytes }: MemoryNow = memoryNow(),
): number {
  const ample = keep === 'model' && modelBytes + wanted <= AMPLE_SHARE * (availableBytes ?? 0);
  if (keep === 'nothing' || ample) return Infinity;
  return Math.max(0, Math.floor((unusedBytes ?? 0) - reserve()));
}

/** Null where it cannot be read. */
interface MemoryNow {
  readonly availableBytes: number | null;
  readonly unusedBytes: number | null;
}

const memoryNow = (): MemoryNow => ({ availableBytes: availableMemory(), unusedBytes: unusedMemory() });

const reserve = (): number => Math.max(UNUSED_RESERVE, 3 * (leastFreeMemory() ?? 0));

/**
 * Lets older page cache go until so much can be taken, the reserve beside it, without any being dropped for it: what is
 * cached from then on stays. As far as memory is available.
 */
export async function makeRoom(bytes: number): Promise<void> {
  const wanted = bytes + 2 * reserve();
  if ((unusedMemory() ?? Infinity) >= wanted) return;
  const most = Math.floor(TOUCHED_SHARE * (availableMemory() ?? 0));
  await native().backFreeMemory(Math.min(wanted, most), availableParallelism());
}

const AMPLE_SHARE = 0.8;
const UNUSED_RESERVE = 256 * 2 ** 20;
