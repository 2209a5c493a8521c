/** One figure over many runs, with the levels between its changes. */
import type { TopLevelSpec } from 'vega-lite';
import { roomLayer, specOf, told, unitTitles, type Variant } from './chart-layout.js';

export function trendSpec(variant: Variant): TopLevelSpec {
  const wide = variant.width === 'wide';
  const x = {
    field: 'run',
    type: 'quantitative' as const,
    title: 'run, oldest first',
    scale: { zero: false, nice: false, padding: 12 },
    axis: { format: 'd', tickMinStep: 1, tickCount: wide ? 10 : 5, grid: false },
  };
  // Counts and sizes may be nothing, and have their zero; of times a tenth more looks alike everywhere.
  const isTime = variant.unit === 'ms' || variant.unit === 's';
  const y = {
    field: 'value',
    type: 'quantitative' as const,
    title: `${unitTitles[variant.unit]}${isTime ? ' (log scale)' : ''}`,
    scale: isTime ? { type: 'log' as const, nice: false, padding: 12 } : { zero: true, nice: true },
    axis: { format: ',.4~r', tickCount: 5 },
  };
  const part = (name: string) => [{ filter: `datum.part === '${name}'` }];
  return specOf(variant, {
    row: null,
    height: 130,
    layer: [
      roomLayer({ y }),
      {
        transform: part('change'),
        mark: { type: 'rule', stroke: '#d55e00', strokeWidth: 1.5, strokeDash: [5, 3] },
        encoding: { x, ...told },
      },
      {
        transform: part('change'),
        mark: {
          type: 'text',
          baseline: 'bottom',
          dy: -4,
          fontSize: 11,
          fill: 'currentColor',
          align: { expr: 'datum.side' },
        },
        encoding: { x, y: { value: 0 }, text: { field: wide ? 'label' : 'brief', type: 'nominal' }, ...told },
      },
      {
        transform: part('level'),
        mark: { type: 'rule', stroke: '#0072b2', strokeWidth: 2, opacity: 0.6 },
        encoding: { x, x2: { field: 'to' }, y, ...told },
      },
      {
        transform: part('row'),
        mark: { type: 'line', stroke: 'currentColor', strokeOpacity: 0.25, strokeWidth: 1, aria: false },
        encoding: { x, y },
      },
      {
        transform: part('row'),
        mark: { type: 'point', filled: true, size: 34, opacity: 0.9, color: '#0072b2' },
        encoding: { x, y, ...told },
      },
    ],
  });
}
