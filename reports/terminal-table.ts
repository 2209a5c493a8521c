/** The report as text for a terminal: a block a state, whose columns are split over as many tables as the width asks. */
import type { Figure, Moment, RatioFigure, Report, Row, Section } from '../src/report/report.js';
import { commandLines } from './command-table.js';
import { GAP, none, pack, type Bundle } from './columns.js';
import { curveTable, processTable, type SmallTable } from './small-tables.js';
import { legendOf } from './terminal-legend.js';
import { hang, padEnd, shorten, textWidth, truncate, wrap } from './text-layout.js';

export interface TerminalTableOptions {
  /** Columns of the terminal; less than 60 is taken as 60. */
  readonly width?: number;
  /** Whether headings may be set in bold (ANSI SGR 1): only where the output is a terminal. */
  readonly bold?: boolean;
}

const DOT = ' · ';

function withSpread(figure: RatioFigure | null, row: Row): string {
  if (row.isReference) return 'reference';
  return figure === null ? none : `${figure.text} (${figure.spreadText})`;
}

/** Of one loader there is nothing to compare. */
function haveNoRatios(rows: readonly Row[]): boolean {
  return rows.every(({ toReference }) => toReference.firstToken === null && toReference.complete === null);
}

/** The lowest and the highest sample behind the median. */
function withRange(figure: Figure | null): string {
  if (figure === null) return none;
  const { text, rangeText } = figure;
  return rangeText === null ? text : `${text} (${rangeText})`;
}

/** Load is never shown without first token, or whatever the moment is. */
const bundlesOf = (moment: Moment): readonly Bundle<Row>[] => [
  [
    { heading: ['', 'load'], of: ({ load }) => load?.text ?? none },
    { heading: inTwo(moment), of: ({ firstToken }) => firstToken?.text ?? none },
    { heading: ['', 'complete'], of: ({ complete }) => complete?.text ?? none },
  ],
  [
    { heading: ['', 'GB/s'], of: ({ bytesPerSecond }) => bytesPerSecond?.text ?? none },
    { heading: ['of', 'ceil'], of: ({ ceilingShare }) => ceilingShare?.text ?? none, optional: true },
    { heading: ['', 'bound by'], of: ({ boundBy }) => boundBy ?? none, optional: true },
  ],
  [
    { heading: ['unrecl.', 'memory'], of: ({ unreclaimable }) => unreclaimable?.text ?? none },
    { heading: ['reclaim.', 'memory'], of: ({ reclaimable }) => reclaimable?.text ?? none },
  ],
  [
    { heading: ['', 'debt'], of: ({ debt }) => debt?.text ?? none, optional: true },
    { heading: ['unexpl.', 'debt'], of: ({ unexplainedDebt }) => unexplainedDebt?.text ?? none, optional: true },
  ],
  [
    {
      heading: ['load', '÷ ref.'],
      of: ({ toReference, isReference }) => (isReference ? '1' : (toReference.load?.text ?? none)),
      pointless: haveNoRatios,
    },
    {
      heading: [moment, '÷ reference'],
      of: (row) => withSpread(row.toReference.firstToken, row),
      pointless: haveNoRatios,
    },
    {
      heading: ['complete', '÷ reference'],
      of: (row) => withSpread(row.toReference.complete, row),
      pointless: haveNoRatios,
    },
  ],
  [{ heading: ['decode', 'tokens/s'], of: ({ decode }) => withRange(decode), optional: true }],
];

/** "last needed" above "byte". */
function inTwo(moment: Moment): readonly [string, string] {
  const at = moment.lastIndexOf(' ');
  return [moment.slice(0, at), moment.slice(at + 1)];
}

/** Shown where pairs are so few that each can be. */
const eachPairOf = (moment: Moment): readonly Bundle<Row>[] => [
  [
    {
      heading: [`${moment} ÷ ref.,`, 'each pair'],
      of: ({ toReference, isReference }) => each(toReference.firstToken, isReference),
    },
  ],
  [
    {
      heading: ['complete ÷ ref.,', 'each pair'],
      of: ({ toReference, isReference }) => each(toReference.complete, isReference),
    },
  ],
];

function each(figure: RatioFigure | null, isReference: boolean): string {
  return isReference ? 'reference' : (figure?.eachText ?? none);
}

/** A line, and whether it is a heading. */
interface Line {
  readonly text: string;
  readonly strong: boolean;
}

const plain = (text: string): Line => ({ text, strong: false });
const strong = (text: string): Line => ({ text, strong: true });
const blank = plain('');

/** Ends with a line break. No line is wider than the width. */
export function terminalTable(report: Report, { width = 80, bold = false }: TerminalTableOptions = {}): string {
  const columns = Math.max(60, width);
  const nameModel = report.models.length > 1;
  const small = [
    ...report.curves.map((curve) => curveTable(curve, nameModel, columns)),
    ...report.processes.map((table) => processTable(table, nameModel, columns)),
  ];
  const lines = [
    strong(report.title),
    ...[report.machine, ...report.models.map(({ label, detail }) => `${label} · ${detail}`)]
      .flatMap((text) => wrap(text, columns))
      .map(plain),
    ...report.sections.flatMap((section) => [blank, ...sectionLines(section, nameModel, columns)]),
    ...small.flatMap((table, index) => [
      blank,
      ...smallLines(table, columns),
      // Once for tables of one kind.
      ...(small[index + 1]?.kind === table.kind ? [] : legendLines(table.legend, columns)),
    ]),
    ...legendLines(legendOf(report), columns),
    ...(report.notes.length === 0 ? [] : [blank]),
    ...report.notes.flatMap((note) => hang('* ', note, columns)).map(plain),
  ];
  return lines
    .map(({ text, strong: isHeading }) => {
      const fitting = truncate(text.trimEnd(), columns);
      return bold && isHeading ? `\u001b[1m${fitting}\u001b[22m\n` : `${fitting}\n`;
    })
    .join('');
}

function sectionLines(section: Section, nameModel: boolean, width: number): readonly Line[] {
  const { model, setting, state, conditions, unsupported, rows, commands } = section;
  const named = [...(nameModel ? [model] : []), ...(setting === null ? [] : setting.split(DOT))];
  const title = [...named, state.toUpperCase(), ...conditions.split(DOT)];
  if (unsupported !== null) return wrap([...title, `unsupported: ${unsupported}`].join(DOT), width).map(plain);
  return [
    ...ruled(packed(title, width), width).map(strong),
    ...wrap(section.answer, width).map(plain),
    ...(rows.length === 0 && commands !== null
      ? []
      : [...tablesOf(section, width).flatMap((table) => [blank, ...table]), ...afterwordOf(section, width)]),
    ...(commands === null ? [] : commandLines(commands, width)),
  ];
}

function smallLines({ title, lines }: SmallTable, width: number): readonly Line[] {
  return [...ruled(packed(title, width), width).map(strong), ...lines.map(plain)];
}

/** Begins with a blank line, where there is anything to tell. */
function legendLines(legend: readonly (readonly [string, string])[], width: number): readonly Line[] {
  const lines = legend.flatMap(([term, meaning]) => hang(padEnd(term, TERM), meaning, width)).map(plain);
  return lines.length === 0 ? [] : [blank, ...lines];
}

const TERM = 17;

/** Lines that hold as many parts as fit, broken between them. */
function packed(parts: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = [...lines.slice(-1), part].join(DOT);
    if (lines.length > 0 && textWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

/** Fills the last line. */
function ruled(lines: readonly string[], width: number): readonly string[] {
  const last = lines.at(-1) ?? '';
  return [...lines.slice(0, -1), `${last} ${'─'.repeat(Math.max(0, width - textWidth(last) - 1))}`];
}

/** What is shown below the loaders, and never ranked among them. */
function unrankedOf({ bounds, ceiling, home, harness }: Section): readonly Row[] {
  return [...bounds, ceiling, home, harness].filter((row) => row !== null);
}

/** The rows again for each table that the columns need, since a line holds only so many. */
function tablesOf(section: Section, width: number): readonly (readonly Line[])[] {
  const { rows, moment } = section;
  const bounds = unrankedOf(section).filter(({ load, complete }) => load ?? complete);
  const measured = rows.filter(({ firstToken }) => firstToken !== null);
  const silent = rows.filter(({ firstToken }) => firstToken === null);
  const longest = Math.max(...[...rows, ...bounds].map(({ label }) => textWidth(label)), 'loader'.length);
  const label = Math.min(longest, Math.max(20, Math.floor(width / 4)));
  const all = [...measured, ...bounds];
  const few = all.some(({ toReference }) => (toReference.firstToken ?? toReference.complete)?.eachText);
  const bundles = bundlesOf(moment);
  return pack(few ? [...bundles, ...eachPairOf(moment)] : bundles, all, width - label).map((columns, index) => {
    const first = index === 0;
    const line = (row: Row): string =>
      padEnd(shorten(row.label, label), label) + columns.map((column) => GAP + column.cell(row)).join('');
    const tableWidth = columns.reduce((sum, column) => sum + GAP.length + column.width, label);
    const rule = plain('─'.repeat(tableWidth));
    const headings = ([0, 1] as const).map((at) =>
      strong(padEnd(at === 0 ? '' : 'loader', label) + columns.map((column) => GAP + column.heading[at]).join('')),
    );
    return [
      ...headings,
      ...measured.map((row) => plain(line(row))),
      ...(first ? silent.flatMap((row) => silentLines(row, label, width)) : []),
      ...(first && bounds.length > 0 ? [rule, ...bounds.map((row) => plain(line(row).replaceAll(none, ' ')))] : []),
    ];
  });
}

/** A row without numbers says why, in at most three lines. */
function silentLines(row: Row, label: number, width: number): readonly Line[] {
  const why = row.problems.length === 0 ? 'not sampled' : row.problems.join('; ');
  const lines = hang(padEnd(shorten(row.label, label), label) + GAP, why, width);
  return lines
    .slice(0, 3)
    .map((line, index) => plain(index === 2 && lines.length > 3 ? `${truncate(line, width - 2)} …` : line));
}

/** What stands below the tables: sample counts, and samples that were not ok in rows that have numbers. */
function afterwordOf(section: Section, width: number): readonly Line[] {
  const { rows, counts } = section;
  const partly = rows.filter(({ firstToken }) => firstToken !== null);
  const others = unrankedOf(section);
  return [
    ...wrap(counts, width),
    ...[...partly, ...others].flatMap(({ label, problems }) =>
      problems.flatMap((problem) => hang('! ', `${label}: ${problem}`, width)),
    ),
  ].map(plain);
}
