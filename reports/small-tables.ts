/** Tables that are no section: loads in a row, and what several processes cost. */
import type { Curve, ProcessRow, ProcessTable } from '../src/report/report.js';
import { padEnd, padStart, shorten, textWidth } from './text-layout.js';

export interface SmallTable {
  readonly kind: 'loads' | 'processes';
  readonly title: readonly string[];
  readonly lines: readonly string[];
  /** Of its columns, where not all their words are those of the other tables. */
  readonly legend: readonly (readonly [term: string, meaning: string])[];
}

interface Column {
  readonly heading: readonly [string, string];
  /** A cell a row. */
  readonly cells: readonly string[];
}

const GAP = '  ';
const none = '–';

/** First token by load, and in parentheses how many times the reference's at the same load. */
export function curveTable(
  { model, setting, memoryState, moment, first, loads, rows }: Curve,
  nameModel: boolean,
  width: number,
): SmallTable {
  const columns = loads.map((load, at): Column => ({
    heading: [`load ${load}`, load === 1 ? first : 'left'],
    cells: rows.map(({ points }) => {
      const { firstToken, toReference } = points[at] ?? { firstToken: null, toReference: null };
      if (firstToken === null) return none;
      return toReference === null ? firstToken.text : `${firstToken.text} (${toReference.text})`;
    }),
  }));
  const labels = rows.map(({ label, isReference }) => (isReference ? `${label} (reference)` : label));
  return {
    kind: 'loads',
    title: [
      ...headOf(model, setting, nameModel),
      'LOADS IN A ROW',
      `${moment} (÷ reference) by load`,
      `free memory ${memoryState}`,
    ],
    lines: tableLines('loader', labels, columns, width),
    legend: [
      [
        'load 2, 3 …',
        'the same load again at once, in a process of its own: it meets what the one before left in the page cache',
      ],
      ['(…)', `÷ the reference's ${moment} of the same load in the same block, median of these pairs`],
    ],
  };
}

/** A row a loader and count of processes. */
export function processTable(
  { model, setting, state, memoryState, moment, rows }: ProcessTable,
  nameModel: boolean,
  width: number,
): SmallTable {
  const column = (above: string, below: string, of: (row: ProcessRow) => string | null): Column => ({
    heading: [above, below],
    cells: rows.map((row) => of(row) ?? none),
  });
  const columns = [
    column('slowest', moment, ({ firstToken }) => firstToken),
    ...(moment === 'first token'
      ? [
          column('tokens/s', 'together', ({ decode }) => decode),
          column('tokens/s', 'slowest', ({ slowestDecode }) => slowestDecode),
        ]
      : []),
    column('unrecl.', 'memory', ({ unreclaimable }) => unreclaimable),
    column('with the', 'cache once', ({ total }) => total),
    column('really', 'shared', ({ shared }) => shared),
    column('each', 'more', ({ eachMore }) => eachMore ?? ''),
    column('of the', 'model', ({ eachMoreOfModel }) => eachMoreOfModel ?? ''),
  ];
  return {
    kind: 'processes',
    title: [...headOf(model, setting, nameModel), 'PROCESSES', state.toUpperCase(), `free memory ${memoryState}`],
    lines: tableLines(
      'loader',
      rows.map(({ label }) => label),
      columns,
      width,
    ),
    legend: [
      [moment, 'median, of the process that had it last'],
      ...(moment === 'first token'
        ? [['tokens/s', 'of decoding: the sum of what each process reached, and of the slowest one'] as const]
        : []),
      ['unrecl. memory', 'of all together, as above; KV caches left out'],
      ['with the cache', "that, and the model's pages in the page cache, counted once"],
      ['really shared', 'file pages that all of them map'],
      ['each more', 'what one more process adds to memory with the cache, from the rows of a loader together'],
      ['of the model', "that as a part of the model's tensor bytes"],
    ],
  };
}

function headOf(model: string, setting: string | null, nameModel: boolean): readonly string[] {
  return [...(nameModel ? [model] : []), ...(setting === null ? [] : [setting])];
}

/** The labels again for every table that the columns need; an empty cell stays so. */
function tableLines(
  heading: string,
  labels: readonly string[],
  columns: readonly Column[],
  width: number,
): readonly string[] {
  const longest = Math.max(...[heading, ...labels].map(textWidth));
  const label = Math.min(longest, Math.max(20, Math.floor(width / 3)));
  const tables: { readonly column: Column; readonly width: number }[][] = [];
  let left = 0;
  for (const column of columns) {
    const wide = Math.max(...[...column.heading, ...column.cells].map(textWidth));
    const table = tables.at(-1);
    if (table !== undefined && GAP.length + wide <= left) table.push({ column, width: wide });
    else {
      tables.push([{ column, width: wide }]);
      left = width - label;
    }
    left -= GAP.length + wide;
  }
  return tables.flatMap((table) => {
    const line = (text: string, of: (column: Column) => string): string =>
      padEnd(shorten(text, label), label) +
      table.map(({ column, width: wide }) => GAP + padStart(of(column), wide)).join('');
    return [
      '',
      line('', ({ heading: [above] }) => above),
      line(heading, ({ heading: [, below] }) => below),
      // A table of what only some rows have leaves the others out.
      ...labels.flatMap((text, row) =>
        table.every(({ column }) => column.cells[row] === '') ? [] : [line(text, ({ cells }) => cells[row] ?? none)],
      ),
    ];
  });
}
