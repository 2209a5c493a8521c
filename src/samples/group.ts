/** What the processes of one group come to together. */
import { CERTIFYING_SHARE } from './judge.js';
import type { Group, GroupMemory, Measurement, Memory, Outcome, Reason, Sample, SummedMemory } from './record.js';

/** Where the group stands in its run. */
export type GroupPlace = Pick<
  Group,
  'id' | 'round' | 'block' | 'position' | 'attempt' | 'pass' | 'startedAt' | 'arm' | 'state' | 'memoryState' | 'load'
>;

/** Worst last. What no process can have, none has: it outranks what another try may cure. */
const BADNESS: readonly Outcome[] = ['ok', 'invalid', 'unsupported', 'mismatch', 'failed'];

/** Of a group that never ran. */
export function refusedGroup(
  place: GroupPlace,
  processes: number,
  refusal: { readonly outcome: Outcome; readonly reason: Reason },
): Group {
  return {
    ...{ kind: 'group', ...place, processes, ...refusal },
    ...{ ttftNs: null, completeNs: null, startSpreadNs: null, tokensPerSecond: null, memory: null },
  };
}

/** `cause`: the process for whose end the others were ended, if there was one. `startsNs`: CLOCK_MONOTONIC of each start. */
export function groupOf(
  place: GroupPlace,
  samples: readonly Sample[],
  cause: number | null,
  startsNs: readonly number[],
): Group {
  const worst = worstOf(samples, cause);
  const refused = worst === null ? notColdTogether(place, samples) : null;
  const outcome = worst?.outcome ?? refused?.outcome ?? 'ok';
  const reason = worst?.reason ?? refused?.reason ?? null;
  if (reason !== null && samples.some(({ phases }) => phases === null)) {
    return refusedGroup(place, samples.length, { outcome, reason });
  }
  const slowest = (of: (sample: Sample) => number | null): number | null => all(samples.map(of), Math.max);
  return {
    kind: 'group',
    ...place,
    processes: samples.length,
    outcome,
    reason,
    ttftNs: slowest(({ ttftNs }) => ttftNs),
    completeNs: slowest(({ completeNs }) => completeNs),
    startSpreadNs: startsNs.length < samples.length ? null : Math.max(...startsNs) - Math.min(...startsNs),
    tokensPerSecond: speedOf(samples),
    memory: memoryOf(samples),
  };
}

function worstOf(samples: readonly Sample[], cause: number | null): Sample | null {
  const badness = ({ outcome }: Sample): number => BADNESS.indexOf(outcome);
  const caused = cause === null ? undefined : samples[cause];
  const [worst] = samples.toSorted((a, b) => badness(b) - badness(a));
  const named = caused ?? worst;
  return named === undefined || named.outcome === 'ok' ? null : named;
}

/** Where residency may not be known, cold is certified by bytes read; each process may have read only its part of them. */
function notColdTogether(
  { state }: GroupPlace,
  samples: readonly Sample[],
): { readonly outcome: 'invalid'; readonly reason: Reason } | null {
  const [first] = samples;
  if (state !== 'cold' || first?.residency?.before !== null || (first.bytesNeeded ?? 0) === 0) return null;
  const issued = sum(samples.map(({ effective }) => numberOf(effective?.['issuedBytes'])));
  const needed = first.bytesNeeded ?? 0;
  if (issued !== null && issued >= CERTIFYING_SHARE * needed) return null;
  const told =
    issued === null
      ? '/proc/self/io cannot be read here, so the state cannot be certified by bytes read'
      : `the processes read only ${issued} bytes from storage of ${needed} needed`;
  const code = issued === null ? 'not-certified' : 'not-cold';
  return {
    outcome: 'invalid',
    reason: { code, operation: 'sample', path: null, errno: null, message: told, remedy: null },
  };
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function speedOf(samples: readonly Sample[]): Group['tokensPerSecond'] {
  if (samples.every(({ tokensPerSecond }) => tokensPerSecond === null)) return null;
  const decode = samples.map(({ tokensPerSecond }) => tokensPerSecond?.decode ?? null);
  return {
    prefill: sum(samples.map(({ tokensPerSecond }) => tokensPerSecond?.prefill ?? null)),
    decode: sum(decode),
    slowestDecode: all(decode, Math.min),
  };
}

const summed = {
  pss: ({ pss }) => pss,
  pssAnonymous: ({ pssAnonymous }) => pssAnonymous,
  pssShmem: ({ pssShmem }) => pssShmem,
  pssFile: ({ pssFile }) => pssFile,
  hugetlb: ({ hugetlb }) => hugetlb,
  swap: ({ swap }) => swap,
  pageTables: ({ pageTables }) => pageTables,
  rssFile: ({ file }) => file,
  locked: ({ locked }) => locked,
} as const satisfies Readonly<Record<keyof SummedMemory, (memory: Memory) => number | null>>;

function sumsOf(memories: readonly Memory[]): SummedMemory {
  const entries = Object.entries(summed).map(([name, of]) => [name, sum(memories.map(of))] as const);
  return Object.fromEntries(entries) as SummedMemory;
}

function memoryOf(samples: readonly Sample[]): GroupMemory | null {
  const each = samples.flatMap(({ memory, residency }) =>
    memory === null || memory.firstToken === null ? [] : [{ memory, token: memory.firstToken, residency }],
  );
  const [first] = each;
  if (first === undefined || each.length < samples.length) return null;
  const baseline = sumsOf(each.map(({ memory }) => memory.baseline));
  const firstToken = sumsOf(each.map(({ token }) => token));
  return {
    baseline,
    firstToken,
    peakUnreclaimable: sum(each.map(({ memory }) => peakGrowth(memory))),
    kvCacheBytes: each.reduce((total, { memory }) => total + memory.kvCacheBytes, 0),
    scratchBytes: each.reduce((total, { memory }) => total + memory.scratchBytes, 0),
    cachedBytes: first.residency?.firstToken ?? null,
    sharedBytes: sharedOf(baseline, firstToken, each.length),
  };
}

/** From Rss, as the peak is. */
function peakGrowth({ peak, baseline }: NonNullable<Measurement['memory']>): number | null {
  const { anonymous, shmem, hugetlb, swap, pageTables } = baseline;
  const before = sum([anonymous, shmem, hugetlb, swap, pageTables]);
  return peak.unreclaimable === null || before === null ? null : Math.max(0, peak.unreclaimable - before);
}

/** Of N users, each page adds N times its size to the Rss of all and once to their Pss. */
function sharedOf(before: SummedMemory, now: SummedMemory, processes: number): number | null {
  const rss = difference(now.rssFile, before.rssFile);
  const pss = difference(now.pssFile, before.pssFile);
  if (rss === null || pss === null) return null;
  return Math.max(0, Math.round((rss - pss) / (processes - 1)));
}

function difference(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : now - before;
}

/** Null where one of them is. */
function sum(values: readonly (number | null)[]): number | null {
  return all(values, (...known) => known.reduce((total, value) => total + value, 0));
}

function all(values: readonly (number | null)[], of: (...known: number[]) => number): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length || known.length === 0 ? null : of(...known);
}
