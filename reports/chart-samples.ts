/** Every sample as a dot: in run order, and by loader. */
import type { TopLevelSpec } from 'vega-lite';
import {
  RATIO_TICKS,
  loaderAxis,
  noteLayer,
  ownColor,
  ownShape,
  roomLayer,
  specOf,
  told,
  unitTitles,
  type Layer,
  type Variant,
} from './chart-layout.js';

export function orderSpec(variant: Variant): TopLevelSpec {
  const x = {
    field: 'minute',
    type: 'quantitative' as const,
    title: 'minutes since the run began',
    scale: { zero: true, nice: false, padding: 6 },
    axis: { tickCount: variant.width === 'wide' ? 10 : 5 },
  };
  const y = {
    field: 'value',
    type: 'quantitative' as const,
    title: `${variant.moment} ÷ its median (log)`,
    scale: { type: 'log' as const, nice: false, padding: 8 },
    axis: { format: ',~g', values: RATIO_TICKS, labelOverlap: 'greedy' as const },
  };
  return specOf(variant, {
    row: null,
    height: 230,
    layer: [
      roomLayer({ y }),
      {
        mark: { type: 'rule', stroke: 'currentColor', strokeOpacity: 0.5, strokeDash: [3, 3], aria: false },
        encoding: { y: { ...y, field: undefined, datum: 1 } },
      },
      {
        transform: [{ filter: "datum.part === 'sample'" }],
        mark: { type: 'point', filled: true, size: 38, opacity: 0.75 },
        encoding: { x, y, color: ownColor, shape: ownShape, ...told },
      },
      {
        transform: [{ filter: "datum.part === 'excluded'" }],
        mark: {
          type: 'point',
          filled: false,
          shape: 'M-1,-1L1,1M1,-1L-1,1',
          size: 60,
          strokeWidth: 1.5,
          stroke: 'currentColor',
        },
        encoding: { x, y, ...told },
      },
    ],
  });
}

export function spreadSpec(variant: Variant): TopLevelSpec {
  const y = loaderAxis(variant);
  const x = {
    field: 'value',
    type: 'quantitative' as const,
    title: `${variant.moment}, ${unitTitles[variant.unit]} (log scale)`,
    scale: { type: 'log' as const, nice: false, padding: 10 },
    axis: { format: ',~g', tickCount: variant.width === 'wide' ? 8 : 4 },
  };
  const inRow = {
    field: 'along',
    type: 'quantitative' as const,
    axis: null,
    // Of narrow rows the upper part holds the name.
    scale: { domain: variant.width === 'wide' ? [-0.25, 1.25] : [-1.3, 1.4], zero: false, nice: false },
  };
  const dots = (part: string, mark: object): Layer => ({
    transform: [{ filter: `datum.part === '${part}'` }],
    mark: { type: 'point', ...mark },
    encoding: {
      ...{ x, y, yOffset: inRow, ...told },
      ...(part === 'sample' ? { color: ownColor, shape: ownShape } : {}),
    },
  });
  return specOf(variant, {
    row: 26,
    layer: [
      roomLayer({ x }),
      {
        transform: [{ filter: "datum.part === 'band'" }],
        mark: { type: 'rule', strokeWidth: 14, opacity: 0.25 },
        encoding: { x, x2: { field: 'high' }, y, color: ownColor, ...told },
      },
      dots('sample', { filled: true, size: 20, opacity: 0.7 }),
      dots('excluded', {
        ...{ filled: false, shape: 'M-1,-1L1,1M1,-1L-1,1', size: 40, strokeWidth: 1.5, stroke: 'currentColor' },
      }),
      {
        transform: [{ filter: "datum.part === 'row'" }],
        mark: {
          type: 'tick',
          thickness: 2,
          color: 'currentColor',
          ...(variant.width === 'wide' ? { size: 20 } : { size: 20, yOffset: 7 }),
        },
        encoding: { x, y, ...told },
      },
      noteLayer(variant),
    ],
  });
}
