/** Dashed lines across all rows, each with its name above the drawing on a line of its own. */
import { told, type Layer, type Variant } from './chart-layout.js';

/** Of a line of text, pixels. */
const LINE = 14;

/** Data say by `line` which text is the lowest, from 0, and by `side` whether it ends (`right`) or begins at its line. */
export function limitLayers(x: object, most: number, { width }: Variant): readonly Layer[] {
  return Array.from({ length: most }, (_, line): readonly Layer[] => {
    const transform = [{ filter: `datum.part === 'limit' && datum.line === ${line}` }];
    return [
      {
        transform,
        mark: { type: 'rule', stroke: 'currentColor', strokeWidth: 1.5, strokeDash: [5, 3] },
        encoding: {
          x: { ...x, field: 'value' },
          ...{ y: { value: -LINE * (line + 1) }, y2: { value: 'height' } },
          ...told,
        },
      },
      {
        transform,
        mark: {
          ...{ type: 'text', baseline: 'bottom', dy: -3 - LINE * line, fontSize: 11, fill: 'currentColor' },
          ...{ align: { expr: 'datum.side' }, dx: { expr: "datum.side === 'right' ? -4 : 4" } },
        },
        encoding: {
          ...{ x: { ...x, field: 'value' }, y: { value: 0 }, ...told },
          text: { field: width === 'wide' ? 'label' : 'brief', type: 'nominal' },
        },
      },
    ];
  }).flat();
}
