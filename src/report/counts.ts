/** How many samples and pairs stand behind the numbers of a section. */
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { confidence, counted } from './format.js';
import type { CommandRow, RatioFigure, Row } from './report-types.js';

export function countsOf(rows: readonly Row[]): string {
  const times = evenly(rows, 'sample', ({ firstToken }) => firstToken?.n);
  const memory = evenly(rows, 'sample', ({ unreclaimable }) => unreclaimable?.n);
  const pairs = evenly(rows, 'pair', ({ toReference }) => toReference.firstToken?.pairs);
  const parts = [
    times === null ? '' : `Medians of ${times}`,
    memory === null ? '' : `memory of ${memory} in a pass of its own`,
    pairs === null ? '' : `ratios of ${pairs}${spreadOf(rows.map(({ toReference }) => toReference.firstToken))}`,
  ];
  return sentenceOf(parts);
}

/** The same of a table of commands, whose two ratios may have pairs of their own. */
export function countsOfCommands(rows: readonly CommandRow[]): string {
  const times = evenly(rows, 'sample', ({ wall }) => wall?.n);
  const memory = evenly(rows, 'sample', ({ peakRss }) => peakRss?.n);
  const walls = evenly(rows, 'pair', ({ toFirst }) => toFirst?.pairs);
  const bytes = evenly(rows, 'pair', ({ toReference }) => toReference?.pairs);
  const ratios = [
    walls === null ? '' : `wall ÷ first of ${walls}`,
    bytes === null ? '' : `first byte ÷ token of ${bytes}`,
  ];
  const known = ratios.filter((text) => text !== '');
  return sentenceOf([
    times === null ? '' : `Medians of ${times}`,
    memory === null ? '' : `peaks of memory of ${memory}`,
    known.length === 0
      ? ''
      : `${known.join(', ')}${spreadOf(rows.flatMap(({ toFirst, toReference }) => [toFirst, toReference]))}`,
  ]);
}

function sentenceOf(parts: readonly string[]): string {
  const known = parts.filter((text) => text !== '');
  return known.length === 0 ? '' : `${known.join('; ')}.`;
}

/** What the parentheses behind ratios hold. */
function spreadOf(figures: readonly (RatioFigure | null)[]): string {
  const paired = figures.filter((figure) => figure !== null);
  const achieved = paired.map((figure) => figure.confidence).filter((value) => value !== null);
  if (paired.every((figure) => figure.pairs === 1)) return '';
  if (achieved.length === 0) return ', in parentheses their range';
  const lowest = Math.min(...achieved);
  const least = achieved.every((value) => value === lowest) ? '' : 'at least ';
  const interval = `, in parentheses their exact interval of ${least}${confidence(lowest)} confidence each`;
  return achieved.length === paired.length ? interval : `${interval} or, below ${LEAST_FOR_INTERVAL} pairs, range`;
}

/**
 * The most frequent count, and which rows differ from it: "5 samples (direct 4)". The reference runs in every block, so
 * that its own medians stand on more samples than others do.
 */
function evenly<T extends Row | CommandRow>(
  rows: readonly T[],
  noun: string,
  countOf: (row: T) => number | undefined,
): string | null {
  const known = rows.flatMap((row) => {
    const n = countOf(row);
    return n === undefined
      ? []
      : [{ label: 'isReference' in row && row.isReference ? `reference ${row.label}` : row.label, n }];
  });
  const frequency = new Map<number, number>();
  for (const { n } of known) frequency.set(n, (frequency.get(n) ?? 0) + 1);
  const [most] = [...frequency].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
  if (most === undefined) return null;
  const others = known.filter(({ n }) => n !== most[0]).map(({ label, n }) => `${label} ${n}`);
  return counted(most[0], noun) + (others.length === 0 ? '' : ` (${others.join(', ')})`);
}
