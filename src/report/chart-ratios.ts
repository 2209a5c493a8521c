/** Paired ratios to the reference, with their interval or, of few pairs, their range. */
import type { PairedRatio } from '../statistics/summary-types.js';
import { roomAround, spanOf, thinned, type PlaceView, type Seen } from './chart-view.js';
import { confidence, counted, duration, ratio } from './format.js';
import { upperFirst, type Moment } from './moment.js';
import type { Datum, Drawn } from './page-types.js';

/** Dots of single pairs beyond this many hide each other. */
const MOST_PAIRS = 60;

export function ratioChart(view: PlaceView): Drawn | null {
  const reference = view.loaders.find(({ cell }) => cell.isReference);
  const compared = view.loaders.filter(({ cell }) => cell.isReference || cell.ratio?.ttft != null);
  const pairs = compared.flatMap(({ cell }) => cell.ratio?.ttft?.pairs ?? []);
  if (reference === undefined || pairs.length === 0) return null;
  return {
    kind: 'ratios',
    unit: 'ratio',
    moment: view.moment,
    title: view.title,
    note: `Reference: ${reference.label}. ${upperFirst(spanOf(pairs, 'pair'))}: ${spreadWords(compared)}.${shownNote(pairs)}`,
    places: [view.place],
    data: withRoom(compared.flatMap((seen, order) => dataOf(seen, order, reference.label, view.moment))),
    table: {
      head: [
        ...['Loader', `${upperFirst(view.moment)} ÷ reference`, 'Spread', 'Pairs', 'Complete ÷ reference'],
        ...[upperFirst(view.moment), 'Load'],
      ],
      rows: compared.map(({ label, cell }) => [
        label,
        cell.isReference ? '1 (reference)' : ratio(cell.ratio?.ttft?.median ?? NaN),
        spreadText(cell.ratio?.ttft ?? null),
        String(cell.ratio?.ttft?.pairs ?? '–'),
        cell.isReference ? '1 (reference)' : completeText(cell.ratio?.complete ?? null),
        cell.ttftNs === null ? '–' : duration(cell.ttftNs.median),
        cell.loadNs === null ? '–' : duration(cell.loadNs.median),
      ]),
    },
  };
}

function withRoom(data: readonly Datum[]): readonly Datum[] {
  const values = data.flatMap(({ value, low, high }) => [value, low, high]).filter((each) => typeof each === 'number');
  return [...data, ...roomAround([1, ...values])];
}

function dataOf({ cell, label, look }: Seen, order: number, reference: string, moment: Moment): readonly Datum[] {
  const base = { loader: look.name, order, color: look.color, shape: look.shape };
  const time =
    cell.ttftNs === null
      ? ''
      : `${upperFirst(moment)} after ${duration(cell.ttftNs.median)} (median of ${cell.ttftNs.n})`;
  const paired = cell.ratio?.ttft ?? null;
  if (cell.isReference || paired === null) {
    const tip = `${label}\nThe reference: 1 by definition\n${time}`;
    return [
      { ...base, part: 'row', value: 1, low: 1, high: 1, few: false, note: 'reference', short: 'reference', tip },
    ];
  }
  const complete = cell.ratio?.complete ?? null;
  const completeLine = complete === null ? '' : `\nUntil every byte was read: ${completeText(complete)} ×`;
  const tip = `${label}\n${ratio(paired.median)} × ${reference} to ${moment}\n${spreadText(paired)}, ${counted(paired.pairs, 'pair')}\n${time}${completeLine}`;
  return [
    ...thinned([...paired.values.entries()], MOST_PAIRS).map(([index, value]) => ({
      ...{ ...base, part: 'pair', value },
      tip: `${label}\nPair ${index + 1}: ${ratio(value)} × ${reference}`,
    })),
    {
      ...{ ...base, part: 'row', value: paired.median, low: paired.low, high: paired.high },
      few: paired.confidence === null,
      note: `${ratio(paired.median)}${paired.pairs === 1 ? '' : `  (${ratio(paired.low)}–${ratio(paired.high)})`}  n=${paired.pairs}`,
      short: `${ratio(paired.median)}  n=${paired.pairs}`,
      tip,
    },
    ...(complete === null
      ? []
      : [
          {
            ...base,
            part: 'complete',
            value: complete.median,
            tip: `${label}\nComplete: ${completeText(complete)} × ${reference}`,
          },
        ]),
  ];
}

function shownNote(pairs: readonly number[]): string {
  return pairs.every((count) => count <= MOST_PAIRS)
    ? ''
    : ` Of a loader at most ${MOST_PAIRS} pairs are drawn, evenly chosen; all of them count.`;
}

function spreadText(paired: PairedRatio | null): string {
  if (paired === null) return '–';
  if (paired.pairs === 1) return 'a single pair';
  const span = `${ratio(paired.low)}–${ratio(paired.high)}`;
  return paired.confidence === null ? `range ${span}` : `${confidence(paired.confidence)} interval ${span}`;
}

function completeText(paired: PairedRatio | null): string {
  return paired === null ? '–' : `${ratio(paired.median)} (${spreadText(paired)})`;
}

function spreadWords(compared: readonly Seen[]): string {
  const paired = compared.flatMap(({ cell }) => cell.ratio?.ttft ?? []);
  const few = paired.filter((each) => each.confidence === null).length;
  if (few === 0) return 'bars are exact intervals';
  return few === paired.length
    ? 'too few for an interval, so thin bars are ranges'
    : 'thick bars are intervals, thin ones ranges';
}
