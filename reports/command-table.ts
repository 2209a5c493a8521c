/** External programs of a section as lines for a terminal. */
import type { CommandRow, CommandTable, RatioFigure } from '../src/report/report.js';
import { GAP, none, pack, type Bundle } from './columns.js';
import { hang, padEnd, shorten, textWidth, wrap } from './text-layout.js';

/** A line, and whether it is a heading. */
interface Line {
  readonly text: string;
  readonly strong: boolean;
}

const plain = (text: string): Line => ({ text, strong: false });

const spread = (figure: RatioFigure | null): string =>
  figure === null ? none : `${figure.text} (${figure.spreadText})`;

const bundles: readonly Bundle<CommandRow>[] = [
  [
    { heading: ['', 'wall'], of: ({ wall }) => wall?.text ?? none },
    {
      heading: ['wall ÷', 'first'],
      of: ({ toFirst, isFirst }) => (isFirst ? 'first' : spread(toFirst)),
      pointless: (rows) => rows.every(({ toFirst }) => toFirst === null),
    },
  ],
  [
    { heading: ['first', 'byte'], of: ({ firstByte }) => firstByte?.text ?? none, optional: true },
    { heading: ['first byte', '÷ token'], of: ({ toReference }) => spread(toReference), optional: true },
  ],
  [{ heading: ['', 'tokens/s'], of: ({ tokensPerSecond }) => tokensPerSecond?.text ?? none, optional: true }],
  [
    { heading: ['peak', 'Rss'], of: ({ peakRss }) => peakRss?.text ?? none },
    { heading: ['peak', 'Pss'], of: ({ peakPss }) => peakPss?.text ?? none, optional: true },
  ],
  [
    { heading: ['minor', 'faults'], of: ({ minorFaults }) => minorFaults?.text ?? none },
    { heading: ['major', 'faults'], of: ({ majorFaults }) => majorFaults?.text ?? none },
    { heading: ['', 'read'], of: ({ readBytes }) => readBytes?.text ?? none },
  ],
];

const HEADING = 'external command';

/** Begins with a blank line. */
export function commandLines(table: CommandTable, width: number): readonly Line[] {
  const { rows, counts } = table;
  const longest = Math.max(...rows.map(({ label }) => textWidth(label)), HEADING.length);
  const label = Math.min(longest, Math.max(20, Math.floor(width / 4)));
  const measured = rows.filter(({ wall }) => wall !== null);
  const name = (row: CommandRow): string => padEnd(shorten(row.label, label), label);
  const tables = (measured.length === 0 ? [] : pack(bundles, measured, width - label)).flatMap((columns) => [
    plain(''),
    ...([0, 1] as const).map((at) => ({
      text: padEnd(at === 0 ? '' : HEADING, label) + columns.map((column) => GAP + column.heading[at]).join(''),
      strong: true,
    })),
    ...measured.map((row) => plain(name(row) + columns.map((column) => GAP + column.cell(row)).join(''))),
  ]);
  const silent = rows
    .filter(({ wall }) => wall === null)
    .flatMap((row) => hang(name(row) + GAP, row.problems.join('; ') || 'not sampled', width));
  const partly = measured.flatMap((row) =>
    row.problems.flatMap((problem) => hang('! ', `${row.label}: ${problem}`, width)),
  );
  const told = [...wrap(counts, width), ...wrap(captionOf(table), width)];
  return [...tables, ...[...(tables.length === 0 ? [''] : []), ...silent, ...told, ...partly].map(plain)];
}

function captionOf({ rows, reference }: CommandTable): string {
  const first = rows.find(({ isFirst }) => isFirst);
  const walls =
    first !== undefined && rows.some(({ toFirst }) => toFirst !== null)
      ? `; wall ÷ first: against ${first.label} in the same block`
      : '';
  const memory = rows.some(({ peakRss }) => peakRss !== null) ? '; peak Rss is of its largest process' : '';
  const sums = rows.some(({ peakPss }) => peakPss !== null) ? ', peak Pss of all its processes together' : '';
  const piped = rows.some(({ output }) => output === 'first-byte');
  const where = piped
    ? 'their standard output goes to a pipe where the first byte is timed, else to /dev/null'
    : 'their standard output goes to /dev/null';
  const compared =
    piped && reference !== null
      ? `; first byte ÷ token: against ${reference.label}, which takes ${reference.execToToken.text} from exec to its first token`
      : '';
  return `Commands are programs of your own, weighed in the same states, their results not checked; wall is from just before the spawn to the end; ${where}${walls}${compared}${memory}${sums}.`;
}
