/** The claims about memory: half of it, one copy for several processes, no harm to others. */
import type { Group, Sample } from '../samples/record.js';
import { beside, boundsOf, boundsOfMedians, judged, verdictOf, type Asked, type Missing } from './claims-bounds.js';
import { PartView, ttftNs, type Place } from './claims-cells.js';
import { COPIES, MAP, firstTokens } from './claims-time.js';
import type { Bounds, ClaimResult, Claimed, Measure } from './claims-types.js';
import { footprintOf, footprintOfGroups } from './footprint.js';
import type { OkSample } from './pairs.js';
import { slopeOf } from './scaling.js';
import type { Footprint } from './summary-types.js';

const COLD: Place = { state: 'cold' };
/** Page tables and the header are no weights: a part in a hundred is not held against the claim. */
const HALF: Claimed = { bound: 'at-least', figure: 1.98, none: 1 };

type Of = (footprint: Footprint) => number | null;
const total: Of = ({ unreclaimable, reclaimable }) => (reclaimable === null ? null : unreclaimable + reclaimable);

const HELD: readonly (readonly [string, Of])[] = [
  ['unreclaimable at rest', ({ unreclaimable }) => unreclaimable],
  ['unreclaimable at peak', ({ peakUnreclaimable }) => peakUnreclaimable],
  ['reclaimable (page cache)', ({ reclaimable }) => reclaimable],
];

export function memoryClaim(memory: PartView | Missing): ClaimResult {
  const place = 'after the first token';
  const ratio = (copy: string, to: string, decides: boolean): Measure => {
    const asked = { what: `footprint, ${copy} ÷ ${to}`, place, unit: 'ratio' } as const;
    return judged(asked, memory instanceof PartView ? footprintRatio(memory, copy, to) : memory, HALF, decides);
  };
  const measures = [
    ...COPIES.map((copy) => ratio(copy, MAP, true)),
    ratio('stdio', 'direct', false),
    ...(memory instanceof PartView
      ? ['stdio', MAP, 'direct'].flatMap((label) =>
          HELD.map(([what, of]) =>
            beside(
              { what: `${what}, ${label}`, place, unit: 'bytes' },
              memory.bounds(boundsOf([...footprints(memory, label, of).values()]), [label], COLD),
            ),
          ),
        )
      : []),
  ];
  return {
    number: 2,
    id: 'memory',
    claim: 'It takes half the memory',
    asks: 'footprint of a copy ÷ that of the map at least 2 (within 1 %)',
    ...verdictOf(measures),
    measures,
    notes: [
      'A copy through the page cache is there twice: once that nobody else can have, once that the kernel may take back. A hard limit therefore needs about one model for either, not two.',
      'A map brings into the cache what was used of it; a copy has read all.',
      'Direct I/O leaves no second copy in the cache either: mapping is enough to halve the footprint, and not necessary.',
    ],
  };
}

/** By round of the memory pass. */
function footprints(view: PartView, label: string, of: Of): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const unit of view.units) {
    if (unit.pass !== 'memory' || unit.outcome !== 'ok') continue;
    if (view.ledger.run.arms[unit.arm.id]?.label !== label) continue;
    const footprint = footprintOf([unit]);
    const value = footprint === null ? null : of(footprint);
    if (value !== null) found.set(unit.round, value);
  }
  return found;
}

function footprintRatio(view: PartView, above: string, below: string): Bounds | Missing {
  const divisors = footprints(view, below, total);
  const ratios = [...footprints(view, above, total)].flatMap(([round, value]) => {
    const divisor = divisors.get(round);
    return divisor === undefined || divisor === 0 ? [] : [value / divisor];
  });
  return view.bounds(boundsOf(ratios), [above, below], COLD);
}

/** Of the model, for each further process. A whole one is no sharing. */
const SHARED: Claimed = { bound: 'at-most', figure: 0.1, none: 1 };

/** `copies`: of the loaders whose processes have each their own. */
export function sharingClaim(processes: PartView | Missing, copies: PartView | Missing): ClaimResult {
  const slope = (label: string, of: PartView | Missing, decides: boolean): Measure => {
    const asked = { what: `each further process, ${label}`, place: 'of the model', unit: 'share' } as const;
    return judged(asked, of instanceof PartView ? slopesOf(of, label) : of, SHARED, decides);
  };
  const measures = [
    slope(MAP, processes, true),
    slope('mmap-private', processes, false),
    slope('mmap-private-dirtied', copies, false),
    slope('stdio', copies, false),
  ];
  return {
    number: 3,
    id: 'sharing',
    claim: 'Several processes share one copy (MAP_SHARED)',
    asks: 'each further process takes at most 10 % of the model',
    ...verdictOf(measures),
    measures,
    notes: [
      'Sharing comes from mapping, not from MAP_SHARED: a private map that is only read shares the same pages, and one that is written to does not.',
      'The key-value cache and scratch memory of each process are kept out.',
    ],
  };
}

function slopesOf(view: PartView, label: string): Bounds | Missing {
  const rounds = new Map<number, { processes: number; total: number | null }[]>();
  const put = ({ round, arm }: Sample | Group, footprint: Footprint | null): void => {
    const of = view.ledger.run.arms[arm.id];
    if (of?.label !== label || footprint === null) return;
    rounds.set(round, [...(rounds.get(round) ?? []), { processes: of.processes, total: total(footprint) }]);
  };
  for (const sample of view.ledger.samples) {
    if (sample.group === null && sample.pass === 'memory' && sample.outcome === 'ok')
      put(sample, footprintOf([sample]));
  }
  for (const group of view.ledger.groups) put(group, footprintOfGroups([group]));
  const slopes = [...rounds.values()].map(slopeOf).filter((slope) => slope !== null);
  return view.bounds(boundsOf(slopes.map((slope) => slope / view.tensorBytes)), [label], { state: 'warm' });
}

const KEPT: Claimed = { bound: 'at-least', figure: 0.9, none: 0.9 };
const AS_WARM: Claimed = { bound: 'at-most', figure: 1.2, none: 1.2 };
const SECOND: Place = { state: 'left', load: 2 };
const UNDER = 'one limit';

export function harmClaim(harm: PartView | Missing, warm: PartView | Missing): ClaimResult {
  const told = (label: string, asked: Asked, of: Bounds | Missing, claimed: Claimed): Measure =>
    label === MAP ? judged(asked, of, claimed) : beside(asked, of);
  const kept = (label: string): Measure => {
    const asked = { what: `kept of the bystander's file, ${label}`, place: UNDER, unit: 'share' } as const;
    return told(label, asked, harm instanceof PartView ? keptShare(harm, label) : harm, KEPT);
  };
  const second = (label: string): Measure => {
    const asked = { what: `second load ÷ warm, ${label}`, place: UNDER, unit: 'ratio' } as const;
    return told(label, asked, secondLoad(label, harm, warm), AS_WARM);
  };
  const against = judged(
    { what: `second load, stdio ÷ ${MAP}`, place: UNDER, unit: 'ratio' },
    harm instanceof PartView ? harm.paired('stdio', MAP, SECOND, ttftNs) : harm,
    { bound: 'at-least', figure: 1, none: 1 },
    false,
  );
  const deciding = [kept(MAP), second(MAP)];
  const measures = [...deciding, kept('stdio'), second('stdio'), against];
  return {
    number: 4,
    id: 'harm',
    claim: 'Models twice as large are safe to load: the system is not hurt',
    asks: 'a bystander keeps at least 90 % of its cached file, and the second load takes at most 1.2 times a warm one',
    ...withContrast(verdictOf(deciding), against),
    measures,
    notes: [
      'Bystander and model lie under one limit, which has room for the file, the model once, and the runtime.',
      'Clean page cache can be taken back, so that a copy’s hard limit is about one model and not two: the harm is eviction, of the neighbour’s file or of its own.',
      'The warm loads are of another part: the two intervals are set against each other at their worst.',
    ],
  };
}

/** Short of the figures there is still a direction: whether a map does less harm than a copy. */
function withContrast(
  decision: Pick<ClaimResult, 'verdict' | 'why'>,
  against: Measure,
): Pick<ClaimResult, 'verdict' | 'why'> {
  if (decision.verdict !== 'refuted') return decision;
  if (against.verdict === 'reproduced') {
    return { verdict: 'direction only', why: `${decision.why}; its second load is faster than a copy's` };
  }
  if (against.verdict === 'refuted') {
    return { verdict: 'refuted', why: `${decision.why}; its second load is no faster than a copy's` };
  }
  return { verdict: 'undecided', why: `${decision.why}; against a copy: ${against.why}` };
}

/** Of the bystander's file, when the second load had ended. */
function keptShare(view: PartView, label: string): Bounds | Missing {
  const shares = view.timed(label, SECOND).flatMap((sample: OkSample) => {
    const cached = sample.effective['bystanderCachedBytes'];
    const bytes = view.ledger.run.arms[sample.arm.id]?.pressure?.bytes;
    return typeof cached !== 'number' || bytes === undefined ? [] : [cached / bytes];
  });
  return boundsOf(shares) ?? lacking(view, label);
}

function secondLoad(label: string, harm: PartView | Missing, warm: PartView | Missing): Bounds | Missing {
  if (!(harm instanceof PartView)) return harm;
  if (!(warm instanceof PartView)) return warm;
  const bounds = boundsOfMedians(firstTokens(harm, label, 2), firstTokens(warm, label, null));
  if (bounds !== null) return bounds;
  return firstTokens(harm, label, 2).length === 0 ? lacking(harm, label) : warm.missing([label], { state: 'warm' });
}

/** A load that failed has none after it: the first one says why. */
function lacking(view: PartView, label: string): Missing {
  return view.cell(label, SECOND) === null ? view.missing([label], COLD) : view.missing([label], SECOND);
}
