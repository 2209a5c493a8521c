/** A comparison of runs as CSV (RFC 4180): a row an arm, place and run, whether or not other runs have it. */
import type { ComparedCell, Comparison, MedianFigure, RunRatio } from '../src/report/compare.js';
import { csvText, type Cell } from './csv-text.js';

type Column = readonly [name: string, of: (cell: ComparedCell) => Cell];

function median(name: string, of: (cell: ComparedCell) => MedianFigure | null): readonly Column[] {
  return [
    [`${name}_median`, (cell) => of(cell)?.value ?? null],
    [`${name}_low`, (cell) => of(cell)?.low ?? null],
    [`${name}_high`, (cell) => of(cell)?.high ?? null],
    [`${name}_confidence`, (cell) => of(cell)?.confidence ?? null],
    [`${name}_samples`, (cell) => of(cell)?.n ?? null],
  ];
}

/** Of one machine, as measured, with the noise floor; of two, each side divided by its own ceiling. */
function ratios(metric: RunRatio['metric']): readonly Column[] {
  const own = ({ ratios: all }: ComparedCell): RunRatio | undefined =>
    all.find((each) => each.metric === metric && each.by === 'nothing');
  const normal = ({ ratios: all }: ComparedCell): RunRatio | undefined =>
    all.find((each) => each.metric === metric && each.by !== 'nothing');
  return [
    [`${metric}_ratio`, (cell) => own(cell)?.value ?? null],
    [`${metric}_ratio_base`, (cell) => own(cell)?.base ?? null],
    [`${metric}_noise_floor`, (cell) => own(cell)?.noiseFloor ?? null],
    ...(metric === 'ttft' || metric === 'complete'
      ? ([
          [`${metric}_ratio_by_ceiling`, (cell) => normal(cell)?.value ?? null],
          [`${metric}_ratio_by_ceiling_base`, (cell) => normal(cell)?.base ?? null],
          [`${metric}_ceiling`, (cell) => normal(cell)?.by ?? null],
        ] satisfies readonly Column[])
      : []),
  ];
}

const columns: readonly Column[] = [
  ['ok', ({ ok }) => ok],
  ['problem', ({ problem }) => problem],
  ...median('load_ns', ({ load }) => load),
  ...median('ttft_ns', ({ firstToken }) => firstToken),
  ...median('complete_ns', ({ complete }) => complete),
  ...median('wall_ns', ({ wall }) => wall),
  ...median('bytes_per_second', ({ bytesPerSecond }) => bytesPerSecond),
  ...median('decode_tokens_per_second', ({ decode }) => decode),
  ...median('ceiling_share', ({ ceilingShare }) => ceilingShare),
  ...ratios('ttft'),
  ...ratios('complete'),
  ...ratios('decode'),
  ...ratios('wall'),
  ['not_divided', ({ apart }) => apart],
  ['work', ({ work }) => work],
];

const PLACE = [
  'run',
  'fingerprint',
  'model',
  'model_digest',
  'setting',
  'state',
  'memory_state',
  'load',
  'kind',
  'arm',
];

export function compareCsv({ runs, machines, sections }: Comparison): string {
  const rows = sections.flatMap(({ place, load, digest, rows: arms }) =>
    arms.flatMap(({ label, kind, cells }) =>
      cells.flatMap((cell, index): readonly (readonly Cell[])[] => {
        const run = runs[index];
        if (cell === null || run === undefined) return [];
        const { model, setting, state, memoryState } = place;
        return [
          [
            ...[run.name, machines[run.machine]?.fingerprint ?? null, model, digest, setting, state, memoryState, load],
            ...[kind, label, ...columns.map(([, of]) => of(cell))],
          ],
        ];
      }),
    ),
  );
  return csvText([[...PLACE, ...columns.map(([name]) => name)], ...rows]);
}

/** A row a fact, a column a run. */
export function differencesCsv({ runs, differences }: Comparison): string {
  return csvText([
    ['what', ...runs.map(({ name }) => name)],
    ...differences.map(({ term, values }) => [term, ...values]),
  ]);
}
