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

function scaleOf(variant: Variant, isLog: boolean) {
  // Numbers of narrow rows stand within the drawing, at its right. Padding would begin a scale from zero below it.
  const padding = variant.width === 'wide' ? 14 : 40;
  return {
    field: 'value',
    type: 'quantitative' as const,
    title: `${unitTitles[variant.unit]}${isLog ? ' (log scale)' : ''}`,
    scale: isLog ? { type: 'log' as const, nice: false, padding } : { zero: true, nice: true },
    axis: { format: isLog ? ',~g' : ',~r', tickCount: variant.width === 'wide' ? 8 : 4 },
  };
}

/** Medians as dots with their ranges. */
function dots(variant: Variant, x: object, part: string, mark: object): readonly Layer[] {
  const y = loaderAxis(variant);
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

/** From zero: all of them are alike as a rule, and shall look so. */
export function speedSpec(variant: Variant): TopLevelSpec {
  const x = scaleOf(variant, false);
  return specOf(variant, {
    row: 22,
    layer: [
      ...dots(variant, x, 'prefill', { filled: false, strokeWidth: 1.5 }),
      ...dots(variant, x, 'row', { filled: true }),
      noteLayer(variant),
    ],
  });
}

export function rooflineSpec(variant: Variant): TopLevelSpec {
  const x = scaleOf(variant, true);
  return specOf(variant, {
    row: 24,
    layer: [...limitLayers(x, MOST_LIMITS, variant), ...dots(variant, x, 'row', { filled: true }), noteLayer(variant)],
  });
}
