/** Dashed lines across all rows, each with its name above the drawing on a line of its own. */
import { told, type Layer } from './chart-layout.js';

/** Of a line of text, pixels. */
const LINE = 14;

/**
 * `align`: where a text ends at its line (`right`) the leftmost line has the lowest text, and where it begins there (`left`)
 * the rightmost, so that no line runs through the text of another. Data say by `line` which text is the lowest, from 0.
 */
export function limitLayers(x: object, most: number, align: 'left' | 'right' | 'center'): readonly Layer[] {
  return Array.from({ length: most }, (_, line): readonly Layer[] => {
    const transform = [{ filter: `datum.part === 'limit' && datum.line === ${line}` }];
    const side = align === 'center' ? 0 : align === 'left' ? 4 : -4;
    return [
      {
        transform,
        mark: { type: 'rule', stroke: 'currentColor', strokeWidth: 1.5, strokeDash: [5, 3] },
        encoding: {
          x: { ...x, field: 'value' },
          ...{ y: { value: align === 'center' ? 0 : -LINE * (line + 1) }, y2: { value: 'height' } },
          ...told,
        },
      },
      {
        transform,
        mark: {
          ...{ type: 'text', align, baseline: 'bottom', dx: side, dy: -3 - LINE * line, fontSize: 11 },
          fill: 'currentColor',
        },
        encoding: { x: { ...x, field: 'value' }, y: { value: 0 }, text: { field: 'label', type: 'nominal' }, ...told },
      },
    ];
  }).flat();
}
