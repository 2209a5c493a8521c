/** The smallest memory of each loader, as text for a terminal. */
import type { FitLine } from '../src/report/fit.js';
import { hang, padEnd, padStart, textWidth, wrap } from './text-layout.js';

export interface FitTable {
  /** What was weighed, a line each. */
  readonly heading: readonly string[];
  readonly lines: readonly FitLine[];
  readonly notes: readonly string[];
}

const GAP = '  ';
const HEADER: FitLine = {
  loader: 'loader',
  smallest: 'smallest',
  ofModel: 'of model',
  speed: 'speed there',
  ofUnlimited: 'kept',
  below: 'below',
};

/** Ends with a line break. No line is wider than `width`, which is at least 80. */
export function fitTable({ heading, lines, notes }: FitTable, width = 80): string {
  const columns = Math.max(80, width);
  const rows = [HEADER, ...lines];
  const most = (of: (line: FitLine) => string): number => Math.max(...rows.map((line) => textWidth(of(line))));
  const row = (line: FitLine): readonly string[] => {
    const cells = [
      padEnd(
        line.loader,
        most(({ loader }) => loader),
      ),
      padStart(
        line.smallest,
        most(({ smallest }) => smallest),
      ),
      padStart(
        line.ofModel,
        most(({ ofModel }) => ofModel),
      ),
      padStart(
        line.speed,
        most(({ speed }) => speed),
      ),
      padStart(
        line.ofUnlimited,
        most(({ ofUnlimited }) => ofUnlimited),
      ),
    ];
    const before = cells.join(GAP) + GAP;
    // What lies below is told on a line of its own where there is no room for it.
    return columns - textWidth(before) >= 24
      ? hang(before, line.below, columns)
      : [before.trimEnd(), ...(line === HEADER ? [] : hang('    below: ', line.below, columns))];
  };
  const all = [
    ...heading.flatMap((text) => wrap(text, columns)),
    '',
    ...rows.flatMap(row),
    '',
    ...notes.flatMap((note) => hang('* ', note, columns)),
  ];
  return all.map((text) => `${text.trimEnd()}\n`).join('');
}
