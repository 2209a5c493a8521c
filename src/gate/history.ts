/** The trend of figures over many runs. Pure. */
import { printable } from '../failure.js';
import { counted, percent } from '../report/format.js';
import type { GateMetric } from '../samples/record.js';
import { changePoints, LEAST_FOR_CHANGE } from '../statistics/change-points.js';
import { isCounter } from '../statistics/metrics.js';
import { median } from '../statistics/order.js';
import type { BaselineEntry, BaselineFile } from './baseline-types.js';
import { placeKey } from './check.js';
import { GATE_METRICS } from './register.js';
import { valueText } from './verdict-view.js';
import { metricName, relative } from './words.js';

export interface HistoryChange {
  /** Index of the first run after it. */
  readonly at: number;
  readonly ratio: number;
  readonly p: number;
  /** Of that run, as the day it began. */
  readonly day: string;
  readonly text: string;
}

export interface HistorySeries {
  readonly metric: GateMetric;
  readonly name: string;
  /** Median of each run, in the order of time. */
  readonly values: readonly number[];
  /** Of each value: its run among those of the group, and how many samples it is the median of. */
  readonly points: readonly { readonly run: number; readonly samples: number }[];
  /** What changes were looked for in: medians of costs ÷ ceilings where all runs have them. */
  readonly normalized: boolean;
  readonly low: string;
  readonly high: string;
  readonly last: string;
  readonly changes: readonly HistoryChange[];
}

/** One arm in one state on one machine. */
export interface HistoryGroup {
  readonly heading: string;
  readonly fingerprint: string;
  readonly days: readonly string[];
  /** When each run began, and the directory that it lies in. */
  readonly runs: readonly { readonly startedAt: string; readonly directory: string }[];
  readonly series: readonly HistorySeries[];
  /** Names of metrics that are the same in all runs. */
  readonly constant: readonly string[];
}

export interface History {
  readonly groups: readonly HistoryGroup[];
  readonly notes: readonly string[];
}

/** `runs` in any order. `metrics` null for all. */
export function historyOf(runs: readonly BaselineFile[], metrics: readonly GateMetric[] | null, seed: number): History {
  const ordered = runs.toSorted((a, b) => (a.provenance.startedAt < b.provenance.startedAt ? -1 : 1));
  const points = ordered.flatMap((run) => run.entries.flatMap((entry) => (entry.ok === 0 ? [] : [{ run, entry }])));
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    // Different machines are never pooled.
    const key = `${point.run.provenance.fingerprint} ${placeKey(point.entry)}`;
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  const wanted = GATE_METRICS.filter((metric) => metrics?.includes(metric) ?? true);
  const found = [...groups.values()]
    .map((group) => groupOf(group, wanted, seed))
    .filter(({ series, constant }) => series.length + constant.length > 0);
  return {
    groups: found,
    notes: [
      `▲ marks the first run after a change: a split by ranks, significant at 1 % against permutations of the runs. It takes ${LEAST_FOR_CHANGE} runs to find any, and 3 on either side. Each series is tested by itself: chance marks about one in a hundred of those that never changed.`,
      ...(found.some(({ series }) => series.some(({ normalized }) => normalized))
        ? [
            'Changes of times are looked for in times divided by the ceilings of their runs, where all runs have them; what is shown is as measured.',
          ]
        : []),
      ...(new Set(found.map(({ fingerprint }) => fingerprint)).size > 1
        ? ['Runs of different machines stand apart and are never pooled.']
        : []),
    ],
  };
}

interface Point {
  readonly run: BaselineFile;
  readonly entry: BaselineEntry;
}

function groupOf(points: readonly Point[], metrics: readonly GateMetric[], seed: number): HistoryGroup {
  const [first] = points;
  if (first === undefined) throw new RangeError('a group of no runs');
  const { label, state, memoryState, work } = first.entry;
  const { fingerprint, modelPaths } = first.run.provenance;
  const all = metrics.flatMap((metric) => seriesOf(points, metric, seed));
  const isConstant = ({ metric, values }: HistorySeries): boolean =>
    isCounter(metric) && values.every((value) => value === values[0]);
  return {
    heading: printable(
      `${label}, ${work === 'touch' ? 'loading alone, ' : ''}${state}, free memory ${memoryState}: ${counted(points.length, 'run')} of ${shortPath(modelPaths[0] ?? '')} on ${fingerprint.slice(0, 8)}`,
    ),
    fingerprint,
    days: points.map(({ run }) => dayOf(run)),
    runs: points.map(({ run: { provenance } }) => ({ startedAt: provenance.startedAt, directory: provenance.run })),
    series: all.filter((series) => !isConstant(series)),
    constant: all.filter(isConstant).map(({ name, last }) => `${name} ${last}`),
  };
}

const shortPath = (path: string): string => path.split('/').at(-1) ?? path;
const dayOf = (run: BaselineFile): string => run.provenance.startedAt.slice(0, 10);

function seriesOf(points: readonly Point[], metric: GateMetric, seed: number): readonly HistorySeries[] {
  const having = points.flatMap(({ run, entry }, index) => {
    const figures = entry.metrics[metric];
    return figures === undefined ? [] : [{ run: index, day: dayOf(run), figures }];
  });
  if (having.length === 0) return [];
  const values = having.map(({ figures }) => figures.median);
  const ratios = having.flatMap(({ figures }) => (figures.normalized === null ? [] : [median(figures.normalized)]));
  const normalized = ratios.length === having.length;
  const looked = normalized ? ratios : values.map((value) => (isCounter(metric) ? value + 1 : value));
  const changes = changePoints(looked, { seed }).map((found): HistoryChange => {
    const day = having[found.at]?.day ?? '';
    const size = found.ratio >= 1 ? `+${relative(found.ratio - 1)}` : `−${percent(1 - found.ratio)}`;
    return { ...found, day, text: `${size} from ${day}, p ${found.p.toFixed(4)}` };
  });
  const [low, high, last] = [Math.min(...values), Math.max(...values), values.at(-1) ?? 0].map((value) =>
    valueText(metric, value),
  );
  return [
    {
      metric,
      name: metricName(metric, points[0]?.entry ?? {}),
      values,
      points: having.map(({ run, figures }) => ({ run, samples: figures.values.length })),
      normalized,
      low: low ?? '',
      high: high ?? '',
      last: last ?? '',
      changes,
    },
  ];
}
