/** Every sample: in run order, where drift shows, and by loader, where its distribution shows. */
import type { Ledger, Sample } from '../samples/record.js';
import { spanOf, thinned, timeUnit, type PlaceView, type Seen } from './chart-view.js';
import { duration, ratio } from './format.js';
import type { Datum, Drawn } from './page-types.js';

/** More dots than this are neither seen nor drawn quickly. */
const MOST_DOTS = 4000;

interface Dot {
  readonly seen: Seen;
  readonly sample: Sample;
  readonly ns: number;
  readonly order: number;
  /** From 0 for the first of its loader to 1 for the last. */
  readonly along: number;
}

function dotsOf(view: PlaceView): readonly Dot[] {
  return view.loaders.flatMap((seen, order) => {
    const known = seen.timed.flatMap((sample) => (sample.ttftNs === null ? [] : [{ sample, ns: sample.ttftNs }]));
    return known.map(({ sample, ns }, index) => ({
      ...{ seen, sample, ns, order },
      along: known.length === 1 ? 0.5 : index / (known.length - 1),
    }));
  });
}

function shownNote(all: number, shown: number): string {
  return all === shown ? '' : ` ${shown} of ${all} samples are drawn, evenly chosen; all are in samples.csv.`;
}

function countsText(view: PlaceView): string {
  const text = spanOf(
    view.loaders.map(({ cell }) => cell.ttftNs?.n ?? 0),
    'sample',
  );
  return `${text} of each loader`;
}

function tipOf({ seen, sample, ns }: Dot): string {
  const why = sample.outcome === 'ok' ? '' : `\nNot in the numbers: ${sample.outcome}`;
  return `${seen.label}\nFirst token after ${duration(ns)}\nRound ${sample.round}, block ${sample.block}${why}`;
}

/** Against the median of its own loader, so that all loaders show the machine's drift together. */
export function orderChart(view: PlaceView, ledger: Ledger): Drawn | null {
  const all = dotsOf(view);
  // Where no loader has a second sample, nothing can drift.
  if (!all.some(({ along }) => along === 1)) return null;
  const start = Date.parse(ledger.run.startedAt);
  const dots = thinned(all, MOST_DOTS);
  const relative = ({ seen, ns }: Dot): number => ns / (seen.cell.ttftNs?.median ?? ns);
  return {
    kind: 'order',
    unit: 'ratio',
    title: view.title,
    note: `${countsText(view)}.${shownNote(all.length, dots.length)}`,
    places: [view.place],
    data: dots.map((dot) => ({
      part: dot.sample.outcome === 'ok' ? 'sample' : 'excluded',
      loader: dot.seen.look.name,
      order: dot.order,
      minute: (Date.parse(dot.sample.startedAt) - start) / 60_000,
      value: relative(dot),
      color: dot.seen.look.color,
      shape: dot.seen.look.shape,
      tip: `${tipOf(dot)}\n${ratio(relative(dot))} × its loader's median`,
    })),
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

export function spreadChart(view: PlaceView): Drawn | null {
  const all = dotsOf(view);
  if (all.length === 0) return null;
  const dots = thinned(all, MOST_DOTS);
  const { unit, ns } = timeUnit(Math.max(...view.loaders.map(({ cell }) => cell.ttftNs?.max ?? 0)));
  return {
    kind: 'spread',
    unit,
    title: view.title,
    note: `${countsText(view)}; the tick is the median.${shownNote(all.length, dots.length)}`,
    places: [view.place],
    data: [
      ...dots.map((dot): Datum => ({
        part: dot.sample.outcome === 'ok' ? 'sample' : 'excluded',
        loader: dot.seen.look.name,
        order: dot.order,
        value: dot.ns / ns,
        along: dot.along,
        color: dot.seen.look.color,
        shape: dot.seen.look.shape,
        tip: tipOf(dot),
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

/** A cell of a table is to be read. */
const MOST_IN_CELL = 100;

function eachText(values: readonly number[]): string {
  const shown = values.slice(0, MOST_IN_CELL).map(duration).join(', ');
  return values.length > MOST_IN_CELL ? `${shown} … ${values.length - MOST_IN_CELL} more in samples.csv` : shown;
}
