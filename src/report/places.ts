/** Where cells may be compared: one setting in one state of page cache and free memory, at one load. */
import type { Reason } from '../samples/record.js';
import type { CellSummary } from '../statistics/summary-types.js';

export type PlaceCells = readonly [CellSummary, ...CellSummary[]];

/** Cells by place, in the order of the summary. */
export function placesOf(cells: readonly CellSummary[]): readonly PlaceCells[] {
  const places = new Map<string, [CellSummary, ...CellSummary[]]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.setting, cell.memoryState, cell.state, cell.load]);
    const place = places.get(key);
    if (place === undefined) places.set(key, [cell]);
    else place.push(cell);
  }
  return [...places.values()];
}

/** Those that a section tells of: later loads stand in a curve. */
export function sectionPlacesOf(cells: readonly CellSummary[]): readonly PlaceCells[] {
  return placesOf(cells.filter(({ load }) => load === 1));
}

/** Whether it is compared by its first token: a loader that brings weights. */
export function isCompared({ arm }: CellSummary): boolean {
  return arm.kind === 'loader' && arm.work !== 'none';
}

/** Why no loader of a place could be weighed, where all samples of all of them have the same reason. */
export function unsupportedAlike(cells: PlaceCells): Reason | null {
  const loaders = cells.filter(isCompared);
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
