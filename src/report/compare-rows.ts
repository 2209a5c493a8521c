/** Rows of a place: an arm, its figures in each run, and what of them may be divided by each other. */
import { describe } from '../failure.js';
import { median, medianInterval } from '../statistics/order.js';
import type { CellSummary, Description, PairedRatio } from '../statistics/summary-types.js';
import { workDifference, type PlacedCell, type SharedPlace } from './compare-cells.js';
import type { ComparedCell, ComparedRow, MedianFigure, RatioMetric, RunRatio } from './compare-types.js';
import { sentenceOf } from './foreign.js';
import { duration, gigabytes, percent, significant } from './format.js';

/** What a run is in a comparison. */
export interface Standing {
  readonly name: string;
  readonly fingerprint: string;
}

/** Relative noise of equals on the machine of a run, for medians of n samples; null where it was never measured. */
export type NoiseOf = (run: number, cell: PlacedCell, metric: RatioMetric, n: number) => number | null;

export interface RowsRequest {
  readonly place: SharedPlace;
  readonly runs: readonly Standing[];
  readonly noiseOf: NoiseOf;
}

export function rowsOf({ place, runs, noiseOf }: RowsRequest): readonly ComparedRow[] {
  const rows = new Map<string, PlacedCell[]>();
  for (const cell of place.cells) {
    const key = rowKey(cell, rows);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, [cell]);
    else row.push(cell);
  }
  const built = [...rows.values()].map((cells): ComparedRow => {
    const byRun = runs.map((_, run) => cells.find((each) => each.run === run) ?? null);
    const [first] = cells;
    if (first === undefined) throw new RangeError('a row without a cell');
    return {
      label: first.label,
      kind: kindOf(first),
      cells: byRun.map((cell) => (cell === null ? null : cellOf(cell, byRun, runs, noiseOf))),
    };
  });
  const rank = ({ kind }: ComparedRow): number => (['loader', 'command', 'limit'] as const).indexOf(kind);
  return built.toSorted((a, b) => rank(a) - rank(b));
}

/** A run has a label once in a place; were it there twice, each would be a row of its own. */
function rowKey({ run, label, cell }: PlacedCell, rows: ReadonlyMap<string, readonly PlacedCell[]>): string {
  for (let count = 1; ; count++) {
    const key = JSON.stringify([cell.arm.kind, label, count]);
    if (rows.get(key)?.some((each) => each.run === run) !== true) return key;
  }
}

function kindOf({ cell: { arm } }: PlacedCell): ComparedRow['kind'] {
  if (arm.kind === 'command') return 'command';
  return arm.kind === 'loader' && arm.work !== 'none' ? 'loader' : 'limit';
}

function medianFigure(found: Description | null | undefined, text: (value: number) => string): MedianFigure | null {
  if (found === null || found === undefined) return null;
  const { low, high, confidence } = medianInterval(found.values);
  return { value: found.median, n: found.n, low, high, confidence, text: text(found.median) };
}

function shareFigure(paired: PairedRatio | null): MedianFigure | null {
  if (paired === null) return null;
  const { median: value, pairs: n, low, high, confidence } = paired;
  return { value, n, low, high, confidence, text: percent(value) };
}

function cellOf(
  placed: PlacedCell,
  byRun: readonly (PlacedCell | null)[],
  runs: readonly Standing[],
  noiseOf: NoiseOf,
): ComparedCell {
  const { cell } = placed;
  const wall = medianFigure(cell.command?.wallNs, duration);
  const complete = medianFigure(cell.completeNs, duration);
  const hasFigure = wall !== null || complete !== null || cell.ttftNs !== null;
  return {
    work: placed.work,
    ok: cell.outcomes.ok,
    problem: hasFigure ? null : problemOf(cell),
    load: medianFigure(cell.loadNs, duration),
    firstToken: medianFigure(cell.ttftNs, duration),
    complete,
    wall,
    bytesPerSecond: medianFigure(cell.bytesPerSecond, gigabytes),
    decode: medianFigure(cell.decodeTokensPerSecond, significant),
    ceilingShare: shareFigure(cell.ceilingShare),
    ...ratiosOf(placed, byRun, runs, noiseOf),
  };
}

function problemOf({ reasons, outcomes }: CellSummary): string {
  const [first] = reasons;
  if (first === undefined) return 'no sample';
  const { outcome, reason } = first;
  const why = `${outcome}: ${describe({ ...reason, path: null, remedy: null })}`;
  return sentenceOf(outcomes.ok === 0 ? why : `no time (${why})`);
}

const COSTS: Readonly<Record<RatioMetric, (cell: CellSummary) => readonly number[]>> = {
  ttft: ({ ttftNs }) => ttftNs?.values ?? [],
  complete: ({ completeNs }) => completeNs?.values ?? [],
  // Turned round, so that more is slower as everywhere.
  decode: ({ decodeTokensPerSecond }) => (decodeTokensPerSecond?.values ?? []).map((rate) => 1 / rate),
  wall: ({ command }) => command?.wallNs?.values ?? [],
};

const METRICS = ['ttft', 'complete', 'decode', 'wall'] as const;

/**
 * By the first run on the same machine that did the same work, as measured; and by the first run of all where that is
 * another machine, each side divided by its own ceiling.
 */
function ratiosOf(
  placed: PlacedCell,
  byRun: readonly (PlacedCell | null)[],
  runs: readonly Standing[],
  noiseOf: NoiseOf,
): Pick<ComparedCell, 'ratios' | 'apart'> {
  // The harness brings nothing, so that it has no ratio.
  if (placed.cell.arm.work === 'none' || !hasTime(placed.cell)) return { ratios: [], apart: null };
  const fingerprint = runs[placed.run]?.fingerprint;
  const nameOf = ({ run }: PlacedCell): string => runs[run]?.name ?? '';
  const others = byRun.filter((other) => other !== null && other.run < placed.run && hasTime(other.cell));
  const neighbours = others.filter((other) => runs[other?.run ?? -1]?.fingerprint === fingerprint);
  const base = neighbours.find((other) => other?.work === placed.work) ?? null;
  const [first = null] = neighbours;
  const [foremost = null] = others;
  const elsewhere = foremost !== null && !neighbours.includes(foremost) ? foremost : null;
  const normalized = elsewhere === null ? [] : byCeilings(placed, elsewhere, nameOf(elsewhere));
  const apart = [
    base === null && first !== null ? `${workDifference(placed.cell.arm, first.cell.arm)} (${nameOf(first)})` : '',
    elsewhere !== null && normalized.length === 0 && kindOf(placed) === 'loader'
      ? `no ceiling of both machines (${nameOf(elsewhere)})`
      : '',
  ].filter((why) => why !== '');
  return {
    ratios: [
      ...(base === null
        ? []
        : METRICS.flatMap((metric) => {
            const ratio = ratioOf(COSTS[metric](placed.cell), COSTS[metric](base.cell));
            if (ratio === null) return [];
            const noiseFloor = noiseOf(placed.run, placed, metric, Math.min(ratio.n, ratio.baseN));
            return [{ base: nameOf(base), metric, by: 'nothing' as const, noiseFloor, ...ratio }];
          })),
      ...normalized,
    ],
    apart: apart.length === 0 ? null : sentenceOf(apart.join('; ')),
  };
}

function hasTime({ ttftNs, completeNs, command }: CellSummary): boolean {
  return ttftNs !== null || completeNs !== null || (command?.wallNs ?? null) !== null;
}

function byCeilings(placed: PlacedCell, other: PlacedCell, base: string): readonly RunRatio[] {
  const { limit } = placed;
  // A ceiling is what others are divided by.
  if (limit === null || limit !== other.limit || placed.cell.arm.kind === 'ceiling') return [];
  return (['ttft', 'complete'] as const).flatMap((metric) => {
    const ratio = ratioOf(placed.byCeiling[metric], other.byCeiling[metric]);
    return ratio === null ? [] : [{ base, metric, by: limit, noiseFloor: null, ...ratio }];
  });
}

function ratioOf(head: readonly number[], base: readonly number[]): Pick<RunRatio, 'value' | 'n' | 'baseN'> | null {
  if (head.length === 0 || base.length === 0) return null;
  const below = median(base);
  const value = median(head) / below;
  return below > 0 && value > 0 ? { value, n: head.length, baseN: base.length } : null;
}
