/** The judged claims as text for a terminal. */
import type { ClaimLine, ClaimSection, ClaimsReport } from '../src/report/claims.js';
import { hang, padEnd, padStart, textWidth, wrap } from './text-layout.js';

const GAP = '  ';
/** Leaves room for an interval of times in 80 columns. */
const WHAT = 36;

/** Ends with a line break. No line is wider than `width`, which is at least 80. */
export function claimsText({ title, machine, claims, notes }: ClaimsReport, width = 80): string {
  const columns = Math.max(80, width);
  const lines = [
    ...wrap(title, columns),
    ...wrap(machine, columns),
    ...claims.flatMap((claim, index) =>
      claim.brief === null
        ? ['', ...sectionLines(claim, columns)]
        : [...(claims[index - 1]?.brief == null ? [''] : []), ...briefLines(claim, claim.brief, columns)],
    ),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => hang('* ', note, columns))]),
    // Brief ones have said it.
    ...(claims.every(({ brief }) => brief !== null)
      ? []
      : ['', ...claims.flatMap(({ number, claim, verdict }) => hang(`${number}. `, `${claim}: ${verdict}`, columns))]),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function briefLines({ number, claim, verdict }: ClaimSection, brief: string, columns: number): readonly string[] {
  return hang(`${number}. `, `${claim}: ${verdict.toUpperCase()}, ${brief}`, columns);
}

function sectionLines(
  { number, claim, verdict, why, asks, lines, notes }: ClaimSection,
  columns: number,
): readonly string[] {
  const most = (of: (line: ClaimLine) => string): number => Math.max(0, ...lines.map((line) => textWidth(of(line))));
  const what = Math.min(
    most(({ what: text }) => text),
    WHAT,
  );
  const median = most(({ median: text }) => text);
  return [
    ...hang(`${number}. `, claim, columns),
    ...hang('   ', `${verdict.toUpperCase()}: ${why}`, columns),
    ...hang('   asks: ', asks, columns),
    '',
    ...placesOf(lines).flatMap(([place, own]) => [
      `   ${place}`,
      ...own.flatMap((line) => lineLines(line, { what, median, columns })),
    ]),
    '',
    ...notes.flatMap((note) => hang('   * ', note, columns)),
  ];
}

/** Neighbours of one place, so that it is said once. */
function placesOf(lines: readonly ClaimLine[]): readonly (readonly [string, readonly ClaimLine[]])[] {
  const places: [string, ClaimLine[]][] = [];
  for (const line of lines) {
    const last = places.at(-1);
    if (last?.[0] === line.place) last[1].push(line);
    else places.push([line.place, [line]]);
  }
  return places;
}

interface Widths {
  readonly what: number;
  readonly median: number;
  readonly columns: number;
}

/** The bounds beside the median where there is room, else below it, as the verdict is. */
function lineLines(line: ClaimLine, { what, median, columns }: Widths): readonly string[] {
  const [first = '', ...more] = wrap(line.what, what);
  const head = `     ${padEnd(first, what)}${GAP}${padStart(line.median, median)}`;
  const indent = ' '.repeat(7);
  const besideIt = textWidth(head) + GAP.length + textWidth(line.bounds) <= columns;
  return [
    besideIt ? head + GAP + line.bounds : head,
    ...more.map((text) => indent + text),
    ...(besideIt ? [] : hang(indent, line.bounds, columns)),
    ...(line.verdict === null ? [] : hang(`${indent}→ `, line.verdict, columns)),
  ];
}
