/** How many samples and pairs stand behind the numbers of a section. */
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { confidence, counted } from './format.js';
import type { Row } from './report-types.js';

export function countsOf(rows: readonly Row[]): string {
  const times = evenly(rows, 'sample', ({ firstToken }) => firstToken?.n);
  const memory = evenly(rows, 'sample', ({ unreclaimable }) => unreclaimable?.n);
  const pairs = evenly(rows, 'pair', ({ toReference }) => toReference.firstToken?.pairs);
  const parts = [
    times === null ? '' : `Medians of ${times}`,
    memory === null ? '' : `memory of ${memory} in a pass of its own`,
    pairs === null ? '' : `ratios of ${pairs}${spreadOf(rows)}`,
  ].filter((text) => text !== '');
  return parts.length === 0 ? '' : `${parts.join('; ')}.`;
}

/** What the parentheses behind ratios hold. */
function spreadOf(rows: readonly Row[]): string {
  const paired = rows.map(({ toReference }) => toReference.firstToken).filter((figure) => figure !== null);
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
function evenly(rows: readonly Row[], noun: string, countOf: (row: Row) => number | undefined): string | null {
  const known = rows.flatMap((row) => {
    const n = countOf(row);
    return n === undefined ? [] : [{ label: row.isReference ? `reference ${row.label}` : row.label, n }];
  });
  const frequency = new Map<number, number>();
  for (const { n } of known) frequency.set(n, (frequency.get(n) ?? 0) + 1);
  const [most] = [...frequency].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
  if (most === undefined) return null;
  const others = known.filter(({ n }) => n !== most[0]).map(({ label, n }) => `${label} ${n}`);
  return counted(most[0], noun) + (others.length === 0 ? '' : ` (${others.join(', ')})`);
}
