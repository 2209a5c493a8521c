/** From a summary to what people read: sections, rows, one answer a section, and notes. */
import { printable, describe } from '../failure.js';
import type { Ledger, MemoryState, ModelRecord, State } from '../samples/record.js';
import type { CellSummary, Description, PairedRatio, Summary } from '../statistics/summary-types.js';
import { answerOf, countsOf } from './answer.js';
import { duration, gigabytes, percent, ratio, significant, size } from './format.js';
import { machineLine, notesOf } from './notes.js';
import type { Figure, RatioFigure, Report, Row, Section } from './report-types.js';

export type * from './report-types.js';

export function report(summary: Summary, ledger: Ledger): Report {
  return {
    title: printable(`${summary.tool} · ${summary.startedAt.replace(/:\d\d(\.\d+)?Z$/, ' UTC').replace('T', ' ')}`),
    machine: machineLine(ledger.run.machine),
    models: ledger.run.plan.models.flatMap((id) => {
      const model = summary.models[id];
      return model === undefined ? [] : [{ id, label: modelLabel(model), detail: modelDetail(model) }];
    }),
    sections: placesOf(summary.cells).map((cells) => sectionOf(summary, cells)),
    notes: notesOf(summary, ledger),
  };
}

function modelLabel(model: ModelRecord): string {
  return printable(model.path.split('/').at(-1) ?? model.path);
}

function modelDetail({ name, tensorBytes, parts, fileSystem, device }: ModelRecord): string {
  const facts = [
    name ?? '',
    `${size(tensorBytes)} of tensors`,
    parts.length > 1 ? `${parts.length} parts` : '',
    device === '' ? fileSystem : `${fileSystem} on ${device}`,
  ];
  return printable(facts.filter((fact) => fact !== '').join(' · '));
}

/** Cells grouped by what may be compared, in the order of the summary. */
function placesOf(cells: readonly CellSummary[]): readonly (readonly [CellSummary, ...CellSummary[]])[] {
  const places = new Map<string, [CellSummary, ...CellSummary[]]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.arm.model, cell.memoryState, cell.state]);
    const place = places.get(key);
    if (place === undefined) places.set(key, [cell]);
    else place.push(cell);
  }
  return [...places.values()];
}

const stateMeaning: Readonly<Record<State, string>> = {
  cold: 'nothing of the model in the page cache',
  warm: 'all of the model in the page cache',
  left: 'page cache as the load before left it',
};

const memoryStateMeaning: Readonly<Record<MemoryState, string>> = {
  backed: 'free memory backed',
  returned: 'free memory returned to the host',
  'as-is': 'free memory as it was',
};

function sectionOf(summary: Summary, cells: readonly [CellSummary, ...CellSummary[]]): Section {
  const [{ arm, state, memoryState }] = cells;
  const model = summary.models[arm.model];
  const loaders = cells.filter((cell) => cell.arm.kind === 'loader' && cell.arm.work !== 'none');
  const harness = cells.find((cell) => cell.arm.work === 'none');
  const ceiling = cells.find((cell) => cell.arm.kind === 'ceiling');
  const rows = loaders.map(rowOf);
  return {
    model: model === undefined ? printable(arm.model) : modelLabel(model),
    state,
    memoryState,
    conditions: `${stateMeaning[state]} · ${memoryStateMeaning[memoryState]}`,
    answer: answerOf(rows),
    counts: countsOf(rows),
    reference: rows.find(({ isReference }) => isReference)?.label ?? null,
    rows,
    harness: harness === undefined ? null : rowOf(harness),
    ceiling: ceiling === undefined ? null : rowOf(ceiling),
  };
}

function rowOf(cell: CellSummary): Row {
  const { arm, footprint } = cell;
  const held = (value: number | null | undefined): Figure | null =>
    arm.work === 'none' || footprint === null || value === null || value === undefined
      ? null
      : { value, n: footprint.n, low: null, high: null, text: size(value) };
  return {
    label: labelOf(cell),
    isReference: cell.isReference,
    load: figure(cell.loadNs, duration),
    firstToken: figure(cell.ttftNs, duration),
    complete: figure(arm.work === 'none' ? null : cell.completeNs, duration),
    bytesPerSecond: figure(cell.bytesPerSecond, gigabytes),
    ceilingShare: ratioFigure(cell.ceilingShare, percent),
    unreclaimable: held(footprint?.unreclaimable),
    peakUnreclaimable: held(footprint?.peakUnreclaimable),
    reclaimable: held(footprint?.reclaimable),
    prefill: figure(cell.prefillTokensPerSecond, significant),
    decode: figure(cell.decodeTokensPerSecond, significant),
    toReference: {
      load: ratioFigure(cell.ratio?.load, ratio),
      firstToken: ratioFigure(cell.ratio?.ttft, ratio),
      complete: ratioFigure(cell.ratio?.complete, ratio),
    },
    problems: problemsOf(cell),
  };
}

function labelOf({ arm }: CellSummary): string {
  const label = printable(arm.label);
  if (arm.kind === 'ceiling') return label.includes('ceiling') ? label : `${label} ceiling`;
  return arm.work === 'none' ? `${label} (harness)` : label;
}

function figure(description: Description | null, text: (value: number) => string): Figure | null {
  if (description === null) return null;
  const { median, n, min, max } = description;
  return { value: median, n, low: min, high: max, text: text(median) };
}

function ratioFigure(paired: PairedRatio | null | undefined, text: (value: number) => string): RatioFigure | null {
  if (paired === null || paired === undefined) return null;
  const { median, pairs, low, high, spread, confidence } = paired;
  const spreadText = pairs === 1 ? '1 pair' : `${text(low)}–${text(high)}`;
  return { value: median, pairs, low, high, spread, confidence, text: text(median), spreadText };
}

/** In short: path and remedy are in the notes. */
function problemsOf({ outcomes, reasons }: CellSummary): readonly string[] {
  const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return reasons.map(({ outcome, reason, count }) => {
    const why = describe({ ...reason, path: null, remedy: null });
    return outcome === 'unsupported' && outcomes.unsupported === total
      ? `unsupported: ${why}`
      : `${count} × ${outcome}: ${why}`;
  });
}
