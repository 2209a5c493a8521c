/** Charts compiled and drawn without a browser. Takes half a second to import: imported only where a chart is asked for. */
import * as vega from 'vega';
import { Error as ErrorLevel, View, logger, parse, type Spec } from 'vega';
import { compile } from 'vega-lite';
import type { Chart, Datum } from '../src/report/page.js';
import { kinds } from './chart-kinds.js';
import type { Variant, Width } from './chart-layout.js';

// Vega's own estimate, 0.8 of the size a character, leaves a third of a drawing empty beside long names.
// It is exported, but its types do not say so.
const { textMetrics } = vega as unknown as { readonly textMetrics: TextMetrics };
textMetrics.width = ({ fontSize = 11, limit = 0 }, text) => {
  const width = widthOf(String(text ?? '')) * fontSize;
  return limit > 0 ? Math.min(width, limit) : width;
};

interface TextMetrics {
  width: (item: { readonly fontSize?: number; readonly limit?: number }, text?: string | number | null) => number;
}

/** In ems, as wide as DejaVu Sans, the widest of the usual faces: a name whose first letter is cut is worse than some space. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text)
    width += /[iljtfrI.,:;|'!()[\] -]/.test(character) ? 0.36 : /[mwMW@%…]/.test(character) ? 0.97 : 0.62;
  return width;
}

/** What decides a chart's specification, its width aside. */
type Specified = Pick<Chart, 'kind' | 'unit' | 'moment'>;

export function specKey({ kind, unit, moment = 'first token' }: Specified, width: Width): string {
  return `${kind} ${unit} ${moment} ${width}`;
}

const specs = new Map<string, Spec>();

/** The Vega specification of a chart, without its data: the same for all charts of one kind, unit, moment and width. */
export function vegaSpec(chart: Specified, width: Width): Spec {
  const key = specKey(chart, width);
  const known = specs.get(key);
  if (known !== undefined) return known;
  const variant: Variant = { unit: chart.unit, moment: chart.moment ?? 'first token', width };
  const { spec } = compile(kinds[chart.kind].spec(variant), { logger: quiet });
  specs.set(key, spec);
  return spec;
}

/** Warnings of the compiler are of specifications, which tests look at: a run's data cause none. */
const quiet = logger(ErrorLevel);

function withData(spec: Spec, values: readonly Datum[]): Spec {
  return {
    ...spec,
    data: (spec.data ?? []).map((source) => (source.name === 'rows' ? { ...source, values: [...values] } : source)),
  };
}

/** A document of its own, whose texts take the colour that surrounds them. */
export async function chartSvg(chart: Chart, width: Width = 'wide'): Promise<string> {
  const view = new View(parse(withData(vegaSpec(chart, width), chart.data)), { renderer: 'none', logger: quiet });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Every expression of a specification as JavaScript, so that a page can hold them as functions and needs no eval. */
export function expressionsOf(spec: Spec): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        if (name === 'code' && typeof inner === 'string') found.add(inner);
        else visit(inner);
      }
    }
  };
  visit(parse(spec));
  return [...found];
}
