/** All figures of a section as tables: what no chart has room for, and programs of one's own. */
import type { CommandRow, Figure, Moment, RatioFigure, Row, Section, Table } from '../src/report/page.js';
import { upperFirst } from './text-layout.js';

type Column<R> = readonly [heading: string, of: (row: R) => string];

const NONE = '–';
const text = (figure: Figure | null): string => figure?.text ?? NONE;
const spread = (figure: RatioFigure | null): string =>
  figure === null ? NONE : `${figure.text} (${figure.spreadText})`;

const columnsOf = (moment: Moment): readonly Column<Row>[] => [
  ['Loader', ({ label, isReference }) => (isReference ? `${label} (reference)` : label)],
  ['Load', ({ load }) => text(load)],
  [upperFirst(moment), ({ firstToken }) => text(firstToken)],
  ['÷ reference', ({ isReference, toReference }) => (isReference ? '1' : spread(toReference.firstToken))],
  ['Complete', ({ complete }) => text(complete)],
  ['GB/s', ({ bytesPerSecond }) => text(bytesPerSecond)],
  ['Of ceiling', ({ ceilingShare }) => ceilingShare?.text ?? NONE],
  ['Bound by', ({ boundBy }) => boundBy ?? NONE],
  ['Debt', ({ debt }) => text(debt)],
  ['Unexplained', ({ unexplainedDebt }) => text(unexplainedDebt)],
  ['Unreclaimable', ({ unreclaimable }) => text(unreclaimable)],
  ['Reclaimable', ({ reclaimable }) => text(reclaimable)],
  ['Tokens/s', ({ decode }) => text(decode)],
  ['Samples', ({ outcomes }) => samplesOf(outcomes)],
];

/** "5", "4 and 1 failed". */
function samplesOf(outcomes: Row['outcomes']): string {
  const { ok, ...others } = outcomes;
  const rest = Object.entries(others).flatMap(([outcome, n]) => (n === 0 ? [] : [`${n} ${outcome}`]));
  return [...(ok > 0 || rest.length === 0 ? [String(ok)] : []), ...rest].join(', ');
}

/** Loaders, and below them what is never ranked. Columns that nothing stands in are left out. */
export function figuresTable({ moment, rows, ceiling, home, bounds, harness }: Section): Table {
  return tableOf(
    columnsOf(moment),
    [...rows, ceiling, home, ...bounds, harness].filter((row) => row !== null),
  );
}

const commandColumns: readonly Column<CommandRow>[] = [
  ['Program', ({ label }) => label],
  ['Wall time', ({ wall }) => text(wall)],
  ['Wall ÷ first', ({ isFirst, toFirst }) => (isFirst ? 'first' : spread(toFirst))],
  ['First byte', ({ firstByte }) => text(firstByte)],
  ['First byte ÷ token', ({ toReference }) => spread(toReference)],
  ['Tokens/s', ({ tokensPerSecond }) => text(tokensPerSecond)],
  ['Peak Rss', ({ peakRss }) => text(peakRss)],
  ['Peak Pss', ({ peakPss }) => text(peakPss)],
  ['Minor faults', ({ minorFaults }) => text(minorFaults)],
  ['Major faults', ({ majorFaults }) => text(majorFaults)],
  ['Read', ({ readBytes }) => text(readBytes)],
  ['Samples', ({ wall, problems }) => [String(wall?.n ?? 0), ...problems].join('; ')],
];

/** Null without programs. */
export function commandsTable({ commands }: Section): Table | null {
  return commands === null ? null : tableOf(commandColumns, commands.rows);
}

function tableOf<R>(all: readonly Column<R>[], rows: readonly R[]): Table {
  const shown = all.filter(([, of], index) => index === 0 || rows.some((row) => of(row) !== NONE));
  return { head: shown.map(([heading]) => heading), rows: rows.map((row) => shown.map(([, of]) => of(row))) };
}
