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

/** KV cache and scratch are in the baseline, so that the difference leaves them out. */
function atRest({ memory }: OkSample): number | null {
  if (memory === null || memory.firstToken === null) return null;
  return growth(held(memory.firstToken), held(memory.baseline));
}

function atPeak({ memory }: OkSample): number | null {
  return memory === null ? null : growth(memory.peak.unreclaimable, heldByRss(memory.baseline));
}

/** Medians over the ok samples of the memory pass; null when none tells what is held. */
export function footprintOf(samples: readonly OkSample[]): Footprint | null {
  const rest = samples.map(atRest);
  const unreclaimable = medianOfKnown(rest);
  if (unreclaimable === null) return null;
  return {
    n: rest.filter((value) => value !== null).length,
    unreclaimable,
    peakUnreclaimable: medianOfKnown(samples.map(atPeak)),
    reclaimable: medianOfKnown(samples.map(({ residency }) => residency.firstToken)),
  };
}

/** Of several processes: all that they hold together, the page cache once. Medians over the ok groups of the memory pass. */
export function footprintOfGroups(groups: readonly Group[]): Footprint | null {
  const memories = groups.flatMap(({ memory, pass, outcome }) =>
    memory === null || pass !== 'memory' || outcome !== 'ok' ? [] : [memory],
  );
  const rest = memories.map(({ baseline, firstToken }) => growth(held(firstToken), held(baseline)));
  const unreclaimable = medianOfKnown(rest);
  if (unreclaimable === null) return null;
  return {
    n: rest.filter((value) => value !== null).length,
    unreclaimable,
    peakUnreclaimable: medianOfKnown(memories.map(({ peakUnreclaimable }) => peakUnreclaimable)),
    reclaimable: medianOfKnown(memories.map(({ cachedBytes }) => cachedBytes)),
  };
}
