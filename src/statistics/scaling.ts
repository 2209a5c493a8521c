/** What one more process costs. */
import type { Setting } from '../samples/record.js';
import { median } from './order.js';
import type { CellSummary, ProcessScaling } from './summary-types.js';

export function scalingOf(cells: readonly CellSummary[], settings: readonly Setting[]): readonly ProcessScaling[] {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const families = new Map<string, CellSummary[]>();
  for (const cell of cells) {
    const setting = byKey.get(cell.setting);
    if (setting === undefined || cell.arm.kind !== 'loader' || cell.arm.work !== 'infer' || cell.load !== 1) continue;
    const alike = { ...setting, key: null, processes: null };
    const key = JSON.stringify([alike, cell.arm.label, cell.state, cell.memoryState]);
    families.set(key, [...(families.get(key) ?? []), cell]);
  }
  return [...families.values()].flatMap((family) => {
    const ordered = family.toSorted((a, b) => a.arm.processes - b.arm.processes);
    const [first] = ordered;
    return first === undefined || ordered.length < 2 ? [] : [scalingOfOne(first, ordered)];
  });
}

function scalingOfOne(
  { setting, arm, state, memoryState }: CellSummary,
  cells: readonly CellSummary[],
): ProcessScaling {
  const points = cells.map(({ arm: { processes }, footprint, decodeTokensPerSecond, ttftNs }) => ({
    processes,
    unreclaimable: footprint?.unreclaimable ?? null,
    total:
      footprint === null || footprint.reclaimable === null ? null : footprint.unreclaimable + footprint.reclaimable,
    decodeTokensPerSecond: decodeTokensPerSecond?.median ?? null,
    firstTokenNs: ttftNs?.median ?? null,
  }));
  return {
    ...{ setting, loader: arm.loader, label: arm.label, state, memoryState, points },
    bytesPerProcess: slopeOf(points),
  };
}

/** Theil and Sen: the median of the slopes between all pairs of points, which one odd point does not bend. */
function slopeOf(points: ProcessScaling['points']): number | null {
  const known = points.flatMap(({ processes, total }) => (total === null ? [] : [{ processes, total }]));
  const slopes = known.flatMap((a, index) =>
    known.slice(index + 1).map((b) => (b.total - a.total) / (b.processes - a.processes)),
  );
  return slopes.length === 0 ? null : median(slopes);
}
