/** First, second, … load in a row: what a loader pays once, and what again at each load. */
import { chainedState } from '../plan/blocks.js';
import type { Plan } from '../samples/record.js';
import type { CellSummary, Summary } from '../statistics/summary-types.js';
import { figure, ratioFigure } from './figures.js';
import { duration, ratio } from './format.js';
import { labelOf, settingLabels } from './labels.js';
import { momentIn } from './moment.js';
import { isCompared, sectionPlacesOf, type PlaceCells } from './places.js';
import type { Curve, CurveRow } from './report-types.js';

/** A curve for each setting and memory state, where loads followed each other. */
export function curvesOf(summary: Summary, plan: Plan): readonly Curve[] {
  const loads = plan.loads ?? 1;
  if (loads === 1) return [];
  return sectionPlacesOf(summary.cells)
    .filter(([{ state }]) => state === chainedState(plan))
    .map((cells) => curveOf(summary, cells, loads));
}

function curveOf(summary: Summary, cells: PlaceCells, loads: number): Curve {
  const [{ setting, state, memoryState }] = cells;
  const { model, label } = settingLabels(summary, setting);
  return {
    ...{ model, setting: label, memoryState, moment: momentIn(cells), first: state },
    loads: Array.from({ length: loads }, (_, index) => index + 1),
    rows: cells.filter(isCompared).map((cell) => rowOf(summary, cell, loads)),
  };
}

function rowOf({ cells }: Summary, first: CellSummary, loads: number): CurveRow {
  const later = (load: number): CellSummary | undefined =>
    cells.find(
      ({ arm, state, memoryState, load: of }) =>
        arm.id === first.arm.id && state === 'left' && memoryState === first.memoryState && of === load,
    );
  const points = Array.from({ length: loads }, (_, index) => (index === 0 ? first : later(index + 1)));
  return {
    label: labelOf(first.arm),
    isReference: first.isReference,
    points: points.map((cell) => ({
      firstToken: figure(cell?.ttftNs ?? null, duration),
      toReference: ratioFigure(cell?.ratio?.ttft, ratio),
    })),
  };
}
