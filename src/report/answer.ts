/** The one question of a section, answered no more surely than its pairs allow. */
import { confidence, counted, enumeration } from './format.js';
import type { RatioFigure, Row } from './report-types.js';

/** A row with a first token. */
type Measured = Row & { readonly firstToken: NonNullable<Row['firstToken']> };

/** Which loader is first to the first token, and how that compares with the reference. Rows are ordered by it. */
export function answerOf(rows: readonly Row[]): string {
  const measured = rows.filter((row): row is Measured => row.firstToken !== null);
  const [fastest] = measured;
  if (fastest === undefined) return 'No loader has a valid sample here, so there is nothing to compare.';
  const time = fastest.firstToken.text;
  if (measured.length === 1)
    return `${fastest.label} reaches its first token in ${time}; there is nothing to compare it with.`;
  const reference = measured.find(({ isReference }) => isReference);
  if (reference === undefined) {
    return `${fastest.label} has the lowest median time to first token, ${time}; the reference has no valid sample, so that no ratio can be given.`;
  }
  return fastest === reference ? referenceFirst(reference, measured) : otherFirst(fastest, reference, measured);
}

function otherFirst(fastest: Measured, reference: Measured, measured: readonly Measured[]): string {
  const paired = fastest.toReference.firstToken;
  const time = fastest.firstToken.text;
  if (paired === null) {
    return `${fastest.label} has the lowest median time to first token, ${time}, but no block holds valid samples of both it and the reference, ${reference.label}.`;
  }
  if (!tellsApart(paired)) {
    return `${fastest.label} has the lowest median time to first token, ${time}, but is not distinguishable from the reference, ${reference.label}: ${inWords(paired)}.`;
  }
  const peers = measured.filter((row) => row !== fastest && overlaps(row.toReference.firstToken, paired));
  return [
    `${fastest.label} is the fastest to first token: ${time}, ${paired.text} times what ${reference.label} takes (${spreadInWords(paired)}).`,
    peers.length === 0 ? '' : ` Not distinguishable from it: ${labels(peers)}.`,
  ].join('');
}

function referenceFirst(reference: Measured, measured: readonly Measured[]): string {
  const time = reference.firstToken.text;
  const others = measured.filter((row) => row !== reference && row.toReference.firstToken !== null);
  const peers = others.filter(
    ({ toReference }) => toReference.firstToken !== null && !tellsApart(toReference.firstToken),
  );
  const [next] = others;
  const paired = next?.toReference.firstToken;
  const lead = `No loader is faster to first token than the reference, ${reference.label}: ${time}.`;
  if (peers.length > 0) return `${lead} Not distinguishable from it: ${labels(peers)}.`;
  return next === undefined || paired === null || paired === undefined
    ? lead
    : `${lead} The next, ${next.label}, takes ${paired.text} times as long (${spreadInWords(paired)}).`;
}

/** At most four by name: an answer is to be read. */
function labels(rows: readonly Row[]): string {
  const names = rows.map(({ label }) => label);
  return names.length <= 4 ? enumeration(names) : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

/** One pair shows no spread, so it tells nothing apart. */
function tellsApart({ pairs, low, high }: RatioFigure): boolean {
  return pairs > 1 && (high < 1 || low > 1);
}

function overlaps(a: RatioFigure | null, b: RatioFigure): boolean {
  return a !== null && a.low <= b.high && b.low <= a.high;
}

function inWords(paired: RatioFigure): string {
  return `ratio ${paired.text}, ${spreadInWords(paired)}`;
}

function spreadInWords({ pairs, spread, spreadText, confidence: achieved }: RatioFigure): string {
  if (pairs === 1) return 'a single pair';
  return spread === 'range' || achieved === null
    ? `range ${spreadText} of ${pairs} pairs`
    : `${confidence(achieved)} interval ${spreadText}, ${pairs} pairs`;
}

/** How many samples and pairs stand behind the numbers of a section. */
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
  const interval = `, in parentheses their exact interval of ${least}${confidence(lowest)} confidence`;
  return achieved.length === paired.length ? interval : `${interval} or, below 6 pairs, range`;
}

/** The most frequent count, and which rows differ from it: "5 samples (direct 4)". */
function evenly(rows: readonly Row[], noun: string, countOf: (row: Row) => number | undefined): string | null {
  const known = rows.flatMap((row) => {
    const n = countOf(row);
    return n === undefined ? [] : [{ label: row.label, n }];
  });
  const frequency = new Map<number, number>();
  for (const { n } of known) frequency.set(n, (frequency.get(n) ?? 0) + 1);
  const [most] = [...frequency].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
  if (most === undefined) return null;
  const others = known.filter(({ n }) => n !== most[0]).map(({ label, n }) => `${label} ${n}`);
  return counted(most[0], noun) + (others.length === 0 ? '' : ` (${others.join(', ')})`);
}
