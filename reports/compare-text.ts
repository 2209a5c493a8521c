/** A comparison of runs as text for a terminal. */
import type { Comparison } from '../src/report/compare.js';
import type { Table } from '../src/report/page.js';
import { GAP, pack } from './columns.js';
import { hang, padEnd, shorten, textWidth, wrap } from './text-layout.js';

/** Widest label of a row; names are cut in their middles. */
const LABEL = 24;
const RUN = 20;

/** Ends with a line break. No line is wider than `width`, which is at least 80, where numbers are of usual length. */
export function compareText(comparison: Comparison, width = 80): string {
  const { title, headline, runs, machines, differences, sections, rates, lacks, notes, unknown } = comparison;
  const head = Math.min(RUN, Math.max(...runs.map(({ name }) => textWidth(name)))) + GAP.length;
  const term = Math.max(0, ...differences.map((each) => textWidth(each.term))) + GAP.length;
  const compared = sections.filter((section) => section.runs.length > 1);
  const lines = [
    ...wrap(title, width),
    '',
    ...wrap(headline, width),
    '',
    ...runs.flatMap(({ name, machine, startedAt, tool, models, samples, directory }) =>
      hang(
        padEnd(shorten(name, head - GAP.length), head),
        `${machines[machine]?.name ?? ''}, ${startedAt.slice(0, 16).replace('T', ' ')}, ${tool}, ${models.join(', ')}, ${samples.total} samples (${samples.excluded} do not count): ${directory}`,
        width,
      ),
    ),
    ...machines.flatMap(({ name, fingerprint, line }) =>
      hang(`${name}${GAP}`, line === '' ? fingerprint : `${fingerprint}: ${line}`, width),
    ),
    ...headed(
      'WHAT DIFFERS',
      differences.flatMap((each) => hang(padEnd(each.term, term), each.text, width)),
    ),
    ...compared.flatMap(({ heading, answer, table, remarks }) => [
      ...headed(heading.toUpperCase(), wrap(answer, width), width),
      ...tableLines(table, width),
      ...bullets(remarks, width),
    ]),
    ...rates.flatMap(({ heading, table }) => [
      ...headed(`MODELS SIDE BY SIDE · ${heading.toUpperCase()}`, [], width),
      ...tableLines(table, width),
    ]),
    ...headed(
      'NOT IN ALL RUNS',
      bullets(
        lacks.map(({ text }) => text),
        width,
      ),
    ),
    '',
    ...[...notes, ...unknown].flatMap((note) => hang('* ', note, width)),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Nothing without lines, unless a table follows: then `width` is given. */
function headed(heading: string, lines: readonly string[], width?: number): readonly string[] {
  if (lines.length === 0 && width === undefined) return [];
  return ['', ...(width === undefined ? [heading] : [shorten(heading, width)]), ...lines];
}

function bullets(items: readonly string[], width: number): readonly string[] {
  return items.flatMap((item) => hang('- ', item, width));
}

/** The first two columns name a row and stand in front of every table that the others need. */
function tableLines({ head, rows }: Table, width: number): readonly string[] {
  const [first = '', second = '', ...headings] = head;
  const wide = (column: 0 | 1, heading: string, most: number): number =>
    Math.min(most, Math.max(textWidth(heading), ...rows.map((row) => textWidth(row[column] ?? ''))));
  const [label, run] = [wide(0, first, LABEL), wide(1, second, RUN)];
  const bundles = headings.map((heading, column) => [
    { heading: twoLines(heading), of: (row: readonly string[]): string => row[column + 2] ?? '' },
  ]);
  return pack(bundles, rows, width - label - GAP.length - run).flatMap((columns) => {
    const line = (name: string, of: string, cells: readonly string[]): string =>
      padEnd(shorten(name, label), label) +
      GAP +
      padEnd(shorten(of, run), run) +
      cells.map((cell) => GAP + cell).join('');
    return [
      '',
      line(
        '',
        '',
        columns.map(({ heading }) => heading[0]),
      ),
      line(
        first,
        second,
        columns.map(({ heading }) => heading[1]),
      ),
      ...rows.map((row, index) =>
        line(
          rows[index - 1]?.[0] === row[0] ? '' : (row[0] ?? ''),
          row[1] ?? '',
          columns.map(({ cell }) => cell(row)),
        ),
      ),
    ];
  });
}

/** What is divided stands above what it is divided by. */
function twoLines(heading: string): readonly [string, string] {
  const [, above = '', below = heading] = /^(.*) ((?:÷|by) .*)$/.exec(heading) ?? [];
  return [above, below];
}
