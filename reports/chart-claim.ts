/** Measured figures with their intervals, each in front of the field in which it is as claimed. */
import type { TopLevelSpec } from 'vega-lite';
import { below, loaderAxis, noteLayer, specOf, told, unitTitles, type Layer, type Variant } from './chart-layout.js';

/** Told apart by shape as well. */
const VERDICTS = [
  ['reproduced', '#009e73', 'circle'],
  ['direction only', '#c07f00', 'triangle-up'],
  ['refuted', '#d3443c', 'square'],
  ['undecided', '#7f7f7f', 'diamond'],
  ['shown beside', '#2f8fc4', 'cross'],
] as const;

const NOTE_WIDTH = 230;

const TICKS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.5],
  ...[2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
];

function axisOf({ unit, width }: Variant) {
  const wide = width === 'wide';
  // A share may be nothing at all, and has its zero.
  if (unit === '%') {
    const axis = { format: ',~r', tickCount: wide ? 8 : 4 };
    return { title: 'per cent', scale: { type: 'linear' as const, zero: true, nice: true, padding: 10 }, axis };
  }
  const scale = { type: 'log' as const, nice: false, padding: 14 };
  const axis = { format: ',~g', labelOverlap: 'greedy' as const };
  return unit === 'ratio'
    ? { title: 'times (log scale)', scale, axis: { ...axis, values: TICKS } }
    : { title: `${unitTitles[unit]} (log scale)`, scale, axis: { ...axis, tickCount: wide ? 8 : 4 } };
}

export function claimSpec(variant: Variant): TopLevelSpec {
  const y = loaderAxis(variant);
  const x = { field: 'value', type: 'quantitative' as const, ...axisOf(variant) };
  const verdict = {
    field: 'verdict',
    type: 'nominal' as const,
    sort: null,
  };
  const color = {
    ...verdict,
    scale: { domain: VERDICTS.map(([name]) => name), range: VERDICTS.map(([, of]) => of) },
    legend: { symbolOpacity: 1, columns: variant.width === 'wide' ? 5 : 2 },
  };
  const shape = {
    ...verdict,
    scale: { domain: VERDICTS.map(([name]) => name), range: VERDICTS.map(([, , of]) => of) },
  };
  const zone = (bound: 'at-least' | 'at-most'): readonly Layer[] => [
    {
      transform: [{ filter: `datum.part === '${bound}'` }],
      mark: { type: 'rule', stroke: '#009e73', strokeOpacity: 0.16, strokeWidth: 20, aria: false, ...below(variant) },
      encoding: { y, x: { ...x, field: 'claimed' }, x2: { value: bound === 'at-least' ? 'width' : 0 } },
    },
    {
      transform: [{ filter: `datum.part === '${bound}'` }],
      mark: { type: 'tick', thickness: 2, size: 20, color: '#009e73', ...below(variant) },
      encoding: { y, x: { ...x, field: 'claimed' }, ...told },
    },
  ];
  const one: readonly Layer[] =
    variant.unit === 'ratio'
      ? [
          {
            mark: { type: 'rule', stroke: 'currentColor', strokeOpacity: 0.5, strokeDash: [3, 3], aria: false },
            encoding: { x: { ...x, field: undefined, datum: 1 } },
          },
        ]
      : [];
  return specOf(variant, {
    row: 26,
    layer: [
      ...one,
      ...zone('at-least'),
      ...zone('at-most'),
      {
        transform: [{ filter: "datum.part === 'row' && datum.low < datum.high" }],
        mark: { type: 'rule', opacity: 0.5, ...below(variant) },
        encoding: {
          ...{ y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color, ...told },
          strokeWidth: { condition: { test: 'datum.few', value: 1.5 }, value: 9 },
        },
      },
      {
        transform: [{ filter: "datum.part === 'row'" }],
        mark: { type: 'point', filled: true, size: 85, opacity: 1, ...below(variant) },
        encoding: { y, x, color, shape, ...told },
      },
      noteLayer(variant, NOTE_WIDTH),
    ],
  });
}
