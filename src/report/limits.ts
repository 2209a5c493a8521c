/** Limits as people read them: rows of text, for a table. */
import { describe, printable } from '../failure.js';
import type { Limit, LimitName } from '../samples/limit-types.js';
import { duration, significant } from './format.js';

export interface LimitLine {
  readonly name: string;
  /** With its unit; "–" where there is none. */
  readonly value: string;
  readonly threads: string;
  /** Page size and state of free memory, where they matter. */
  readonly state: string;
  readonly method: string;
}

const names: Readonly<Record<LimitName, string>> = {
  device: 'device',
  home: 'home',
  'buffered-cold': 'cold read',
  'buffered-warm': 'warm read',
  copy: 'copy from cache',
  'memory-read-mapping': 'read of mapping',
  'memory-read': 'memory read',
  'memory-write': 'memory write',
  'first-touch': 'first touch',
  'second-touch': 'second touch',
  'minor-fault': 'minor fault',
  'mmap-call': 'mmap call',
  'host-cache-ratio': 'host cache',
};

export function limitLines(limits: readonly Limit[]): readonly LimitLine[] {
  return limits.map(({ name, value, unit, threads, pageBytes, memoryState, method, reason }) => ({
    name: names[name],
    value: value === null ? '–' : valueText(value, unit),
    threads: String(threads),
    state: [pageBytes === null ? '' : pageBytes === 4096 ? '4 KiB' : '2 MiB', memoryState ?? '']
      .filter((text) => text !== '')
      .join(', '),
    method: reason === null ? printable(method) : 'not measured, see below',
  }));
}

/** Why limits have no value, and what would help: a line a reason. */
export function limitNotes(limits: readonly Limit[]): readonly string[] {
  const lines = limitLines(limits);
  const wanting = new Map<string, Set<string>>();
  for (const [index, { reason }] of limits.entries()) {
    const line = lines[index];
    if (reason === null || line === undefined) continue;
    const why = describe({ ...reason, path: null });
    wanting.set(
      why,
      (wanting.get(why) ?? new Set()).add([line.name, line.state].filter((text) => text !== '').join(', ')),
    );
  }
  return [...wanting].map(([why, rows]) => `not measured: ${[...rows].join('; ')}: ${why}.`);
}

function valueText(value: number, unit: Limit['unit']): string {
  switch (unit) {
    case 'bytes/s':
      return `${significant(value / 1e9)} GB/s`;
    case 'ns':
      return duration(value);
    case 'ratio':
      return `${significant(value)} ×`;
  }
}

/** What the names mean, for below a table. */
export const limitLegend: readonly (readonly [string, string])[] = [
  ['device', 'direct reads into at most 16 MiB of hot 2 MiB pages, the bytes forgotten'],
  ['home', 'the same reads into memory that was never touched, as a loader must fill it'],
  ['cold, warm read', 'read(2) through the page cache into one hot buffer of 1 MiB'],
  ['copy from cache', 'pread(2) of cached bytes into memory that was touched beforehand'],
  ['read of mapping', 'summing a mapped, cached file; memory read: summing 4 × the CPU’s cache'],
  ['first touch', 'writing a byte in each 4 KiB of fresh memory; second touch: once more'],
  ['minor fault', 'a fault, as getrusage(2) counts them, of touching a mapped, cached file'],
  ['host cache', 'speed of a second direct read ÷ the first: above 1 the host has a cache'],
];
