/** Tables that are no section: loads in a row, and what several processes cost. */
import type { Curve, ProcessRow, ProcessTable } from '../src/report/report.js';
import { padEnd, padStart, shorten, textWidth } from './text-layout.js';

export interface SmallTable {
  readonly title: readonly string[];
  readonly lines: readonly string[];
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
  { model, setting, memoryState, first, loads, rows }: Curve,
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
    title: [
      ...headOf(model, setting, nameModel),
      'LOADS IN A ROW',
      'first token (÷ reference) by load',
      `free memory ${memoryState}`,
    ],
    lines: tableLines('loader', labels, columns, width),
  };
}

/** A row a loader and count of processes. */
export function processTable(
  { model, setting, state, memoryState, rows }: ProcessTable,
  nameModel: boolean,
  width: number,
): SmallTable {
  const column = (above: string, below: string, of: (row: ProcessRow) => string | null): Column => ({
    heading: [above, below],
    cells: rows.map((row) => of(row) ?? none),
  });
  const columns = [
    column('slowest', 'first token', ({ firstToken }) => firstToken),
    column('tokens/s', 'together', ({ decode }) => decode),
    column('tokens/s', 'slowest', ({ slowestDecode }) => slowestDecode),
    column('unrecl.', 'memory', ({ unreclaimable }) => unreclaimable),
    column('with the', 'cache once', ({ total }) => total),
    column('really', 'shared', ({ shared }) => shared),
    column('each', 'more', ({ eachMore }) => eachMore ?? ''),
    column('of the', 'model', ({ eachMoreOfModel }) => eachMoreOfModel ?? ''),
  ];
  return {
    title: [...headOf(model, setting, nameModel), 'PROCESSES', state.toUpperCase(), `free memory ${memoryState}`],
    lines: tableLines(
      'loader',
      rows.map(({ label }) => label),
      columns,
      width,
    ),
  };
}

function headOf(model: string, setting: string | null, nameModel: boolean): readonly string[] {
  return [...(nameModel ? [model] : []), ...(setting === null ? [] : [setting])];
}

/** The labels again for every table that the columns need. */
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
      ...labels.map((text, row) => line(text, ({ cells }) => cells[row] ?? none)),
    ];
  });
}
