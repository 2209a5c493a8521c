/** Speeds: tokens per second, and bytes per second below the limits of the machine. */
import type { TopLevelSpec } from 'vega-lite';
import {
  below,
  loaderAxis,
  noteLayer,
  ownColor,
  ownShape,
  specOf,
  told,
  unitTitles,
  type Layer,
  type Variant,
} from './chart-layout.js';
import { limitLayers } from './chart-limits.js';

/** Device and home, copy, first touch in small and in huge pages, memory. */
const MOST_LIMITS = 6;

function scaleOf(variant: Variant) {
  return {
    field: 'value',
    type: 'quantitative' as const,
    title: `${unitTitles[variant.unit]} (log scale)`,
    // Numbers of narrow rows stand within the drawing, at its right.
    scale: { type: 'log' as const, nice: false, padding: variant.width === 'wide' ? 14 : 40 },
    axis: { format: ',~g', tickCount: variant.width === 'wide' ? 8 : 4 },
  };
}

/** Medians as dots with their ranges. */
function dots(variant: Variant, part: string, mark: object): readonly Layer[] {
  const y = loaderAxis(variant);
  const x = scaleOf(variant);
  return [
    {
      transform: [{ filter: `datum.part === '${part}' && datum.low < datum.high` }],
      mark: { type: 'rule', strokeWidth: 1.5, ...below(variant) },
      encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color: ownColor, ...told },
    },
    {
      transform: [{ filter: `datum.part === '${part}'` }],
      mark: { type: 'point', size: 80, opacity: 1, ...mark, ...below(variant) },
      encoding: { y, x, color: ownColor, shape: ownShape, ...told },
    },
  ];
}

export function speedSpec(variant: Variant): TopLevelSpec {
  return specOf(variant, {
    row: 22,
    layer: [
      ...dots(variant, 'prefill', { filled: false, strokeWidth: 1.5 }),
      ...dots(variant, 'row', { filled: true }),
      noteLayer(variant),
    ],
  });
}

export function rooflineSpec(variant: Variant): TopLevelSpec {
  const x = scaleOf(variant);
  return specOf(variant, {
    row: 24,
    layer: [...limitLayers(x, MOST_LIMITS, variant), ...dots(variant, 'row', { filled: true }), noteLayer(variant)],
  });
}
