/**
 * What the kernel counts for a memory control group, of version 1 (Documentation/admin-guide/cgroup-v1/memory.rst) and of
 * version 2 (cgroup-v2.rst). Groups below are counted in.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export type GroupVersion = 1 | 2;

/** Sizes in bytes. Null where this kernel does not tell. */
export interface GroupCounters {
  readonly limitBytes: number | 'unlimited' | null;
  /** What may be swapped beyond the limit; null where swap is not accounted for. */
  readonly swapAllowedBytes: number | 'unlimited' | null;
  readonly currentBytes: number | null;
  /** Highest charge since the group was made. Version 2: from Linux 5.19. */
  readonly peakBytes: number | null;
  /** How often the limit was reached, so that memory had to be taken back first. */
  readonly limitHits: number | null;
  /** Processes of the group that the kernel killed because the limit left nothing to take back. */
  readonly oomKills: number | null;
  readonly anonymousBytes: number | null;
  /** Page cache, tmpfs included. */
  readonly fileBytes: number | null;
  readonly kernelBytes: number | null;
  readonly swapBytes: number | null;
  readonly majorFaults: number | null;
  /** Pages of files that had been taken back and were read again. */
  readonly fileRefaults: number | null;
}

/** Text of one file of a group, or null where it has none. */
export type GroupFile = (name: string) => string | null;

/** Above every memory: how version 1 writes that there is no limit. */
const NO_LIMIT = 2 ** 62;

export function wholeNumber(text: string | null | undefined): number | null {
  return text !== null && text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : null;
}

/** The value in a line "key value". */
function field(text: string | null, key: string): number | null {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return wholeNumber(line?.slice(key.length + 1));
}

function limitFrom(text: string | null): number | 'unlimited' | null {
  if (text?.trim() === 'max') return 'unlimited';
  const bytes = wholeNumber(text);
  return bytes !== null && bytes >= NO_LIMIT ? 'unlimited' : bytes;
}

/** Of one group; `below` are the groups in it, whose kills version 1 counts apart. */
export function countersFrom(version: GroupVersion, file: GroupFile, below: readonly GroupFile[] = []): GroupCounters {
  return version === 1 ? countersOfVersion1(file, below) : countersOfVersion2(file);
}

function countersOfVersion1(file: GroupFile, below: readonly GroupFile[]): GroupCounters {
  const stat = file('memory.stat');
  const limitBytes = limitFrom(file('memory.limit_in_bytes'));
  const both = limitFrom(file('memory.memsw.limit_in_bytes'));
  const peakBytes = wholeNumber(file('memory.max_usage_in_bytes'));
  const kills = [file, ...below].map((one) => field(one('memory.oom_control'), 'oom_kill'));
  return {
    limitBytes,
    swapAllowedBytes: typeof both === 'number' && typeof limitBytes === 'number' ? both - limitBytes : both,
    currentBytes: wholeNumber(file('memory.usage_in_bytes')),
    peakBytes,
    limitHits: hitsOfVersion1(file, limitBytes, peakBytes),
    oomKills: kills.includes(null) ? null : kills.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    anonymousBytes: field(stat, 'total_rss'),
    fileBytes: field(stat, 'total_cache'),
    kernelBytes: wholeNumber(file('memory.kmem.usage_in_bytes')),
    swapBytes: field(stat, 'total_swap'),
    majorFaults: field(stat, 'total_pgmajfault'),
    fileRefaults: field(stat, 'total_workingset_refault_file'),
  };
}

/** Linux 6.18 keeps the files and counts nothing in them: a group that came up to its limit must have hit it. */
function hitsOfVersion1(file: GroupFile, limit: number | 'unlimited' | null, peak: number | null): number | null {
  // Where memory with swap has the same limit, that is the counter that is charged, and fails, first.
  const counts = [file('memory.failcnt'), file('memory.memsw.failcnt')].map(wholeNumber);
  const hits = Math.max(...counts.map((count) => count ?? -1));
  if (hits > 0) return hits;
  const reached = typeof limit === 'number' && peak !== null && peak > limit - HELD_BACK;
  return hits < 0 || reached ? null : 0;
}

/** Charges are made in batches: the limit is met where a batch does not fit. */
const HELD_BACK = 2 ** 20;

function countersOfVersion2(file: GroupFile): GroupCounters {
  const stat = file('memory.stat');
  const events = file('memory.events');
  return {
    limitBytes: limitFrom(file('memory.max')),
    swapAllowedBytes: limitFrom(file('memory.swap.max')),
    currentBytes: wholeNumber(file('memory.current')),
    peakBytes: wholeNumber(file('memory.peak')),
    limitHits: field(events, 'max'),
    oomKills: field(events, 'oom_kill'),
    anonymousBytes: field(stat, 'anon'),
    fileBytes: field(stat, 'file'),
    kernelBytes: field(stat, 'kernel'),
    swapBytes: wholeNumber(file('memory.swap.current')),
    majorFaults: field(stat, 'pgmajfault'),
    fileRefaults: field(stat, 'workingset_refault_file'),
  };
}

export function readCounters(version: GroupVersion, path: string): GroupCounters {
  const [own, ...below] = groupsUnder(path).map(
    (group): GroupFile =>
      (name) =>
        textOf(join(group, name)),
  );
  return countersFrom(version, own ?? (() => null), below);
}

/** The group and all groups below it, each after the one that holds it. */
export function groupsUnder(path: string): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [path, ...entries.flatMap((entry) => groupsUnder(join(path, entry.name)))];
  } catch {
    return [];
  }
}

export function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
