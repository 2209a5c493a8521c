/** A verdict as text for a terminal. */
import type { VerdictRow, VerdictView } from '../src/gate/verdict-view.js';
import { hang, padEnd, padStart, shorten, textWidth, wrap } from './text-layout.js';

const GAP = '  ';
/** What is text stands left, figures right. */
const LEFT: readonly (keyof VerdictRow)[] = ['metric', 'verdict'];

/** Ends with a line break. No line is wider than `width`, which is at least 80, where numbers are of usual length. */
export function verdictText(view: VerdictView, width = 80): string {
  const { headline, advisory, facts, columns, shown, sections, reasons, notes } = view;
  const rows = [columns, ...sections.flatMap((section) => section.rows)];
  const widths = shown.map((name) => Math.max(...rows.map((row) => textWidth(row[name]))));
  // Of wide scatter the bounds are wide texts as well.
  const natural = widths.reduce((sum, own) => sum + own, 0) + GAP.length * (widths.length - 1);
  const gap = natural <= width ? GAP : ' ';
  const line = (row: VerdictRow): string =>
    shown.map((name, index) => (LEFT.includes(name) ? padEnd : padStart)(row[name], widths[index] ?? 0)).join(gap);
  const term = Math.max(...facts.map(([name]) => textWidth(name))) + GAP.length;
  const lines = [
    ...wrap(headline, width),
    ...(advisory === null ? [] : wrap(advisory, width)),
    '',
    ...facts.flatMap(([name, meaning]) => hang(padEnd(name, term), meaning, width)),
    ...(sections.length === 0 ? [] : ['', line(columns)]),
    ...sections.flatMap(({ heading, rows: own }) => ['', shorten(heading, width), ...own.map(line)]),
    ...(reasons.length === 0 ? [] : ['', ...reasons.flatMap((reason) => hang('- ', reason, width))]),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => hang('* ', note, width))]),
  ];
  return lines.map((text) => `${text.trimEnd()}\n`).join('');
}
