/** What holding a model costs the system, from the samples of the memory pass. */
import type { Memory } from '../samples/record.js';
import { median } from './order.js';
import type { OkSample } from './pairs.js';
import type { Footprint } from './summary-types.js';

/** What only swap or the end of the process can take back, shared pages divided among their users (smaps_rollup). */
function held(memory: Memory): number | null {
  return sum([memory.pssAnonymous, memory.pssShmem, memory.hugetlb, memory.swap]);
}

function sum(parts: readonly (number | null)[]): number | null {
  return parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);
}

/** What `now` has more than `before`; memory that something else gave back meanwhile is no negative cost. */
function growth(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : Math.max(0, now - before);
}

/**
 * KV cache and scratch are in the baseline, so that the difference leaves them out. At rest means after the first
 * token: a lazy loader has paid by then for what inference needs.
 */
function atRest({ memory }: OkSample): number | null {
  const now = memory?.firstToken ?? memory?.loaded ?? null;
  if (memory === null || now === null) return null;
  return sum([growth(held(now), held(memory.baseline)), growth(now.pageTables, memory.baseline.pageTables)]);
}

function atPeak({ memory }: OkSample): number | null {
  if (memory === null) return null;
  const { anonymous, shmem, hugetlb, swap, pageTables } = memory.baseline;
  return growth(memory.peak.unreclaimable, sum([anonymous, shmem, hugetlb, swap, pageTables]));
}

function medianOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
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
    reclaimable: medianOfKnown(samples.map(({ residency }) => residency.firstToken ?? residency.after)),
  };
}
