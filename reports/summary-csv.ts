/** The summary as CSV (RFC 4180), a row a cell, units in the names of columns. Cells that a spreadsheet would run are escaped. */
import type { CellSummary, Description, PairedRatio, Summary } from '../src/statistics/summary-types.js';
import { csvText, type Cell } from './csv-text.js';

type Column = readonly [name: string, of: (cell: CellSummary) => Cell];

function described(name: string, of: (cell: CellSummary) => Description | null): readonly Column[] {
  return [
    [`${name}_median`, (cell) => of(cell)?.median ?? null],
    [`${name}_min`, (cell) => of(cell)?.min ?? null],
    [`${name}_max`, (cell) => of(cell)?.max ?? null],
    [`${name}_samples`, (cell) => of(cell)?.n ?? null],
  ];
}

function paired(name: string, of: (cell: CellSummary) => PairedRatio | null | undefined): readonly Column[] {
  return [
    [`${name}_median`, (cell) => of(cell)?.median ?? null],
    [`${name}_low`, (cell) => of(cell)?.low ?? null],
    [`${name}_high`, (cell) => of(cell)?.high ?? null],
    [`${name}_spread`, (cell) => of(cell)?.spread ?? null],
    [`${name}_confidence`, (cell) => of(cell)?.confidence ?? null],
    [`${name}_pairs`, (cell) => of(cell)?.pairs ?? null],
    [`${name}_values`, (cell) => of(cell)?.values.join(' ') ?? null],
  ];
}

const columns: readonly Column[] = [
  ['model', ({ arm }) => arm.model],
  ['loader', ({ arm }) => arm.loader],
  ['arm_label', ({ arm }) => arm.label],
  ['arm_id', ({ arm }) => arm.id],
  ['kind', ({ arm }) => arm.kind],
  ['origin', ({ arm }) => arm.origin],
  ['is_reference', ({ isReference }) => String(isReference)],
  ['setting', ({ setting }) => setting],
  ['threads', ({ arm }) => arm.threads],
  ['load_threads', ({ arm }) => arm.loadThreads],
  ['processes', ({ arm }) => arm.processes],
  ['memory_limit_bytes', ({ arm }) => arm.memoryLimit],
  ['context', ({ arm }) => arm.context],
  [
    'pressure',
    ({ arm }) => (arm.pressure === null ? null : `${arm.pressure.kind} ${arm.pressure.path ?? arm.pressure.bytes}`),
  ],
  ['numa_node', ({ arm }) => arm.numa],
  ['isa', ({ arm }) => arm.isa],
  ['work', ({ arm }) => arm.work],
  ['state', ({ state }) => state],
  ['memory_state', ({ memoryState }) => memoryState],
  ['load', ({ load }) => load],
  ['ok', ({ outcomes }) => outcomes.ok],
  ['unsupported', ({ outcomes }) => outcomes.unsupported],
  ['invalid', ({ outcomes }) => outcomes.invalid],
  ['mismatch', ({ outcomes }) => outcomes.mismatch],
  ['failed', ({ outcomes }) => outcomes.failed],
  [
    'reasons',
    ({ reasons }) => reasons.map(({ outcome, reason, count }) => `${count} × ${outcome}: ${reason.code}`).join('; '),
  ],
  ['disturbed', ({ noise }) => noise.disturbed],
  ['disturbed_by', ({ noise }) => noise.by.map(({ flag, samples }) => `${flag} ${samples}`).join('; ')],
  ...described('load_ns', ({ loadNs }) => loadNs),
  ...described('ttft_ns', ({ ttftNs }) => ttftNs),
  ...described('complete_ns', ({ completeNs }) => completeNs),
  ...described('bytes_per_second', ({ bytesPerSecond }) => bytesPerSecond),
  ...described('debt_ns', ({ debtNs }) => debtNs),
  ...described('unexplained_debt_ns', ({ unexplainedDebtNs }) => unexplainedDebtNs),
  ['binding', ({ binding }) => binding?.name ?? null],
  ['binding_share', ({ binding }) => binding?.share ?? null],
  ['limits_ns', ({ binding }) => binding?.limits.map(({ name, ns }) => `${name} ${Math.round(ns)}`).join('; ') ?? null],
  ...described('prefill_tokens_per_second', ({ prefillTokensPerSecond }) => prefillTokensPerSecond),
  ...described('decode_tokens_per_second', ({ decodeTokensPerSecond }) => decodeTokensPerSecond),
  ['unreclaimable_bytes', ({ footprint }) => footprint?.unreclaimable ?? null],
  ['peak_unreclaimable_bytes', ({ footprint }) => footprint?.peakUnreclaimable ?? null],
  ['locked_cache_bytes', ({ footprint }) => footprint?.lockedCache ?? null],
  ['reclaimable_bytes', ({ footprint }) => footprint?.reclaimable ?? null],
  ['footprint_samples', ({ footprint }) => footprint?.n ?? null],
  ...paired('ceiling_share', ({ ceilingShare }) => ceilingShare),
  ...paired('load_ratio', ({ ratio }) => ratio?.load),
  ...paired('ttft_ratio', ({ ratio }) => ratio?.ttft),
  ...paired('complete_ratio', ({ ratio }) => ratio?.complete),
  ...described('exec_to_token_ns', ({ execToTokenNs }) => execToTokenNs),
  ['command_output', ({ arm }) => arm.command?.output ?? null],
  ...described('command_wall_ns', ({ command }) => command?.wallNs ?? null),
  ...described('command_first_byte_ns', ({ command }) => command?.firstByteNs ?? null),
  ...described('command_user_ns', ({ command }) => command?.userNs ?? null),
  ...described('command_system_ns', ({ command }) => command?.systemNs ?? null),
  ...described('command_minor_faults', ({ command }) => command?.minorFaults ?? null),
  ...described('command_major_faults', ({ command }) => command?.majorFaults ?? null),
  ...described('command_read_bytes', ({ command }) => command?.readBytes ?? null),
  ...described('command_peak_rss_bytes', ({ command }) => command?.peakRss ?? null),
  ...described('command_peak_pss_bytes', ({ command }) => command?.peakPss ?? null),
  ...described('command_tokens_per_second', ({ command }) => command?.tokensPerSecond ?? null),
  ...paired('command_wall_ratio', ({ command }) => command?.wallRatio),
  ...paired('command_first_byte_ratio', ({ command }) => command?.firstByteRatio),
  ['warnings', ({ warnings }) => warnings.join('; ')],
];

/** Columns of inference, which have nothing in them where weights were touched instead. */
const OF_INFERENCE = /^(context|isa|debt|unexplained_debt|prefill_tokens|decode_tokens|exec_to_token)(_|$)/;

/** Where weights were touched times are to another moment, and their columns are called by it. */
function columnsFor(cells: Summary['cells']): readonly Column[] {
  if (!cells.some(({ arm }) => arm.work === 'touch')) return columns;
  return columns
    .filter(([name]) => !OF_INFERENCE.test(name))
    .map(([name, of]) => [name.replace(/^ttft_/, 'last_needed_byte_'), of]);
}

/** A row at a time, since a ratio has as many values as pairs. */
export function* summaryCsvChunks({ cells }: Summary): Generator<string, void, void> {
  const shown = columnsFor(cells);
  yield csvText([shown.map(([name]) => name)]);
  for (const cell of cells) yield csvText([shown.map(([, of]) => of(cell))]);
}

export function summaryCsv(summary: Summary): string {
  return [...summaryCsvChunks(summary)].join('');
}
