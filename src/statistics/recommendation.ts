/** Which loader to take, decided from what a run measured. Pure; says nothing that the pairs do not carry. */
import type { Arm, Ledger, MemoryPoints, MemoryState, State } from '../samples/record.js';
import { copiesIntoFreeMemory } from '../loader.js';
import { claimOf, pairsForClaim } from './claim.js';
import { median } from './order.js';
import type { CellSummary, Summary } from './summary-types.js';

export interface Circumstances {
  /** Processes that will hold the model at once. */
  readonly processes: number;
  /** Memory that could still be taken before the run; null where it could not be read. */
  readonly availableBytes: number | null;
}

/** Memory that all processes need together, at their peak. */
export interface Need {
  /** What the system cannot take back of what is available: weights that were copied, page tables, KV cache and scratch. */
  readonly unreclaimable: number;
  /** Huge pages of the reserved pool, which are not among what is available: nothing is held against that for them. */
  readonly pool: number;
  /** Of it, KV cache and scratch, which no loader changes. */
  readonly session: number;
  /** The model's page cache, once for all processes; 0 where the weights are a copy. It may be dropped and read again. */
  readonly shared: number;
  /** Whether the memory pass measured it; else it is reckoned from the size of the tensors. */
  readonly measured: boolean;
  /** Null where it is not known how much is available. */
  readonly fits: boolean | null;
  /** Whether the shared page cache fits beside it. */
  readonly sharedFits: boolean | null;
}

export interface Candidate {
  readonly arm: Arm;
  readonly label: string;
  readonly ttftNs: number;
  /** Paired first-token ratio to the reference, 1 for the reference itself; null without a pair. */
  readonly ratio: number | null;
  /** Interval at the confidence of all comparisons together, or the range of too few pairs; from 0 to null, unbounded, without any. */
  readonly low: number;
  readonly high: number | null;
  /** Of the reference: the fewest of the others. */
  readonly pairs: number;
  /** Whether low and high are an interval, and no mere range. */
  readonly interval: boolean;
  readonly need: Need;
}

/**
 * `proven`: the intervals of all others that fit lie above. `ahead`: their ranges do, with too few pairs for intervals.
 * `tied`: others overlap or are within 3 %. `guess`: so few pairs that even ranges say nothing. `alone`: nothing else fits.
 */
export type Confidence = 'proven' | 'ahead' | 'tied' | 'guess' | 'alone';

export interface PlaceChoice {
  readonly model: string;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** Null where nothing that was measured fits. */
  readonly choice: Candidate | null;
  /** The fastest of those that fit, where memory decided for another. */
  readonly fastest: Candidate | null;
  /** Whose difference in time to the fastest is not shown; the choice left out. */
  readonly tied: readonly Candidate[];
  /** The others that fit, fastest first, the choice left out. */
  readonly others: readonly Candidate[];
  readonly doNotFit: readonly Candidate[];
  readonly notMeasured: readonly { readonly label: string; readonly why: string }[];
  readonly confidence: Confidence;
  readonly pairs: number;
  /** Pairs with which intervals of all comparisons exist. */
  readonly pairsNeeded: number;
  readonly cost: Cost | null;
}

/** What the choice loses should another be better. */
export interface Cost {
  readonly runnerUp: string;
  /** First token of the runner-up ÷ that of the choice, of paired medians. */
  readonly ratio: number;
  /** The other that may be furthest ahead: the choice at the top of what is known of it, the other at the bottom. */
  readonly worstAgainst: string;
  /** What is then lost at each load of this model; 0 or less where the choice is ahead even then. Null for a guess. */
  readonly worstNs: number | null;
}

export interface Recommendation {
  readonly circumstances: Circumstances;
  /** Kept free. */
  readonly reserveBytes: number;
  readonly places: readonly PlaceChoice[];
  /** One loader for all places; null with one place only, or where none was measured and fits in all. */
  readonly overall: {
    readonly label: string;
    readonly arm: Arm;
    /** Its first token ÷ the fastest's, of paired medians, in the place where it is worst. */
    readonly worstRatio: number;
  } | null;
}

/** Ratios nearer than this are no reason to take more memory. */
const TIE = 1.03;
/** With fewer pairs a range tells nothing about the spread. */
const LEAST_FOR_RANGE = 3;
/** Memory kept free: a part of what is available, and at least so much. */
const RESERVE = { share: 0.05, bytes: 256 * 2 ** 20 } as const;
/** Less than this share of the tensors is no copied, and no mapped, part of them. */
const MAPPED = 0.05;
/** Memory needs within this factor and these bytes are alike. */
const ALIKE = { factor: 1.05, bytes: 16 * 2 ** 20 } as const;

export function reserveOf(availableBytes: number | null): number {
  return Math.max(RESERVE.bytes, Math.round((availableBytes ?? 0) * RESERVE.share));
}

/** All that nobody else can have meanwhile. */
export function heldOf({ unreclaimable, pool }: Need): number {
  return unreclaimable + pool;
}

export function recommend(summary: Summary, ledger: Ledger, circumstances: Circumstances): Recommendation {
  const groups = new Map<string, CellSummary[]>();
  for (const cell of summary.cells) {
    if (cell.arm.kind !== 'loader' || cell.arm.work === 'none' || cell.load !== 1) continue;
    const key = JSON.stringify([cell.setting, cell.memoryState, cell.state]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const needs = needsOf(summary, ledger, circumstances);
  const places = [...groups.values()].flatMap((cells) => placeChoice(cells, needs));
  return {
    circumstances,
    reserveBytes: reserveOf(circumstances.availableBytes),
    places,
    overall: overallOf(places),
  };
}

function placeChoice(cells: readonly CellSummary[], needs: ReadonlyMap<string, Need>): readonly PlaceChoice[] {
  const [first] = cells;
  if (first === undefined) return [];
  const comparisons = Math.max(1, cells.filter(({ ratio }) => ratio?.ttft).length);
  const candidates = candidatesOf(cells, needs, comparisons);
  const fitting = candidates.filter(({ need }) => need.fits !== false);
  const [fastest] = fitting;
  const alike = fastest === undefined ? [] : fitting.filter((each) => isTied(each, fastest));
  const choice = fastest === undefined ? null : leastMemory(alike);
  const others = fitting.filter((each) => each !== choice);
  return [
    {
      model: first.arm.model,
      state: first.state,
      memoryState: first.memoryState,
      choice,
      fastest: fastest === undefined || fastest === choice ? null : fastest,
      tied: alike.filter((each) => each !== choice),
      others,
      doNotFit: candidates.filter(({ need }) => need.fits === false),
      notMeasured: cells
        .filter(({ ttftNs }) => ttftNs === null)
        .map(({ arm, reasons }) => ({ label: arm.label, why: reasons[0]?.reason.message ?? 'it was not sampled' })),
      confidence: choice === null ? 'guess' : confidenceOf(choice, others, alike.length > 1),
      pairs: Math.min(...candidates.map(({ pairs }) => pairs), Infinity),
      pairsNeeded: pairsForClaim(comparisons),
      cost: choice === null ? null : costOf(choice, others, cells),
    },
  ].map((place) => ({ ...place, pairs: Number.isFinite(place.pairs) ? place.pairs : 0 }));
}

/** With a first token, fastest first; by medians where no block holds a pair. */
function candidatesOf(
  cells: readonly CellSummary[],
  needs: ReadonlyMap<string, Need>,
  comparisons: number,
): readonly Candidate[] {
  const counts = cells.map(({ ratio }) => ratio?.ttft?.pairs).filter((pairs) => pairs !== undefined);
  const paired = counts.length > 0;
  return cells
    .flatMap((cell): readonly Candidate[] => {
      const need = needs.get(cell.arm.id);
      if (cell.ttftNs === null || need === undefined) return [];
      const common = { arm: cell.arm, label: cell.arm.label, ttftNs: cell.ttftNs.median, need };
      if (cell.isReference) {
        const ratio = paired ? 1 : null;
        return [{ ...common, ratio, low: 1, high: 1, pairs: paired ? Math.min(...counts) : 0, interval: true }];
      }
      const ttft = cell.ratio?.ttft ?? null;
      if (ttft === null) return [{ ...common, ratio: null, low: 0, high: null, pairs: 0, interval: false }];
      const claim = claimOf(ttft.values, comparisons);
      const { low, high } = claim.kind === 'too-few' ? rangeOf(ttft.values) : claim.interval;
      return [{ ...common, ratio: ttft.median, low, high, pairs: ttft.pairs, interval: claim.kind !== 'too-few' }];
    })
    .sort((a, b) => (paired ? (a.ratio ?? Infinity) - (b.ratio ?? Infinity) : 0) || a.ttftNs - b.ttftNs);
}

function rangeOf(values: readonly number[]): { readonly low: number; readonly high: number } {
  return { low: Math.min(...values), high: Math.max(...values) };
}

function isTied(each: Candidate, fastest: Candidate): boolean {
  if (each === fastest) return true;
  if (each.ratio === null || fastest.ratio === null) return false;
  return each.ratio / fastest.ratio <= TIE || each.low <= (fastest.high ?? Infinity);
}

/** The fastest of those whose need is that of the least. */
function leastMemory(alike: readonly Candidate[]): Candidate | null {
  const least = Math.min(...alike.map(({ need }) => heldOf(need)));
  return (
    alike.find(({ need }) => heldOf(need) <= Math.max(least * ALIKE.factor, least + ALIKE.bytes)) ?? alike[0] ?? null
  );
}

function confidenceOf(choice: Candidate, others: readonly Candidate[], tied: boolean): Confidence {
  if (others.length === 0) return 'alone';
  if (isGuess([choice, ...others])) return 'guess';
  if (tied) return 'tied';
  return [choice, ...others].every(({ interval }) => interval) ? 'proven' : 'ahead';
}

function isGuess(candidates: readonly Candidate[]): boolean {
  return candidates.some(({ pairs }) => pairs < LEAST_FOR_RANGE);
}

function costOf(choice: Candidate, others: readonly Candidate[], cells: readonly CellSummary[]): Cost | null {
  const [runnerUp] = others;
  const reference = cells.find(({ isReference }) => isReference)?.ttftNs?.median;
  if (runnerUp === undefined || runnerUp.ratio === null || choice.ratio === null || reference === undefined)
    return null;
  const paired = others.filter((each) => each.ratio !== null);
  const ahead = paired.toSorted((a, b) => a.low - b.low)[0] ?? runnerUp;
  return {
    runnerUp: runnerUp.label,
    ratio: runnerUp.ratio / choice.ratio,
    worstAgainst: ahead.label,
    worstNs: choice.high === null || isGuess([choice, ...others]) ? null : (choice.high - ahead.low) * reference,
  };
}

/** The loader whose worst place is the best. Only one that was measured and fits in every place can be it. */
function overallOf(places: readonly PlaceChoice[]): Recommendation['overall'] {
  if (places.length < 2) return null;
  const inPlace = places.map(({ choice, others }) => {
    const all = [...(choice === null ? [] : [choice]), ...others].filter(({ ratio }) => ratio !== null);
    const best = Math.min(...all.map(({ ratio }) => ratio ?? Infinity));
    return new Map(all.map((each) => [each.arm.id, { each, regret: (each.ratio ?? Infinity) / best }]));
  });
  const [first, ...rest] = inPlace;
  const everywhere = [...(first ?? [])].flatMap(([id, { each, regret }]) => {
    const elsewhere = rest.map((place) => place.get(id)?.regret);
    const known = elsewhere.filter((value) => value !== undefined);
    return known.length === rest.length ? [{ each, worstRatio: Math.max(regret, ...known) }] : [];
  });
  const best = Math.min(...everywhere.map(({ worstRatio }) => worstRatio));
  const alike = everywhere
    .filter(({ worstRatio }) => worstRatio <= best * TIE)
    .sort((a, b) => a.worstRatio - b.worstRatio);
  const choice = leastMemory(alike.map(({ each }) => each));
  const chosen = alike.find(({ each }) => each === choice);
  return chosen === undefined
    ? null
    : { label: chosen.each.label, arm: chosen.each.arm, worstRatio: chosen.worstRatio };
}

/** By arm: the largest of all places, since the processes may start in any of them. */
function needsOf(
  { cells, models }: Summary,
  { samples }: Ledger,
  { processes, availableBytes }: Circumstances,
): ReadonlyMap<string, Need> {
  const held = samples.flatMap((sample) =>
    sample.outcome === 'ok' && sample.memory !== null
      ? [{ arm: sample.arm.id, bytes: sample.memory.kvCacheBytes + sample.memory.scratchBytes }]
      : [],
  );
  const pools = samples.flatMap((sample) =>
    sample.outcome === 'ok' && sample.pass === 'memory' ? [{ arm: sample.arm.id, bytes: pooledOf(sample.memory) }] : [],
  );
  const needs = new Map<string, Need>();
  for (const id of new Set(cells.map(({ arm }) => arm.id))) {
    const own = cells.filter(({ arm }) => arm.id === id);
    const arm = own[0]?.arm;
    const tensorBytes = models[arm?.model ?? '']?.tensorBytes;
    if (arm === undefined || tensorBytes === undefined) continue;
    const sessions = held.filter((each) => each.arm === id).map(({ bytes }) => bytes);
    const footprints = own.map(({ footprint }) => footprint).filter((footprint) => footprint !== null);
    const all =
      footprints.length > 0
        ? // Of locked page cache all processes have the same, which is reckoned below.
          Math.max(
            ...footprints.map((of) => Math.max(of.unreclaimable, of.peakUnreclaimable ?? 0) - (of.lockedCache ?? 0)),
          )
        : copiesIntoFreeMemory(arm)
          ? tensorBytes
          : 0;
    const pooled = Math.max(
      ...pools.filter((of) => of.arm === id).map(({ bytes }) => bytes),
      footprints.length === 0 && arm.options['arena'] === 'hugetlb' ? tensorBytes : 0,
    );
    const each = Math.max(0, all - pooled);
    const session = processes * (sessions.length === 0 ? 0 : median(sessions));
    // What is not a copy is mapped, once for all processes; locked, it is as good as taken.
    const copied = each + pooled;
    const mapped = copied < MAPPED * tensorBytes ? tensorBytes : tensorBytes - copied;
    const cached = mapped < MAPPED * tensorBytes ? 0 : mapped;
    const locked = arm.options['lock'] === undefined ? 0 : cached;
    const unreclaimable = processes * each + session + locked;
    const shared = cached - locked;
    const room = availableBytes === null ? null : availableBytes - reserveOf(availableBytes);
    needs.set(id, {
      unreclaimable,
      pool: processes * pooled,
      session,
      shared,
      measured: footprints.length > 0,
      fits: room === null ? null : unreclaimable <= room,
      sharedFits: room === null ? null : unreclaimable + shared <= room,
    });
  }
  return needs;
}

/** Growth of what a sample holds of the reserved pool of huge pages. */
function pooledOf(memory: MemoryPoints | null): number {
  if (memory === null) return 0;
  const now = (memory.firstToken ?? memory.end).hugetlb ?? 0;
  return Math.max(0, now - (memory.baseline.hugetlb ?? 0));
}
