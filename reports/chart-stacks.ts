/** Stacked bars: phases of time, and parts of memory. Both from zero. */
import type { TopLevelSpec } from 'vega-lite';
import { below, loaderAxis, noteLayer, specOf, told, unitTitles, type Variant } from './chart-layout.js';
import { limitLayers } from './chart-limits.js';

/** Names as the report's data have them, each with a colour that stands out on white and on near-black. */
type Palette = readonly (readonly [name: string, color: string])[];

const PHASES: Palette = [
  ['open (header)', '#8c8c8c'],
  ['acquire (load)', '#0072b2'],
  ['debt, explained', '#d55e00'],
  ['debt, unexplained', '#e3a62f'],
  ['first token itself', '#009e73'],
  ['complete (rest read)', '#b3609a'],
];

/** Where weights are touched instead of run. */
const TOUCHED_PHASES: Palette = [
  ['open (header)', '#8c8c8c'],
  ['acquire (load)', '#0072b2'],
  ['needed bytes touched', '#009e73'],
  ['complete (rest touched)', '#b3609a'],
];

const MEMORY: Palette = [
  ['anonymous', '#d55e00'],
  ['huge-page pool', '#9c3f00'],
  ['shared memory', '#e3a62f'],
  ['swapped out', '#7a5c00'],
  ['page tables', '#b3609a'],
  ['page cache, locked', '#005a8c'],
  ['page cache (reclaimable)', '#56a6d8'],
  ['KV cache and scratch', '#9a9a9a'],
];

export function phaseSpec(variant: Variant): TopLevelSpec {
  const palette = variant.moment === 'first token' ? PHASES : TOUCHED_PHASES;
  return stackSpec(variant, palette, `${unitTitles[variant.unit]} from the start; at the right: ${variant.moment}`);
}

export function memorySpec(variant: Variant): TopLevelSpec {
  return stackSpec(variant, MEMORY, unitTitles[variant.unit]);
}

function stackSpec(variant: Variant, palette: Palette, title: string): TopLevelSpec {
  const x = {
    field: 'value',
    type: 'quantitative' as const,
    title,
    scale: { zero: true, nice: true },
    axis: { format: ',~r', tickCount: variant.width === 'wide' ? 8 : 4 },
  };
  return specOf(variant, {
    row: 24,
    linesAbove: 2,
    layer: [
      {
        transform: [{ filter: "datum.part === 'phase'" }],
        mark: { type: 'bar', size: 14, ...below(variant) },
        encoding: {
          y: loaderAxis(variant),
          x: { ...x, stack: 'zero' },
          color: {
            field: 'phase',
            type: 'nominal',
            scale: { domain: palette.map(([name]) => name), range: palette.map(([, color]) => color) },
          },
          order: { field: 'stack', type: 'quantitative' },
          ...told,
        },
      },
      ...limitLayers(x, 2, variant),
      noteLayer(variant),
    ],
  });
}
