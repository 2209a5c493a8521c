/** Where the time went, of the one sample of each loader that is in the middle: its parts add up, medians would not. */
import type { OkSample } from '../statistics/pairs.js';
import { middleWords, okOf, timeUnit, type PlaceView, type Seen } from './chart-view.js';
import { limitPlaces } from './chart-limits.js';
import { duration } from './format.js';
import { upperFirst, type Moment } from './moment.js';
import type { Datum, Drawn } from './page-types.js';

/** In the order in which they pass. */
const PARTS = [
  ['open', 'open (header)'],
  ['acquire', 'acquire (load)'],
  ['explained', 'debt, explained'],
  ['unexplained', 'debt, unexplained'],
  ['token', 'first token itself'],
  ['complete', 'complete (rest read)'],
] as const;

/** Where nothing is inferred there is no debt: what load left unpaid is paid where bytes are touched. */
const TOUCHED_PARTS = [
  ...[PARTS[0], PARTS[1]],
  ['token', 'needed bytes touched'],
  ['complete', 'complete (rest touched)'],
] as const;

type Part = (typeof PARTS)[number][0];
type Parts = readonly (readonly [Part, string])[];

interface Row {
  readonly seen: Seen;
  readonly ns: Readonly<Record<Part, number>>;
  readonly firstTokenNs: number;
  readonly totalNs: number;
  readonly debtKnown: boolean;
}

export function phaseChart(view: PlaceView): Drawn | null {
  const rows = view.loaders.flatMap((seen) => rowOf(seen) ?? []);
  if (rows.length === 0) return null;
  const limits = [view.ceiling, view.home].flatMap((seen) => {
    const time = seen?.cell.completeNs ?? null;
    return seen === null || time === null ? [] : [{ label: seen.label, ns: time.median, n: time.n }];
  });
  const longest = Math.max(...rows.map(({ totalNs }) => totalNs), ...limits.map((limit) => limit.ns));
  const { unit, ns } = timeUnit(longest);
  const places = limitPlaces(limits.map((limit) => limit.ns / longest));
  const { moment } = view;
  const parts: Parts = moment === 'first token' ? PARTS : TOUCHED_PARTS;
  const known =
    moment !== 'first token' || rows.every(({ debtKnown }) => debtKnown)
      ? ''
      : ' Where the debt is not known it is in the first token itself.';
  return {
    kind: 'phases',
    unit,
    moment,
    title: view.title,
    note: `Each bar is one sample: of each loader ${middleWords(rows.map(({ seen }) => okOf(seen.timed).length))}.${known}`,
    places: [view.place],
    data: [
      ...rows.flatMap((row, order) => dataOf(row, order, ns, moment)),
      ...limits.map(({ label, ns: limit, n }, index) => ({
        ...{ part: 'limit', loader: null, order: -1, value: limit / ns, ...places[index] },
        ...{ label: `${label} ${duration(limit)}`, brief: `${label} ${duration(limit)}` },
        tip: `${label}: ${duration(limit)} to read the same bytes (median of ${n})`,
      })),
    ],
    table: {
      head: ['Loader', ...parts.map(([, name]) => name), upperFirst(moment), 'Complete'],
      rows: rows.map((row) => [
        row.seen.label,
        ...parts.map(([part]) => duration(row.ns[part])),
        duration(row.firstTokenNs),
        duration(row.totalNs),
      ]),
    },
  };
}

function middleOf(samples: readonly OkSample[]): OkSample | undefined {
  const known = samples.flatMap((sample) => (sample.completeNs === null ? [] : [{ sample, ns: sample.completeNs }]));
  return known.sort((a, b) => a.ns - b.ns)[(known.length - 1) >> 1]?.sample;
}

function rowOf(seen: Seen): Row | null {
  const sample = middleOf(okOf(seen.timed));
  if (sample?.phases == null || sample.completeNs === null) return null;
  const { open, acquire, firstToken, complete } = sample.phases;
  const explained = Math.max(0, sample.debt?.explainedNs ?? 0);
  const unexplained = Math.max(0, sample.debt?.unexplainedNs ?? 0);
  const ns = {
    open: open.ns,
    acquire: acquire.ns,
    explained,
    unexplained,
    token: Math.max(0, firstToken.ns - explained - unexplained),
    complete: complete.ns,
  };
  const loadNs = open.ns + acquire.ns;
  return {
    ...{ seen, ns, firstTokenNs: sample.ttftNs ?? loadNs + firstToken.ns, totalNs: sample.completeNs },
    debtKnown: sample.debt !== null,
  };
}

function dataOf(
  { seen, ns, firstTokenNs, totalNs }: Row,
  order: number,
  unitNs: number,
  moment: Moment,
): readonly Datum[] {
  const { label, look } = seen;
  const named: Parts = moment === 'first token' ? PARTS : TOUCHED_PARTS;
  const total = named.reduce((sum, [part]) => sum + ns[part], 0);
  const parts = named.map(([part, name], index) => ({
    ...{ part: 'phase', loader: look.name, order, phase: name, stack: index, value: ns[part] / unitNs },
    tip: `${label}\n${name}: ${duration(ns[part])}\n${upperFirst(moment)} after ${duration(firstTokenNs)}, complete after ${duration(totalNs)}`,
  }));
  return [
    ...parts,
    {
      ...{ part: 'row', loader: look.name, order, value: total / unitNs },
      ...{ note: duration(firstTokenNs), short: duration(firstTokenNs), tip: label },
    },
  ];
}
