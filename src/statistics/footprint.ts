/** What holding a model costs the system, from the samples of the memory pass. */
import type { Group, Memory, SummedMemory } from '../samples/record.js';
import { medianOfKnown } from './order.js';
import type { OkSample } from './pairs.js';
import type { Footprint } from './summary-types.js';

/** What only swap or the end of the process can take back, shared pages divided among their users (smaps_rollup). */
function held({ pssAnonymous, pssShmem, hugetlb, swap, pageTables }: Memory | SummedMemory): number | null {
  return sum([pssAnonymous, pssShmem, hugetlb, swap, pageTables]);
}

/** The same on the scale of the peak, which is watched every 2 ms and so knows Rss alone. */
function heldByRss({ anonymous, shmem, hugetlb, swap, pageTables }: Memory): number | null {
  return sum([anonymous, shmem, hugetlb, swap, pageTables]);
}

function sum(parts: readonly (number | null)[]): number | null {
  return parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);
}

/**
 * What is held now beyond the baseline. Sums are compared, not parts: anonymous memory that was swapped out meanwhile has
 * moved from one to the other. Memory that something else gave back is no negative cost.
 */
function growth(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : Math.max(0, now - before);
}

type Locking = Pick<Memory, 'pssAnonymous' | 'pssShmem'> & { readonly locked?: number | null };

/**
 * Of the model's page cache, what mlock(2) holds: locked memory beyond what is no page cache. Null where it could not be
 * read, and for groups in ledgers that know of none.
 */
export function lockedCacheOf(before: Locking, now: Locking, cached: number | null): number | null {
  const [locked, anonymous, shmem] = [
    growth(now.locked ?? null, before.locked ?? null),
    growth(now.pssAnonymous, before.pssAnonymous),
    growth(now.pssShmem, before.pssShmem),
  ];
  if (locked === null || anonymous === null || shmem === null || cached === null) return null;
  return Math.min(cached, Math.max(0, locked - anonymous - shmem));
}

/** What is held after the first token, and of the page cache what is not. */
interface AtRest {
  readonly unreclaimable: number | null;
  readonly lockedCache: number | null;
  readonly reclaimable: number | null;
}

/** KV cache and scratch are in the baseline, so that the difference leaves them out. */
function restOf(before: Memory | SummedMemory, now: Memory | SummedMemory, cached: number | null): AtRest {
  const lockedCache = lockedCacheOf(before, now, cached);
  return {
    unreclaimable: plus(growth(held(now), held(before)), lockedCache),
    lockedCache,
    reclaimable: cached === null ? null : cached - (lockedCache ?? 0),
  };
}

function ofSample({ memory, residency }: OkSample): AtRest {
  return memory === null || memory.firstToken === null
    ? { unreclaimable: null, lockedCache: null, reclaimable: residency.firstToken }
    : restOf(memory.baseline, memory.firstToken, residency.firstToken);
}

/** The peak is watched without locks: what is locked at rest is held at the peak as well. */
function atPeak(sample: OkSample): number | null {
  const { memory } = sample;
  if (memory === null) return null;
  return plus(growth(memory.peak.unreclaimable, heldByRss(memory.baseline)), ofSample(sample).lockedCache);
}

/** Page cache of which nobody knows that it is locked is not. */
function plus(bytes: number | null, locked: number | null): number | null {
  return bytes === null ? null : bytes + (locked ?? 0);
}

/** Medians over the ok samples of the memory pass; null when none tells what is held. */
export function footprintOf(samples: readonly OkSample[]): Footprint | null {
  return footprint(samples.map(ofSample), samples.map(atPeak));
}

function footprint(rest: readonly AtRest[], peaks: readonly (number | null)[]): Footprint | null {
  const held = rest.map(({ unreclaimable }) => unreclaimable);
  const unreclaimable = medianOfKnown(held);
  if (unreclaimable === null) return null;
  return {
    n: held.filter((value) => value !== null).length,
    unreclaimable,
    peakUnreclaimable: medianOfKnown(peaks),
    lockedCache: medianOfKnown(rest.map(({ lockedCache }) => lockedCache)),
    reclaimable: medianOfKnown(rest.map(({ reclaimable }) => reclaimable)),
  };
}

/** Of several processes: all that they hold together, the page cache once. Medians over the ok groups of the memory pass. */
export function footprintOfGroups(groups: readonly Group[]): Footprint | null {
  const memories = groups.flatMap(({ memory, pass, outcome }) =>
    memory === null || pass !== 'memory' || outcome !== 'ok' ? [] : [memory],
  );
  const rest = memories.map(({ baseline, firstToken, cachedBytes }) => restOf(baseline, firstToken, cachedBytes));
  return footprint(
    rest,
    memories.map(({ peakUnreclaimable }, index) => plus(peakUnreclaimable, rest[index]?.lockedCache ?? null)),
  );
}
