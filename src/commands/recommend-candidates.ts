/** What a recommendation is chosen from: one loader of each family that this machine and file support. */
import { describe } from '../failure.js';
import { copiesIntoFreeMemory, type LoaderDefinition } from '../loader.js';
import type { Reason } from '../samples/record.js';
import { size } from '../report/format.js';
import { reserveOf } from '../statistics/recommendation.js';

interface Family {
  readonly what: string;
  /** In order of preference: the first that is there and supported stands for the family. */
  readonly names: readonly string[];
}

/** The first family has the reference. */
const FAMILIES: readonly Family[] = [
  { what: 'copying', names: ['stdio', 'read'] },
  { what: 'mapping', names: ['mmap-shared'] },
  { what: 'mapping, populated', names: ['mmap-shared-populate'] },
  { what: "llama.cpp's mapping", names: ['llama-mmap'] },
  { what: 'mapping, populated ahead', names: ['mmap-shared-hugepage-populate-read-pipelined'] },
  { what: 'direct', names: ['direct'] },
  {
    what: 'many reads at once',
    names: [
      ...['uring-direct-thp-prefault-pipelined', 'uring-direct'],
      ...['direct-parallel-thp-prefault-pipelined', 'direct-parallel'],
      ...['pread-parallel-pipelined', 'pread-parallel'],
    ],
  },
  { what: 'hybrid', names: ['hybrid'] },
];

export interface Room {
  readonly processes: number;
  readonly availableBytes: number | null;
  /** Of all tensors: what a copy takes. */
  readonly tensorBytes: number;
  /** KV cache and scratch of one process. */
  readonly sessionBytes: number;
}

export interface Candidates {
  readonly loaders: readonly LoaderDefinition[];
  /** A sentence for each family that is not weighed. */
  readonly leftOut: readonly string[];
}

/** Loaders that would copy more than there is room for are not even tried: the system might end something for it. */
export function candidatesFrom(
  catalog: readonly LoaderDefinition[],
  unsupported: (loader: LoaderDefinition) => Reason | null,
  room: Room,
): Candidates {
  const loaders: LoaderDefinition[] = [];
  const leftOut: string[] = [];
  for (const { what, names } of FAMILIES) {
    const there = names.flatMap((name) => catalog.filter((loader) => loader.name === name));
    const reasons = there.map((loader) => ({ loader, why: refusalOf(loader, unsupported, room) }));
    const chosen = reasons.find(({ why }) => why === null);
    if (chosen !== undefined) loaders.push(chosen.loader);
    const [first] = reasons;
    if (first === undefined) leftOut.push(`Not weighed: ${what}; this version has no such loader.`);
    else if (chosen === undefined) leftOut.push(`Not weighed: ${first.loader.name} (${what}); ${first.why ?? ''}.`);
  }
  return { loaders, leftOut };
}

function refusalOf(
  loader: LoaderDefinition,
  unsupported: (loader: LoaderDefinition) => Reason | null,
  { processes, availableBytes, tensorBytes, sessionBytes }: Room,
): string | null {
  const reason = unsupported(loader);
  if (reason !== null) return `unsupported here: ${describe({ ...reason, path: null })}`;
  if (!copiesIntoFreeMemory(loader) || availableBytes === null) return null;
  const needed = processes * (tensorBytes + sessionBytes);
  if (needed <= availableBytes - reserveOf(availableBytes)) return null;
  const copies = processes === 1 ? 'a copy of the model needs' : `${processes} copies of the model need`;
  return `${copies} ${size(needed)}, ${size(availableBytes)} available`;
}
