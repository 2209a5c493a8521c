/** The kernel against memory and arithmetic: bandwidth of decoding in rows, and the roofline of all work. */
import type { TopLevelSpec } from 'vega-lite';
import { below, loaderAxis, noteLayer, specOf, told, unitTitles, type Variant } from './chart-layout.js';

/** Of Okabe and Ito, as src/report/looks.ts has them; instruction sets take them in the order of their names. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#b3609a', '#c07f00'];

const isaColor = {
  field: 'isa',
  type: 'nominal' as const,
  title: null,
  scale: { range: COLORS },
};
const part = (name: string, test = '') => [{ filter: `datum.part === '${name}'${test}` }];

export function kernelDecodeSpec(variant: Variant): TopLevelSpec {
  const y = loaderAxis(variant);
  const x = {
    field: 'value',
    type: 'quantitative' as const,
    title: unitTitles[variant.unit],
    scale: { zero: true, nice: true },
    axis: { format: ',~g', tickCount: variant.width === 'wide' ? 8 : 4 },
  };
  return specOf(variant, {
    row: 24,
    layer: [
      {
        transform: part('ceiling', ' && datum.low < datum.high'),
        mark: { type: 'rule', stroke: 'currentColor', strokeWidth: 9, opacity: 0.16, ...below(variant) },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, ...told },
      },
      {
        transform: part('ceiling'),
        mark: { type: 'tick', color: 'currentColor', thickness: 2.5, size: 18, ...below(variant) },
        encoding: { y, x, ...told },
      },
      {
        transform: part('decode', ' && datum.low < datum.high'),
        mark: { type: 'rule', strokeWidth: 1.5, ...below(variant) },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color: isaColor, ...told },
      },
      {
        transform: part('decode'),
        mark: { type: 'point', filled: true, size: 75, opacity: 1, ...below(variant) },
        encoding: { y, x, color: isaColor, ...told },
      },
      noteLayer(variant),
    ],
  });
}

export function kernelRooflineSpec(variant: Variant): TopLevelSpec {
  const wide = variant.width === 'wide';
  const scale = { type: 'log' as const, nice: false, padding: 22 };
  const x = {
    field: 'intensity',
    type: 'quantitative' as const,
    title: 'FLOP a byte of weights read (log scale)',
    scale,
    axis: { format: ',~g', tickCount: wide ? 10 : 4 },
  };
  const y = {
    field: 'value',
    type: 'quantitative' as const,
    title: `${unitTitles[variant.unit]} (log scale)`,
    scale,
    axis: { format: ',~g', tickCount: 6 },
  };
  return specOf(variant, {
    row: null,
    height: 420,
    layer: [
      {
        transform: part('roof'),
        mark: { type: 'line', stroke: 'currentColor', strokeWidth: 1.5, strokeDash: [5, 3] },
        encoding: { x, y, detail: { field: 'threads', type: 'nominal' }, ...told },
      },
      {
        transform: part('roof label'),
        mark: {
          ...{ type: 'text', baseline: 'middle', fontSize: 11, fill: 'currentColor' },
          ...{ align: { expr: 'datum.side' }, dx: { expr: "datum.side === 'right' ? -7 : 7" } },
          dy: { expr: '14 * datum.line' },
        },
        encoding: { x, y, text: { field: 'label', type: 'nominal' }, ...told },
      },
      {
        transform: part('point', ' && datum.low < datum.high'),
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.6 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color: isaColor, ...told },
      },
      {
        transform: part('point'),
        mark: { type: 'point', filled: true, opacity: 0.9 },
        encoding: {
          x,
          y,
          color: isaColor,
          shape: { field: 'work', type: 'nominal', title: null },
          size: { condition: { test: 'datum.few', value: 22 }, value: 75 },
          ...told,
        },
      },
      {
        transform: part('name'),
        mark: {
          type: 'text',
          align: 'left',
          baseline: 'middle',
          angle: -50,
          dx: 9,
          fontSize: 10,
          fill: 'currentColor',
        },
        encoding: { x, y, text: { field: 'label', type: 'nominal' }, ...told },
      },
    ],
  });
}
