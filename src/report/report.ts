/** From a summary to what people read: sections, rows, one answer a section, and notes. */
import { toldOnce } from './reasons.js';
import { describe } from '../failure.js';
import type { Arm, Ledger, ModelRecord, State } from '../samples/record.js';
import type { Binding, CellSummary, Summary } from '../statistics/summary-types.js';
import { answerOf } from './answer.js';
import { commandTableOf } from './commands.js';
import { countsOf } from './counts.js';
import { nameOf, sentenceOf } from './foreign.js';
import { duration, gigabytes, percent, ratio, significant, size } from './format.js';
import { memoryCondition } from './free-memory.js';
import { machineLine, noteGroups, notesOf } from './notes.js';
import { curvesOf } from './curves.js';
import { isCompared, sectionPlacesOf, unsupportedAlike, type PlaceCells } from './places.js';
import { processTablesOf } from './process-tables.js';
import { figure, ratioFigure } from './figures.js';
import { labelOf, modelLabel, settingLabels } from './labels.js';
import { momentIn, type Moment } from './moment.js';
import type { CommandTable, Figure, Report, Row, Section } from './report-types.js';

export type * from './report-types.js';

/** `groups`: of the same ledger, which takes a while of a long one. */
export function report(summary: Summary, ledger: Ledger, groups = noteGroups(summary, ledger)): Report {
  return {
    title: nameOf(`${summary.tool} · ${summary.startedAt.replace(/:\d\d(\.\d+)?Z$/, ' UTC').replace('T', ' ')}`),
    machine: machineLine(ledger.run.machine),
    models: ledger.run.plan.models.flatMap((id) => {
      const model = summary.models[id];
      const label = model === undefined ? '' : modelLabel(model, Object.values(summary.models));
      return model === undefined ? [] : [{ id, label, detail: modelDetail(model) }];
    }),
    sections: sectionPlacesOf(summary.cells).map((cells) => sectionOf(summary, ledger, cells)),
    curves: curvesOf(summary, ledger.run.plan),
    processes: processTablesOf(summary),
    notes: notesOf(summary, groups),
  };
}

function modelDetail({ name, tensorBytes, parts, fileSystem, device }: ModelRecord): string {
  const facts = [
    name ?? '',
    `${size(tensorBytes)} of tensors`,
    parts.length > 1 ? `${parts.length} parts` : '',
    device === '' ? fileSystem : `${fileSystem} on ${device}`,
  ];
  return sentenceOf(
    facts
      .filter((fact) => fact !== '')
      .map(nameOf)
      .join(' · '),
  );
}

const stateMeaning: Readonly<Record<State, string>> = {
  cold: 'nothing of the model in the page cache',
  warm: 'all of the model in the page cache',
  left: 'page cache as the load before left it',
};

function sectionOf(summary: Summary, ledger: Ledger, cells: PlaceCells): Section {
  const [{ setting, state, memoryState }] = cells;
  const { model, label } = settingLabels(summary, setting);
  const loaders = cells.filter(isCompared);
  const harness = cells.find((cell) => cell.arm.work === 'none');
  const bounds = cells.filter((cell) => cell.arm.kind === 'bound');
  const home = cells.find((cell) => isHome(cell.arm));
  const ceiling = cells.find((cell) => cell.arm.kind === 'ceiling' && !isHome(cell.arm));
  const rows = loaders.map(rowOf);
  const moment = momentIn(cells);
  const commands = commandTableOf(cells, problemsOf);
  const refusal = unsupportedAlike(cells);
  const unsupported = refusal === null ? null : sentenceOf(describe({ ...refusal, path: null, remedy: null }));
  return {
    model,
    setting: label,
    state,
    memoryState,
    conditions: `${stateMeaning[state]} · ${memoryCondition(memoryState, ledger)}`,
    moment,
    unsupported,
    answer: answerText(rows, moment, commands, unsupported),
    counts: countsOf(rows),
    reference: rows.find(({ isReference }) => isReference)?.label ?? null,
    rows,
    harness: harness === undefined ? null : rowOf(harness),
    bounds: bounds.map(rowOf),
    ceiling: ceiling === undefined ? null : rowOf(ceiling),
    home: home === undefined ? null : rowOf(home),
    commands,
  };
}

function answerText(
  rows: readonly Row[],
  moment: Moment,
  commands: CommandTable | null,
  unsupported: string | null,
): string {
  if (unsupported !== null) return `Nothing can be weighed here: ${unsupported}.`;
  return rows.length === 0 && commands !== null
    ? 'No loader was weighed here, commands alone.'
    : answerOf(rows, moment);
}

function isHome({ kind, loader }: Arm): boolean {
  return kind === 'ceiling' && loader === 'home';
}

function rowOf(cell: CellSummary): Row {
  const { arm, footprint } = cell;
  const held = (value: number | null | undefined): Figure | null =>
    arm.work === 'none' || footprint === null || value === null || value === undefined
      ? null
      : { value, n: footprint.n, low: null, high: null, rangeText: null, text: size(value) };
  return {
    label: labelOf(cell.arm),
    isReference: cell.isReference,
    outcomes: cell.outcomes,
    load: figure(cell.loadNs, duration),
    firstToken: figure(cell.ttftNs, duration),
    complete: figure(arm.work === 'none' ? null : cell.completeNs, duration),
    bytesPerSecond: figure(cell.bytesPerSecond, gigabytes),
    ceilingShare: ratioFigure(cell.ceilingShare, percent),
    boundBy: boundBy(cell.binding),
    debt: figure(cell.debtNs, signedDuration),
    unexplainedDebt: figure(cell.unexplainedDebtNs, signedDuration),
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

function boundBy(binding: Binding | null): string | null {
  if (binding === null) return null;
  return binding.share === null ? binding.name : `${binding.name} ${percent(binding.share)}`;
}

/** A debt may be below 0: where the first token was faster than a decode step. */
function signedDuration(ns: number): string {
  return ns < 0 ? `−${duration(-ns)}` : duration(ns);
}

/** In short: path and remedy are in the notes. */
function problemsOf({ outcomes, reasons }: CellSummary): readonly string[] {
  const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return toldOnce(reasons).map(({ outcome, reason, count }) => {
    const why = sentenceOf(describe({ ...reason, path: null, remedy: null }));
    return outcome === 'unsupported' && outcomes.unsupported === total
      ? `unsupported: ${why}`
      : `${count} × ${outcome}: ${why}`;
  });
}
