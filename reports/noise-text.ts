/** The noise of a machine as text for a terminal: one table for all states. */
import type { NoiseReport } from '../src/report/noise.js';
import { hang, padEnd, padStart, textWidth, wrap } from './text-layout.js';

const GAP = '  ';

/** Ends with a line break. No line is wider than `width`, which is at least 80, where numbers are of usual length. */
export function noiseText({ heading, columns, spans, sections, legend, notes }: NoiseReport, width = 80): string {
  const most = (texts: readonly string[]): number => Math.max(...texts.map(textWidth));
  const rows = sections.flatMap((section) => section.rows);
  const natural = columns.map((name, index) => most([name, ...rows.map((row) => row[index] ?? '')]));
  const widths = widened(natural, spans);
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? padEnd : padStart)(cell, widths[index] ?? 0)).join(GAP);
  const termWidth = most(legend.map(([term]) => term)) + GAP.length;
  const lines = [
    ...heading.flatMap((text) => wrap(text, width)),
    '',
    spanLine(widths, spans),
    line(columns),
    ...sections.flatMap((section) => ['', ...wrap(section.heading, width), ...section.rows.map(line)]),
    '',
    ...legend.flatMap(([term, meaning]) => hang(padEnd(term, termWidth), meaning, width)),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => hang('* ', note, width))]),
  ];
  return lines.map((text) => `${text.trimEnd()}\n`).join('');
}

/** Columns wide enough for what spans them: the first of them takes what is missing. */
function widened(widths: readonly number[], spans: NoiseReport['spans']): readonly number[] {
  const result = [...widths];
  let at = 0;
  for (const [text, count] of spans) {
    const missing = textWidth(text) - spanned(result, at, count);
    if (missing > 0) result[at] = (result[at] ?? 0) + missing;
    at += count;
  }
  return result;
}

function spanned(widths: readonly number[], at: number, count: number): number {
  return widths.slice(at, at + count).reduce((sum, width) => sum + width, 0) + GAP.length * (count - 1);
}

function spanLine(widths: readonly number[], spans: NoiseReport['spans']): string {
  const cells: string[] = [];
  let at = 0;
  for (const [text, count] of spans) {
    cells.push(padStart(text, spanned(widths, at, count)));
    at += count;
  }
  return cells.join(GAP);
}
