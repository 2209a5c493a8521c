/** What a recommendation is chosen from: one loader of each family that this machine and file support. */
import { describe } from '../failure.js';
import type { LoaderDefinition } from '../loader.js';
import type { Reason } from '../samples/record.js';
import { size } from '../report/format.js';
import { reserveOf } from '../statistics/recommendation.js';

interface Family {
  readonly what: string;
  /** In order of preference: the first that is there and supported stands for the family. */
  readonly wanted: readonly ((loader: LoaderDefinition) => boolean)[];
}

const named =
  (name: string): Family['wanted'][number] =>
  (loader) =>
    loader.name === name;

const several = ({ options }: LoaderDefinition): boolean =>
  options !== undefined && 'threads' in options && (options.threads ?? 1) > 1;

/** The first family has the reference. */
const FAMILIES: readonly Family[] = [
  { what: 'copying', wanted: [named('stdio'), named('read')] },
  { what: 'mapping', wanted: [named('mmap-shared')] },
  { what: 'mapping, populated', wanted: [named('mmap-shared-populate')] },
  { what: "llama.cpp's mapping", wanted: [named('llama-mmap')] },
  { what: 'direct', wanted: [named('direct')] },
  {
    what: 'many reads at once',
    wanted: [
      (loader) => loader.mechanism === 'uring' && loader.options.direct,
      (loader) => loader.mechanism === 'direct' && several(loader),
      (loader) => loader.mechanism === 'pread' && several(loader),
      (loader) => loader.mechanism === 'uring',
    ],
  },
  { what: 'hybrid', wanted: [named('hybrid')] },
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
  for (const { what, wanted } of FAMILIES) {
    const there = wanted.flatMap((is) => catalog.filter(is));
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
  if (loader.mechanism === 'mmap' || availableBytes === null) return null;
  const needed = processes * (tensorBytes + sessionBytes);
  if (needed <= availableBytes - reserveOf(availableBytes)) return null;
  const copies = processes === 1 ? 'a copy' : `${processes} copies`;
  return `${copies} of the model needs ${size(needed)}, ${size(availableBytes)} available`;
}
