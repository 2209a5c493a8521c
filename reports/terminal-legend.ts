/** What the columns and rows of a terminal's tables mean: only of those that a report has. */
import type { Report, Row, Section } from '../src/report/report.js';

type Term = readonly [term: string, meaning: string];

/** Whether a row, or a section, has what is explained. */
interface Entry {
  readonly term: Term;
  readonly row?: (row: Row) => boolean;
  readonly section?: (section: Section) => boolean;
}

const loadsAnything = ({ rows, bounds, harness }: Section): boolean =>
  [...rows, ...bounds, harness].some((row) => row?.load != null);
const infers = (section: Section): boolean => section.moment === 'first token' && loadsAnything(section);
const touches = (section: Section): boolean => section.moment !== 'first token' && loadsAnything(section);

const entries: readonly Entry[] = [
  {
    term: ['load', 'until tensor addresses are valid; a lazy loader pays the rest at first token'],
    section: infers,
  },
  {
    term: ['load', 'until tensor addresses are valid; a lazy loader pays the rest when its bytes are touched'],
    section: touches,
  },
  {
    term: ['first token', 'from the start, load included, to the first logits'],
    section: (section) => infers(section) && section.rows.some(({ firstToken }) => firstToken !== null),
  },
  {
    term: [
      'last needed byte',
      'from the start, load included, until what a first token reads was touched (where the kernel does not run the model: everything)',
    ],
    section: touches,
  },
  {
    term: ['complete', 'from the start until every tensor byte has been read'],
    row: ({ complete }) => complete !== null,
  },
  {
    term: ['GB/s', 'all tensor bytes ÷ complete, in 10^9 bytes'],
    row: ({ bytesPerSecond }) => bytesPerSecond !== null,
  },
  {
    term: [
      'of ceil',
      'median over blocks of speed ÷ that of the ceiling in the same block: the most that the device (cold) or memory (warm) delivers',
    ],
    row: ({ ceilingShare }) => ceilingShare !== null,
  },
  {
    term: [
      'bound by',
      'the limit that alone would take the largest share of complete (median over samples): device, copy out of the page cache, first touch of memory, faults, or compute; several where none takes half and together they do, as of loaders that read, copy and touch in turn; else unexplained. Only device is measured in the same block, the others once a run or, compute, after the load; one above 110% of complete is not believed, one above 150% of no loader in the run',
    ],
    row: ({ boundBy }) => boundBy !== null,
  },
  {
    term: ['compute', 'here reading and summing all bytes at the speed of memory'],
    section: (section) => touches(section) && section.rows.some(({ boundBy }) => boundBy?.startsWith('compute')),
  },
  {
    term: [
      'unrecl. memory',
      'unreclaimable: taken as long as the model is held, page tables and locked pages included, KV cache not',
    ],
    row: ({ unreclaimable }) => unreclaimable !== null,
  },
  {
    term: ['reclaim. memory', "reclaimable: the model's other pages in the page cache, which the system may drop"],
    row: ({ reclaimable }) => reclaimable !== null,
  },
  {
    term: ['debt', 'left unpaid when load returned: first token after load − a later token'],
    row: ({ debt }) => debt !== null,
  },
  {
    term: [
      'unexpl. debt',
      "of it, what the system's counters do not explain; in a virtual machine the host's own faults are in it",
    ],
    row: ({ unexplainedDebt }) => unexplainedDebt !== null,
  },
  {
    term: ['÷ reference', "time ÷ the reference's time in the same block: 0.50 is half, 2.00 twice as long"],
    row: ({ toReference }) => (toReference.firstToken ?? toReference.complete) !== null,
  },
  {
    term: ['each pair', 'every such ratio, from the lowest, where they are too few for an interval'],
    row: ({ toReference }) => Boolean((toReference.firstToken ?? toReference.complete)?.eachText),
  },
  {
    term: [
      'decode tokens/s',
      'with these weights in place, once all is loaded: median, in parentheses the lowest and the highest sample',
    ],
    row: ({ decode }) => decode !== null,
  },
  {
    term: ['device ceiling', 'the bytes read past the page cache into hot buffers and forgotten: no load, a limit'],
    section: ({ ceiling, state }) => ceiling?.complete != null && state === 'cold',
  },
  {
    term: ['memory ceiling', 'the bytes of a warm mapping summed: no load, a limit'],
    section: ({ ceiling, state }) => ceiling?.complete != null && state === 'warm',
  },
  {
    term: ['home ceiling', 'the same read into memory never touched before, as a copy must fill it: no load, a limit'],
    section: ({ home }) => home?.complete != null,
  },
  {
    term: [
      '(bound)',
      'reads as a loader would and keeps nothing: what a loader takes longer is the cost of its memory',
    ],
    section: ({ bounds }) => bounds.some(({ complete }) => complete !== null),
  },
  {
    term: ['(harness)', 'null, which loads nothing: what the harness itself takes'],
    section: ({ harness }) => harness?.load != null,
  },
];

/** In the order of the columns. */
export function legendOf({ sections }: Report): readonly Term[] {
  const told = sections.filter(({ unsupported }) => unsupported === null);
  const rows = told.flatMap(({ rows: of, bounds, ceiling, home, harness }) =>
    [...of.filter(({ firstToken }) => firstToken !== null), ...bounds, ceiling, home, harness].filter(
      (row) => row !== null,
    ),
  );
  return entries
    .filter(
      ({ row, section }) => (row !== undefined && rows.some(row)) || (section !== undefined && told.some(section)),
    )
    .map(({ term }) => term);
}
