/**
 * What all charts have in common: rows of loaders, a column of numbers beside or above them, and colours that follow the
 * text around them, so that one drawing serves light, dark and paper. Specifications never hold data: a chart's kind, unit
 * and width alone decide them, and nothing that a run named can become part of an expression.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { LayerSpec, UnitSpec } from 'vega-lite/types_unstable/spec/index.js';
import type { Field } from 'vega-lite/types_unstable/channeldef.js';
import type { ChartUnit, Moment } from '../src/report/page.js';

/** Wide: names at the left. Narrow: names above their rows, for telephones. */
export type Width = 'wide' | 'narrow';

export interface Variant {
  readonly unit: ChartUnit;
  /** What times are to. */
  readonly moment: Moment;
  readonly width: Width;
}

export type Layer = LayerSpec<Field> | UnitSpec<Field>;

/** Of the whole drawing, pixels. */
export const WIDE = 960;
export const NARROW = 340;

export const FONT = 'system-ui, "Source Sans 3", "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Of a row of loaders. */
export function step({ width }: Variant, height = 24): number {
  return width === 'wide' ? height : height + 18;
}

/** Longest text of the column of numbers at the right; the drawing leaves as much space as the texts take. */
const NOTE_WIDTH = 190;

export const unitTitles: Readonly<Record<ChartUnit, string>> = {
  ms: 'milliseconds',
  s: 'seconds',
  MiB: 'MiB',
  GiB: 'GiB',
  'GB/s': 'GB/s',
  'GFLOP/s': 'GFLOP/s',
  'tokens/s': 'tokens per second',
  ratio: 'ratio',
  '%': 'per cent',
  count: 'count',
};

/** The row of a loader. */
export function loaderAxis({ width }: Variant) {
  const axis =
    width === 'wide'
      ? { labelLimit: 330, labelFontSize: 12, labelPadding: 8 }
      : {
          // Inside of the drawing, at the top of the row.
          ...{ labelAlign: 'left' as const, labelPadding: -1, labelOffset: -10, labelLimit: 265, labelFontSize: 11 },
          zindex: 1,
        };
  return {
    field: 'loader',
    type: 'nominal' as const,
    title: null,
    sort: { field: 'order', op: 'min' as const },
    axis: { ...axis, ticks: false, domain: false, grid: width === 'wide', gridOpacity: 0.08 },
  };
}

/** Centres marks below the names of narrow rows. */
export function below({ width }: Variant): { readonly yOffset?: number } {
  return width === 'wide' ? {} : { yOffset: 7 };
}

/** Numbers of each row: at the right of the drawing, or of narrow rows above the marks. */
export function noteLayer(variant: Variant, limit = NOTE_WIDTH): Layer {
  const wide = variant.width === 'wide';
  return {
    transform: [{ filter: "datum.part === 'row'" }],
    mark: {
      type: 'text',
      ...(wide
        ? { align: 'left', dx: 10, fontSize: 11.5, limit }
        : { align: 'right', yOffset: -10, fontSize: 11, limit: 90 }),
      fill: 'currentColor',
      baseline: 'middle',
      aria: false,
    },
    encoding: {
      y: loaderAxis(variant),
      x: { value: 'width' },
      text: { field: wide ? 'note' : 'short', type: 'nominal' },
    },
  };
}

const tip = { field: 'tip', type: 'nominal' as const };
/** To who points at a mark, and to who cannot see it. */
export const told = { tooltip: tip, description: tip };
export const ownColor = { field: 'color', type: 'nominal' as const, scale: null, legend: null };
export const ownShape = { field: 'shape', type: 'nominal' as const, scale: null, legend: null };

/** Ticks of ratios: of those that the scale holds, labels that would overlap are left out. */
export const RATIO_TICKS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1],
  ...[1.05, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000],
];

/** Widens a scale as far as data of this part reach, and shows nothing. */
export function roomLayer(encoding: object): Layer {
  return {
    transform: [{ filter: "datum.part === 'room'" }],
    mark: { type: 'point', opacity: 0, aria: false, tooltip: null },
    encoding,
  };
}

export interface Drawing {
  readonly layer: readonly Layer[];
  /** A row's height in wide drawings; null where there are no rows. */
  readonly row: number | null;
  /** Where there are no rows. */
  readonly height?: number;
  /** Lines of text between drawing and legend. */
  readonly linesAbove?: number;
}

export function specOf(variant: Variant, { layer, row, height = 260, linesAbove = 0 }: Drawing): TopLevelSpec {
  const wide = variant.width === 'wide';
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: wide ? WIDE : NARROW,
    height: row === null ? height : { step: step(variant, row) },
    autosize: { type: 'fit-x', contains: 'padding' },
    padding: { left: 2, right: 6, top: 5, bottom: 5 },
    background: 'transparent',
    data: { name: 'rows' },
    layer: [...layer],
    config: {
      font: FONT,
      view: { stroke: null },
      axis: {
        labelColor: 'currentColor',
        titleColor: 'currentColor',
        tickColor: 'currentColor',
        domainColor: 'currentColor',
        gridColor: 'currentColor',
        gridOpacity: 0.14,
        domainOpacity: 0.4,
        tickOpacity: 0.4,
        labelFontSize: 11,
        // Of a logarithmic scale those above 1 stand closer and closer.
        labelSeparation: 5,
        titleFontSize: 11.5,
        titleFontWeight: 'normal',
      },
      legend: {
        labelColor: 'currentColor',
        titleColor: 'currentColor',
        labelFontSize: 11.5,
        labelLimit: 220,
        orient: 'top',
        direction: 'horizontal',
        columns: wide ? 4 : 2,
        title: null,
        symbolType: 'square',
        offset: 6 + 14 * linesAbove,
      },
      text: { fill: 'currentColor' },
    },
  };
}
