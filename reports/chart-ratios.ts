/** Dots with intervals around the line of the reference. */
import type { TopLevelSpec } from 'vega-lite';
import {
  RATIO_TICKS,
  below,
  loaderAxis,
  noteLayer,
  ownColor,
  ownShape,
  roomLayer,
  specOf,
  told,
  type Variant,
} from './chart-layout.js';

export function ratioSpec(variant: Variant): TopLevelSpec {
  const y = loaderAxis(variant);
  const x = {
    field: 'value',
    type: 'quantitative' as const,
    title: `${variant.moment} ÷ reference (log scale; left is faster)`,
    scale: { type: 'log' as const, nice: false, padding: 14 },
    axis: { format: ',~g', values: RATIO_TICKS, labelOverlap: 'greedy' as const },
  };
  const part = (name: string) => [{ filter: `datum.part === '${name}'` }];
  return specOf(variant, {
    row: 24,
    layer: [
      roomLayer({ x }),
      {
        mark: { type: 'rule', stroke: 'currentColor', strokeOpacity: 0.5, strokeDash: [3, 3], aria: false },
        encoding: { x: { ...x, field: undefined, datum: 1 } },
      },
      {
        transform: [{ filter: "datum.part === 'row' && datum.low < datum.high" }],
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
        transform: part('complete'),
        mark: { type: 'point', filled: false, size: 55, shape: 'diamond', strokeWidth: 1.5, ...below(variant) },
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
