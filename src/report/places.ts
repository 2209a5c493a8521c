/** Where cells may be compared: one model in one state of page cache and free memory. */
import type { Reason } from '../samples/record.js';
import type { CellSummary } from '../statistics/summary-types.js';

export type PlaceCells = readonly [CellSummary, ...CellSummary[]];

/** Cells by place, in the order of the summary. */
export function placesOf(cells: readonly CellSummary[]): readonly PlaceCells[] {
  const places = new Map<string, [CellSummary, ...CellSummary[]]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.arm.model, cell.memoryState, cell.state]);
    const place = places.get(key);
    if (place === undefined) places.set(key, [cell]);
    else place.push(cell);
  }
  return [...places.values()];
}

/** Why no loader of a place could be weighed, where all samples of all of them have the same reason. */
export function unsupportedAlike(cells: PlaceCells): Reason | null {
  const loaders = cells.filter(({ arm }) => arm.kind === 'loader' && arm.work !== 'none');
  const first = loaders[0]?.reasons[0]?.reason;
  const alike = loaders.every(
    ({ reasons, outcomes }) =>
      outcomes.ok === 0 &&
      reasons.length === 1 &&
      reasons.every(
        ({ outcome, reason }) =>
          outcome === 'unsupported' && reason.code === first?.code && reason.message === first.message,
      ),
  );
  return alike ? (first ?? null) : null;
}
