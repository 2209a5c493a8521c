/** What holding the model costs, part by part, of the one sample of the memory pass that is in the middle. */
import type { Group, Ledger, Memory, SummedMemory } from '../samples/record.js';
import { lockedCacheOf } from '../statistics/footprint.js';
import type { OkSample } from '../statistics/pairs.js';
import { middleWords, sizeUnit, type PlaceView, type Seen } from './chart-view.js';
import { limitPlaces } from './chart-limits.js';
import { percent, size } from './format.js';
import type { Datum, Drawn } from './page-types.js';

/** From what only the end of the process gives back to what the system may drop at once; what no loader is to blame for last. */
const PARTS = [
  ['anonymous', 'anonymous'],
  ['huge', 'huge-page pool'],
  ['shared', 'shared memory'],
  ['swap', 'swapped out'],
  ['tables', 'page tables'],
  ['locked', 'page cache, locked'],
  ['cache', 'page cache (reclaimable)'],
  ['kv', 'KV cache and scratch'],
] as const;

type Part = (typeof PARTS)[number][0];
type Parts = Readonly<Record<Part, number>>;

/** Those that stay taken as long as the model is held. */
const UNRECLAIMABLE: readonly Part[] = ['anonymous', 'huge', 'shared', 'swap', 'tables', 'locked'];

interface Weighed {
  readonly seen: Seen;
  readonly parts: Parts;
  readonly n: number;
}

export function memoryChart(view: PlaceView, ledger: Ledger): Drawn | null {
  const rows = view.loaders.flatMap((seen) => weighedOf(seen, ledger) ?? []);
  if (rows.length === 0) return null;
  const most = Math.max(view.tensorBytes, ...rows.map(({ parts }) => sumOf(parts)));
  const { unit, bytes } = sizeUnit(most);
  const [place] = limitPlaces([view.tensorBytes / most]);
  const model = `model ${size(view.tensorBytes)}`;
  return {
    kind: 'memory',
    unit,
    title: view.title,
    note: `After the ${view.moment}, beyond what the process held before it loaded; of each loader ${middleWords(
      rows.map(({ n }) => n),
    )} of the memory pass. The line is the model: ${size(view.tensorBytes)} of tensors.`,
    places: [view.place],
    data: [
      ...rows.flatMap((row, order) => dataOf(row, order, bytes, view.tensorBytes)),
      {
        ...{ part: 'limit', loader: null, order: -1, value: view.tensorBytes / bytes, ...place },
        ...{ label: model, brief: model, tip: `The model: ${size(view.tensorBytes)} of tensors` },
      },
    ],
    table: {
      head: ['Loader', ...PARTS.map(([, name]) => name), 'Unreclaimable', 'Highest unreclaimable'],
      rows: rows.map(({ seen, parts }) => [
        seen.label,
        ...PARTS.map(([part]) => size(parts[part])),
        size(unreclaimableOf(parts)),
        seen.cell.footprint?.peakUnreclaimable == null ? '–' : size(seen.cell.footprint.peakUnreclaimable),
      ]),
    },
  };
}

function unreclaimableOf(parts: Parts): number {
  return UNRECLAIMABLE.reduce((sum, part) => sum + parts[part], 0);
}

function sumOf(parts: Parts): number {
  return PARTS.reduce((sum, [part]) => sum + parts[part], 0);
}

interface Moments {
  readonly before: Memory | SummedMemory;
  readonly after: Memory | SummedMemory;
  readonly cached: number | null;
  readonly kv: number;
}

/** Null where a part of it could not be read. */
function partsOf({ before, after, cached, kv }: Moments): Parts | null {
  const grown = (key: 'pssAnonymous' | 'pssShmem' | 'hugetlb' | 'swap' | 'pageTables'): number | null => {
    const [now, then] = [after[key], before[key]];
    return now === null || then === null ? null : Math.max(0, now - then);
  };
  const [anonymous, shared, huge] = [grown('pssAnonymous'), grown('pssShmem'), grown('hugetlb')];
  const [swap, tables] = [grown('swap'), grown('pageTables')];
  if (anonymous === null || shared === null || huge === null || swap === null || tables === null || cached === null) {
    return null;
  }
  const locked = lockedCacheOf(before, after, cached) ?? 0;
  return { anonymous, huge, shared, swap, tables, locked, cache: cached - locked, kv };
}

function ofSample({ memory, residency }: OkSample): Parts | null {
  if (memory === null || memory.firstToken === null) return null;
  const { baseline, firstToken, kvCacheBytes, scratchBytes } = memory;
  const kv = kvCacheBytes + scratchBytes;
  return partsOf({ before: baseline, after: firstToken, cached: residency.firstToken, kv });
}

function ofGroup({ memory }: Group): Parts | null {
  if (memory === null) return null;
  const { baseline, firstToken, cachedBytes, kvCacheBytes, scratchBytes } = memory;
  const kv = kvCacheBytes + scratchBytes;
  return partsOf({ before: baseline, after: firstToken, cached: cachedBytes, kv });
}

function weighedOf(seen: Seen, { groups }: Ledger): Weighed | null {
  const { arm, state, memoryState, load } = seen.cell;
  const known =
    arm.processes === 1
      ? seen.weighed.flatMap((sample) => ofSample(sample) ?? [])
      : groups.flatMap((group) =>
          group.pass === 'memory' &&
          group.outcome === 'ok' &&
          group.arm.id === arm.id &&
          group.state === state &&
          group.memoryState === memoryState &&
          group.load === load
            ? (ofGroup(group) ?? [])
            : [],
        );
  const sorted = known.toSorted((a, b) => unreclaimableOf(a) - unreclaimableOf(b));
  const parts = sorted[(sorted.length - 1) >> 1];
  return parts === undefined ? null : { seen, parts, n: known.length };
}

function dataOf({ seen, parts }: Weighed, order: number, bytes: number, tensorBytes: number): readonly Datum[] {
  const { label, look } = seen;
  const held = unreclaimableOf(parts);
  const share = tensorBytes === 0 ? '' : ` (${percent(held / tensorBytes)} of the model)`;
  return [
    ...PARTS.map(([part, name], index) => ({
      ...{ part: 'phase', loader: look.name, order, phase: name, stack: index, value: parts[part] / bytes },
      tip: `${label}\n${name}: ${size(parts[part])}\nUnreclaimable in all: ${size(held)}${share}`,
    })),
    {
      ...{ part: 'row', loader: look.name, order, value: sumOf(parts) / bytes, tip: label },
      ...{ note: `${size(held)} unreclaimable`, short: size(held) },
    },
  ];
}
