/** How each loader looks throughout a page: a name short enough for an axis, one colour and one shape. */
import type { Ledger } from '../samples/record.js';
import { labelOf } from './labels.js';

export interface Look {
  /** Unique among the loaders of a page. */
  readonly name: string;
  readonly color: string;
  readonly shape: string;
}

/**
 * Okabe and Ito's colours, which people who see colours differently can tell apart, without yellow and with orange and sky
 * blue darkened, so that each stands out against white and against near-black (WCAG 1.4.11: at least 3 : 1).
 */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#b3609a', '#c07f00', '#2f8fc4', '#8a6bbe', '#7f7f7f'] as const;

/** After all colours were given, they come again in another shape. */
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross', 'triangle-right'] as const;

/** Fits every name that loaders here have. */
const LONGEST = 46;

/** By label, in plan order. */
export function looksOf({ run }: Ledger): ReadonlyMap<string, Look> {
  const planned = run.plan.arms.flatMap((id) => run.arms[id] ?? []);
  return looksOfLabels([...planned, ...Object.values(run.arms)].map(labelOf));
}

/** In their order; one that comes again keeps its look. */
export function looksOfLabels(all: readonly string[]): ReadonlyMap<string, Look> {
  const labels = [...new Set(all)];
  const names = new Set<string>();
  return new Map(
    labels.map((label, index) => {
      const name = uniqueName(label, names);
      names.add(name);
      return [
        label,
        {
          name,
          color: COLORS[index % COLORS.length] ?? COLORS[0],
          shape: SHAPES[Math.floor(index / COLORS.length) % SHAPES.length] ?? SHAPES[0],
        },
      ];
    }),
  );
}

export function uniqueName(label: string, taken: ReadonlySet<string>): string {
  const short = shortened(label, LONGEST);
  for (let count = 2, name = short; ; count++) {
    if (!taken.has(name)) return name;
    name = `${short} (${count})`;
  }
}

/** Names of variants differ at their ends. */
export function shortened(label: string, longest: number): string {
  const characters = Array.from(label);
  if (characters.length <= longest) return label;
  const half = Math.floor((longest - 1) / 2);
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`;
}
