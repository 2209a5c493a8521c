/** Runs side by side: a row a loader and run, a dot with its interval. */
import type { TopLevelSpec } from 'vega-lite';
import {
  below,
  loaderAxis,
  noteLayer,
  ownColor,
  ownShape,
  roomLayer,
  specOf,
  told,
  unitTitles,
  type Variant,
} from './chart-layout.js';

export function runsSpec(variant: Variant): TopLevelSpec {
  return dotSpec(variant, {
    field: 'value',
    type: 'quantitative',
    title: `${variant.moment}, ${unitTitles[variant.unit]} (log scale)`,
    scale: { type: 'log', nice: false, padding: 14 },
    axis: { format: ',~g', tickCount: variant.width === 'wide' ? 8 : 4 },
  });
}

export function ratesSpec(variant: Variant): TopLevelSpec {
  return dotSpec(variant, {
    field: 'value',
    type: 'quantitative',
    title: unitTitles[variant.unit],
    scale: { zero: true, nice: true },
    axis: { format: ',~r', tickCount: variant.width === 'wide' ? 8 : 4 },
  });
}

/** From zero: a share says how much of the limit is left. */
export function sharesSpec(variant: Variant): TopLevelSpec {
  return dotSpec(variant, {
    field: 'value',
    type: 'quantitative',
    title: 'share of the ceiling: 100% is the limit itself',
    scale: { zero: true, nice: true },
    axis: { format: '.0%', tickCount: variant.width === 'wide' ? 8 : 4 },
  });
}

function dotSpec(variant: Variant, x: object): TopLevelSpec {
  const y = loaderAxis(variant);
  const part = (name: string, test = '') => [{ filter: `datum.part === '${name}'${test}` }];
  return specOf(variant, {
    row: 24,
    layer: [
      roomLayer({ x }),
      {
        transform: part('row', ' && datum.low < datum.high'),
        mark: { type: 'rule', opacity: 0.45, ...below(variant) },
        encoding: {
          y,
          x: { ...x, field: 'low' },
          x2: { field: 'high' },
          color: ownColor,
          strokeWidth: { condition: { test: 'datum.few', value: 1.5 }, value: 9 },
          ...told,
        },
      },
      {
        transform: part('pair'),
        mark: { type: 'point', filled: true, size: 14, opacity: 0.9, ...below(variant) },
        encoding: { y, x, color: ownColor, ...told },
      },
      {
        transform: part('row'),
        mark: { type: 'point', filled: true, size: 85, opacity: 1, ...below(variant) },
        encoding: { y, x, color: ownColor, shape: ownShape, ...told },
      },
      noteLayer(variant),
    ],
  });
}
