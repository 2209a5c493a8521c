/** What one more process costs. */
import { usesWeights } from '../plan/arms.js';
import type { Group, Setting } from '../samples/record.js';
import { median, medianOfKnown } from './order.js';
import type { CellSummary, ProcessScaling } from './summary-types.js';

/** `groupsOf` gives the groups of a cell. */
export function scalingOf(
  cells: readonly CellSummary[],
  settings: readonly Setting[],
  groupsOf: (cell: CellSummary) => readonly Group[],
): readonly ProcessScaling[] {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const families = new Map<string, CellSummary[]>();
  for (const cell of cells) {
    const setting = byKey.get(cell.setting);
    if (setting === undefined || cell.arm.kind !== 'loader' || !usesWeights(cell.arm) || cell.load !== 1) continue;
    const alike = { ...setting, key: null, processes: null };
    const key = JSON.stringify([alike, cell.arm.label, cell.state, cell.memoryState]);
    families.set(key, [...(families.get(key) ?? []), cell]);
  }
  return [...families.values()].flatMap((family) => {
    const ordered = family.toSorted((a, b) => a.arm.processes - b.arm.processes);
    const [first] = ordered;
    return first === undefined || ordered.length < 2 ? [] : [scalingOfOne(first, ordered, groupsOf)];
  });
}

function scalingOfOne(
  { setting, arm, state, memoryState }: CellSummary,
  cells: readonly CellSummary[],
  groupsOf: (cell: CellSummary) => readonly Group[],
): ProcessScaling {
  const points = cells.map((cell) => pointOf(cell, groupsOf(cell)));
  return {
    ...{ setting, loader: arm.loader, label: arm.label, state, memoryState, points },
    bytesPerProcess: slopeOf(points),
  };
}

function pointOf(cell: CellSummary, groups: readonly Group[]): ProcessScaling['points'][number] {
  const { arm, footprint, decodeTokensPerSecond, ttftNs } = cell;
  const ok = groups.filter(({ outcome }) => outcome === 'ok');
  const timed = ok.filter(({ pass }) => pass === 'time');
  const reclaimable = footprint?.reclaimable ?? null;
  const decode = decodeTokensPerSecond?.median ?? null;
  return {
    processes: arm.processes,
    unreclaimable: footprint?.unreclaimable ?? null,
    total: footprint === null || reclaimable === null ? null : footprint.unreclaimable + reclaimable,
    shared: medianOfKnown(ok.map(({ memory }) => memory?.sharedBytes ?? null)),
    decodeTokensPerSecond: decode,
    slowestDecodeTokensPerSecond:
      arm.processes === 1 ? decode : medianOfKnown(timed.map(({ tokensPerSecond: of }) => of?.slowestDecode ?? null)),
    firstTokenNs: ttftNs?.median ?? null,
  };
}

/** Theil and Sen: the median of the slopes between all pairs of points, which one odd point does not bend. */
export function slopeOf(
  points: readonly Pick<ProcessScaling['points'][number], 'processes' | 'total'>[],
): number | null {
  const known = points.flatMap(({ processes, total }) => (total === null ? [] : [{ processes, total }]));
  const slopes = known.flatMap((a, index) =>
    known.slice(index + 1).map((b) => (b.total - a.total) / (b.processes - a.processes)),
  );
  return slopes.length === 0 ? null : median(slopes);
}
