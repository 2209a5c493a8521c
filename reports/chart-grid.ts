/** Cells with their numbers, darker where these are larger. */
import type { TopLevelSpec } from 'vega-lite';
import { loaderAxis, specOf, told, unitTitles, type Variant } from './chart-layout.js';

export function gridSpec(variant: Variant): TopLevelSpec {
  const narrow = variant.width === 'narrow';
  const rows = loaderAxis(variant);
  const y = { ...rows, axis: { ...rows.axis, grid: false } };
  const x = {
    field: narrow ? 'brief' : 'column',
    type: 'ordinal' as const,
    title: unitTitles[variant.unit],
    sort: { field: 'step', op: 'min' as const },
    axis: { orient: 'top' as const, labelAngle: 0, ticks: false, domain: false, labelLimit: narrow ? 60 : 100 },
    scale: { paddingInner: 0.04, paddingOuter: 0 },
  };
  return specOf(variant, {
    row: 24,
    layer: [
      {
        mark: { type: 'rect', cornerRadius: 2, ...(narrow ? { height: 20, yOffset: 7 } : { height: { band: 0.86 } }) },
        encoding: {
          ...{ x, y, ...told },
          color: {
            field: 'shade',
            type: 'quantitative',
            scale: { domain: [0, 1], range: ['#dceaf5', '#0b4a7d'] },
            legend: null,
          },
        },
      },
      {
        mark: { type: 'text', baseline: 'middle', fontSize: narrow ? 10 : 11.5, ...(narrow ? { yOffset: 8 } : {}) },
        encoding: {
          ...{ x, y, ...told },
          text: { field: 'text', type: 'nominal' },
          color: { condition: { test: 'datum.shade > 0.5', value: '#ffffff' }, value: '#10202e' },
        },
      },
    ],
  });
}
