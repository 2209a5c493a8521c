/** Every sample: in run order, where drift shows, and by loader, where its distribution shows. */
import type { Ledger, Sample } from '../samples/record.js';
import { quantiles } from '../statistics/order.js';
import { roomAround, spanOf, timeUnit, type PlaceView, type Seen } from './chart-view.js';
import { counted, duration, ratio } from './format.js';
import { upperFirst, type Moment } from './moment.js';
import type { Datum, Drawn } from './page-types.js';

/** More dots than this are neither seen nor drawn quickly: of a chart, and of all charts of a page together. */
const MOST_DOTS = 4000;
const MOST_OF_PAGE = 8000;
const CHARTS_OF_PLACE = 2;
const LEAST_DOTS = 500;

/** Of each chart, where the page has so many places. */
function mostDots(places: number): number {
  return Math.max(LEAST_DOTS, Math.min(MOST_DOTS, Math.floor(MOST_OF_PAGE / CHARTS_OF_PLACE / places)));
}

interface Dot {
  readonly seen: Seen;
  readonly sample: Sample;
  readonly ns: number;
  readonly order: number;
  /** From 0 for the first of its loader to 1 for the last. */
  readonly along: number;
}

interface Dots {
  readonly dots: readonly Dot[];
  /** How many there would be, and of how many each loader's dot is one. */
  readonly all: number;
  readonly step: number;
}

/** Where there are too many, of each loader every n-th, its fastest and its slowest: ranges stay as wide as they are. */
function dotsOf(view: PlaceView, places: number): Dots {
  const known = view.loaders.map(({ timed }) => timed.filter(({ ttftNs }) => ttftNs !== null));
  const all = known.reduce((sum, { length }) => sum + length, 0);
  const step = Math.ceil(all / mostDots(places));
  const dots = view.loaders.flatMap((seen, order) => {
    const samples = known[order] ?? [];
    const ends = step > 1 ? extremesOf(samples) : [];
    return samples.flatMap((sample, index): readonly Dot[] => {
      const ns = sample.ttftNs;
      if (ns === null || (index % step !== 0 && !ends.includes(index))) return [];
      return [{ ...{ seen, sample, ns, order }, along: samples.length === 1 ? 0.5 : index / (samples.length - 1) }];
    });
  });
  return { dots, all, step };
}

function extremesOf(samples: readonly Sample[]): readonly number[] {
  let [fastest, slowest, least, most] = [0, 0, Infinity, -Infinity];
  for (const [index, { ttftNs }] of samples.entries()) {
    if (ttftNs === null) continue;
    if (ttftNs < least) [least, fastest] = [ttftNs, index];
    if (ttftNs > most) [most, slowest] = [ttftNs, index];
  }
  return [fastest, slowest];
}

function shownNote({ dots, all, step }: Dots): string {
  return step <= 1
    ? ''
    : ` ${dots.length} of ${counted(all, 'sample')} are drawn: of each loader one in ${step}, its fastest and its slowest; all are in samples.csv, and all count in every figure.`;
}

function countsText(view: PlaceView): string {
  const text = spanOf(
    view.loaders.map(({ cell }) => cell.ttftNs?.n ?? 0),
    'sample',
  );
  return `${text} of each loader`;
}

function tipOf({ seen, sample, ns }: Dot, moment: Moment): string {
  const why = sample.outcome === 'ok' ? '' : `\nNot in the numbers: ${sample.outcome}`;
  return `${seen.label}\n${upperFirst(moment)} after ${duration(ns)}\nRound ${sample.round}, block ${sample.block}${why}`;
}

/** Against the median of its own loader, so that all loaders show the machine's drift together. */
export function orderChart(view: PlaceView, ledger: Ledger, places: number): Drawn | null {
  const of = dotsOf(view, places);
  const { dots } = of;
  // Where no loader has a second sample, nothing can drift.
  if (!dots.some(({ along }) => along === 0)) return null;
  const start = Date.parse(ledger.run.startedAt);
  const relative = ({ seen, ns }: Dot): number => ns / (seen.cell.ttftNs?.median ?? ns);
  return {
    kind: 'order',
    unit: 'ratio',
    moment: view.moment,
    title: view.title,
    note: `${countsText(view)}.${shownNote(of)}`,
    places: [view.place],
    data: [
      ...dots.map((dot) => ({
        part: dot.sample.outcome === 'ok' ? 'sample' : 'excluded',
        loader: dot.seen.look.name,
        order: dot.order,
        minute: (Date.parse(dot.sample.startedAt) - start) / 60_000,
        value: relative(dot),
        color: dot.seen.look.color,
        shape: dot.seen.look.shape,
        tip: `${tipOf(dot, view.moment)}\n${ratio(relative(dot))} × its loader's median`,
      })),
      ...roomAround([1, ...dots.map(relative)]),
    ],
    table: {
      head: ['Loader', 'Lowest', 'Median', 'Highest', 'Highest ÷ lowest', 'Samples'],
      rows: view.loaders.flatMap(({ label, cell: { ttftNs } }) =>
        ttftNs === null
          ? []
          : [
              [
                ...[label, duration(ttftNs.min), duration(ttftNs.median), duration(ttftNs.max)],
                ...[ratio(ttftNs.max / ttftNs.min), String(ttftNs.n)],
              ],
            ],
      ),
    },
  };
}

export function spreadChart(view: PlaceView, places: number): Drawn | null {
  const of = dotsOf(view, places);
  const { dots, step } = of;
  if (dots.length === 0) return null;
  const { unit, ns } = timeUnit(Math.max(...view.loaders.map(({ cell }) => cell.ttftNs?.max ?? 0)));
  return {
    kind: 'spread',
    unit,
    moment: view.moment,
    title: view.title,
    note: `${countsText(view)}; the tick is the median.${shownNote(of)}${step > 1 ? ' Bands reach from the 5th to the 95th percentile of all.' : ''}`,
    places: [view.place],
    data: [
      ...roomAround(dots.map((dot) => dot.ns / ns)),
      ...(step > 1 ? view.loaders.flatMap((seen, order) => bandOf(seen, order, ns)) : []),
      ...dots.map((dot): Datum => ({
        part: dot.sample.outcome === 'ok' ? 'sample' : 'excluded',
        loader: dot.seen.look.name,
        order: dot.order,
        value: dot.ns / ns,
        along: dot.along,
        color: dot.seen.look.color,
        shape: dot.seen.look.shape,
        tip: tipOf(dot, view.moment),
      })),
      ...view.loaders.flatMap(({ label, look, cell: { ttftNs } }, order) =>
        ttftNs === null
          ? []
          : [
              {
                ...{ part: 'row', loader: look.name, order, value: ttftNs.median / ns },
                ...{
                  note: `${duration(ttftNs.median)}  n=${ttftNs.n}`,
                  short: `${duration(ttftNs.median)}  n=${ttftNs.n}`,
                },
                tip: `${label}\nMedian ${duration(ttftNs.median)} of ${ttftNs.n}`,
              },
            ],
      ),
    ],
    table: {
      head: ['Loader', 'Each sample, in run order'],
      rows: view.loaders.map(({ label, cell: { ttftNs } }) => [label, eachText(ttftNs?.values ?? [])]),
    },
  };
}

/** Where not every sample is drawn, most of them. */
function bandOf({ label, look, cell: { ttftNs } }: Seen, order: number, unitNs: number): readonly Datum[] {
  if (ttftNs === null) return [];
  const [low = 0, high = 0] = quantiles(ttftNs.values, [0.05, 0.95]);
  return [
    {
      ...{ part: 'band', loader: look.name, order, value: low / unitNs, high: high / unitNs, color: look.color },
      tip: `${label}\n5th to 95th percentile of ${ttftNs.n}: ${duration(low)} to ${duration(high)}`,
    },
  ];
}

/** A cell of a table is to be read. */
const MOST_IN_CELL = 100;

function eachText(values: readonly number[]): string {
  const shown = values.slice(0, MOST_IN_CELL).map(duration).join(', ');
  return values.length > MOST_IN_CELL ? `${shown} … ${values.length - MOST_IN_CELL} more in samples.csv` : shown;
}
