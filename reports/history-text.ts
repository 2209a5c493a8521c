/** Trends as text for a terminal: a line of bars a metric, a mark where it changed. */
import type { History, HistorySeries } from '../src/gate/history.js';
import { hang, padEnd, shorten, textWidth, wrap } from './text-layout.js';

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const INDENT = '  ';
/** Widest name of a metric, and widest text behind the bars: "1.23 ms–4.56 ms, last 2.34 ms". */
const NAME = 13;
const TAIL = 35;

/** Ends with a line break. No line is wider than `width`, which is at least 80, where numbers are of usual length. */
export function historyText({ groups, notes }: History, width = 80): string {
  const room = Math.max(10, width - INDENT.length - NAME - TAIL);
  const lines = [
    ...groups.flatMap(({ heading, days, series, constant }, index) => [
      ...(index === 0 ? [] : ['']),
      shorten(heading, width),
      `${INDENT}${days[0] ?? ''} to ${days.at(-1) ?? ''}`,
      ...series.flatMap((each) => seriesLines(each, room, width)),
      ...(constant.length === 0 ? [] : hang(INDENT, `the same in all runs: ${constant.join(', ')}`, width)),
    ]),
    '',
    ...notes.flatMap((note) => hang('* ', note, width)),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function seriesLines(
  { name, values, low, high, last, changes }: HistorySeries,
  room: number,
  width: number,
): readonly string[] {
  // Where there are more runs than columns, a column is the middle one of several.
  const columns = Math.min(room, values.length);
  const columnOf = (index: number): number => Math.floor((index * columns) / values.length);
  const shown = Array.from({ length: columns }, (_, column) =>
    middleOf(values.filter((_value, index) => columnOf(index) === column)),
  );
  const margin = INDENT + padEnd(name, NAME) + ' ';
  const blank = ' '.repeat(textWidth(margin));
  const marks = Array.from({ length: columns }, (_, column) =>
    changes.some(({ at }) => columnOf(at) === column) ? '▲' : ' ',
  );
  return [
    `${margin}${bars(shown)} ${low === high ? low : `${low}–${high}, last ${last}`}`,
    ...(changes.length === 0 ? [] : [`${blank}${marks.join('')}`]),
    ...changes.flatMap(({ text }) => wrap(text, width - blank.length).map((line) => blank + line)),
  ];
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** On a logarithmic scale from the least to the greatest, so that a tenth more looks alike everywhere. */
function bars(values: readonly number[]): string {
  const logs = values.map((value) => Math.log(Math.max(value, Number.MIN_VALUE)));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return logs
    .map((value) => BARS[high === low ? 3 : Math.round(((value - low) / (high - low)) * (BARS.length - 1))] ?? '')
    .join('');
}
