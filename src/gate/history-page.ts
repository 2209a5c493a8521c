/** The trends of many runs as a page. Pure. */
import { printable } from '../failure.js';
import { roomAround } from '../report/chart-view.js';
import { counted, enumeration } from '../report/format.js';
import type { Chart, ChartUnit, Datum } from '../report/page-types.js';
import type { GateMetric } from '../samples/record.js';
import { isCounter } from '../statistics/metrics.js';
import { median } from '../statistics/order.js';
import { LEAST_FOR_CHANGE } from '../statistics/change-points.js';
import type { History, HistoryGroup, HistorySeries } from './history.js';
import { valueText } from './verdict-view.js';

export interface HistoryPage {
  readonly title: string;
  /** What changed, in a sentence. */
  readonly headline: string;
  readonly charts: readonly Chart[];
  readonly groups: readonly HistoryPageGroup[];
  readonly notes: readonly string[];
}

export interface HistoryPageGroup {
  readonly heading: string;
  readonly period: string;
  /** Of `charts`: those of this group. */
  readonly charts: readonly Chart[];
  /** What is the same in all runs, and what has no chart. */
  readonly constant: readonly string[];
  /** Names of figures that are left to the terminal. */
  readonly undrawn: readonly string[];
}

/** A time that hardly changes looks so: this much more or less is seen at least. */
const ROOM = 1.25;

/** More would neither be looked at nor drawn quickly. Those that changed come first. */
const MOST_CHARTS = 120;

export function historyPage(history: History, directory: string): HistoryPage {
  const all = history.groups.flatMap((group, index) => group.series.map((series) => ({ index, series })));
  const drawn = new Set(
    all
      .toSorted((a, b) => Number(b.series.changes.length > 0) - Number(a.series.changes.length > 0))
      .slice(0, MOST_CHARTS)
      .map(({ series }) => series),
  );
  const groups = history.groups.map((group, index): HistoryPageGroup => {
    const [first = '', last = ''] = [group.days[0], group.days.at(-1)];
    return {
      heading: group.heading,
      period: first === last ? first : `${first} to ${last}`,
      charts: group.series
        .filter((series) => drawn.has(series))
        .map((series) => chartOf(group, series, `trend${index + 1}${series.metric.replaceAll('-', '')}`)),
      constant: group.constant,
      undrawn: group.series.filter((series) => !drawn.has(series)).map(({ name }) => name),
    };
  });
  return {
    title: printable(`The trend of each figure over the runs in ${directory}`),
    headline: headlineOf(history),
    charts: groups.flatMap(({ charts }) => charts),
    groups,
    notes: history.notes.map((note) => note.replace('▲ marks', 'A dashed line marks')),
  };
}

/** At most so many by name: a headline is to be read. */
const MOST_NAMED = 3;

function headlineOf({ groups }: History): string {
  const longest = Math.max(...groups.map(({ days }) => days.length));
  const found = groups.flatMap(({ heading, series }) =>
    series.flatMap(({ name, changes }) => changes.map((change) => ({ heading, name, change }))),
  );
  if (found.length === 0) {
    return longest < LEAST_FOR_CHANGE
      ? `Too few runs to find a change: there are ${longest}, and it takes ${LEAST_FOR_CHANGE}.`
      : `No change is found in ${counted(longest, 'run')}.`;
  }
  const extent = ({ change: { ratio } }: (typeof found)[number]): number => Math.abs(Math.log(ratio));
  const told = found.toSorted((a, b) => extent(b) - extent(a)).slice(0, MOST_NAMED);
  const texts = told.map(
    ({ heading, name, change }) =>
      `${name} of ${heading.split(': ')[0] ?? heading} (${change.text.split(', p')[0] ?? ''})`,
  );
  const more = found.length - told.length;
  return `${counted(found.length, 'change')} found: ${enumeration(texts)}${more === 0 ? '' : `, and ${more} more below`}.`;
}

interface Scale {
  readonly unit: ChartUnit;
  /** Of a value, in that unit. */
  readonly of: (value: number) => number;
}

function scaleOf(metric: GateMetric, values: readonly number[]): Scale {
  if (metric === 'faults') return { unit: 'count', of: (value) => value };
  if (isCounter(metric)) return { unit: 'MiB', of: (value) => value / 2 ** 20 };
  // Times a token are seconds, others nanoseconds.
  const ms = metric === 'decode' || metric === 'token' ? 1e3 : 1e-6;
  return Math.max(...values) * ms > 20_000
    ? { unit: 's', of: (value) => (value * ms) / 1e3 }
    : { unit: 'ms', of: (value) => value * ms };
}

function chartOf({ heading, runs, days }: HistoryGroup, series: HistorySeries, id: string): Chart {
  const { metric, name, values, points, changes, normalized } = series;
  const { unit, of } = scaleOf(metric, values);
  const starts = [0, ...changes.map(({ at }) => at)];
  const runAt = (index: number): number => (points[index]?.run ?? 0) + 1;
  const counts = points.map(({ samples }) => samples);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const tipOf = (index: number): string => {
    const { run = 0, samples = 0 } = points[index] ?? {};
    return `Run ${run + 1}, ${days[run] ?? ''}\n${valueText(metric, values[index] ?? 0)} (median of ${counted(samples, 'sample')})\n${printable(directoryName(runs[run]?.directory ?? ''))}`;
  };
  const base = { loader: heading, order: 0 };
  const scaled = values.map(of);
  const marks: readonly Datum[] = [
    ...(isCounter(metric) ? [] : roomAround(scaled, ROOM)),
    ...values.map((value, index) => ({ ...base, part: 'row', run: runAt(index), value: of(value), tip: tipOf(index) })),
    ...starts.map((from, index) => {
      const end = (starts[index + 1] ?? values.length) - 1;
      const level = median(values.slice(from, end + 1));
      const tip = `Median of runs ${runAt(from)} to ${runAt(end)}: ${valueText(metric, level)}`;
      return { ...base, part: 'level', run: runAt(from), to: runAt(end), value: of(level), tip };
    }),
    ...changes.map(({ at, text, day }) => ({
      ...{ ...base, part: 'change', run: runAt(at), label: text, brief: text.split(' ')[0] ?? '' },
      // The text stays in the drawing.
      side: at > values.length / 2 ? 'right' : 'left',
      tip: `${text}\nRun ${runAt(at)}, ${day}, is the first after it`,
    })),
  ];
  const looked = normalized ? ' Changes are looked for in times divided by the ceilings of their runs.' : '';
  return {
    ...{ id, kind: 'trend', unit, title: upper(name), places: [], data: marks },
    note: `${counted(values.length, 'run')}, each a median of ${least === most ? counted(most, 'sample') : `${least} to ${most} samples`}; last ${series.last}.${changes.length > 0 || values.length >= LEAST_FOR_CHANGE ? looked : ` It takes ${LEAST_FOR_CHANGE} runs to find a change.`}`,
    table: {
      head: ['Run', 'Began', upper(name), 'Samples', 'Change', 'Directory'],
      rows: values.map((value, index) => {
        const { run = 0, samples = 0 } = points[index] ?? {};
        const { startedAt = '', directory = '' } = runs[run] ?? {};
        const change = changes.find(({ at }) => at === index);
        return [
          ...[String(run + 1), printable(startedAt), valueText(metric, value), String(samples), change?.text ?? ''],
          printable(directory),
        ];
      }),
    },
  };
}

const directoryName = (path: string): string => path.split('/').at(-1) ?? path;
const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
