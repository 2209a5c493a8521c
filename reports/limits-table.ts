/** Limits of a machine as text for a terminal. */
import type { LimitLine } from '../src/report/limits.js';
import { hang, padEnd, padStart, textWidth, wrap } from './text-layout.js';

export interface LimitsTable {
  /** What was measured, a line each. */
  readonly heading: readonly string[];
  readonly lines: readonly LimitLine[];
  readonly legend: readonly (readonly [string, string])[];
  readonly notes: readonly string[];
}

const GAP = '  ';

/** Ends with a line break. No line is wider than `width`, which is at least 60. */
export function limitsTable({ heading, lines, legend, notes }: LimitsTable, width = 80): string {
  const columns = Math.max(60, width);
  const most = (texts: readonly string[]): number => Math.max(...texts.map(textWidth));
  const name = most(['limit', ...lines.map((line) => line.name)]);
  const value = most(['value', ...lines.map((line) => line.value)]);
  const threads = most(['threads', ...lines.map((line) => line.threads)]);
  const state = most(['state', ...lines.map((line) => line.state)]);
  const row = (cells: readonly [string, string, string, string], method: string): readonly string[] => {
    const before =
      [padEnd(cells[0], name), padStart(cells[1], value), padStart(cells[2], threads), padEnd(cells[3], state)].join(
        GAP,
      ) + GAP;
    return hang(before, method, columns);
  };
  const legendWidth = most(legend.map(([term]) => term)) + GAP.length;
  const all = [
    ...heading.flatMap((text) => wrap(text, columns)),
    '',
    ...row(['limit', 'value', 'threads', 'state'], 'how measured'),
    ...lines.flatMap((line) => row([line.name, line.value, line.threads, line.state], line.method)),
    '',
    ...legend.flatMap(([term, meaning]) => hang(padEnd(term, legendWidth), meaning, columns)),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => hang('* ', note, columns))]),
  ];
  return all.map((text) => `${text.trimEnd()}\n`).join('');
}
