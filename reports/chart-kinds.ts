/** Each kind of chart as a Vega-Lite specification without its data, and how people are told what it shows. */
import type { TopLevelSpec } from 'vega-lite';
import type { Chart, ChartKind, Moment } from '../src/report/page.js';
import type { Variant } from './chart-layout.js';
import { claimSpec } from './chart-claim.js';
import { gridSpec } from './chart-grid.js';
import { ratesSpec, runsSpec, sharesSpec } from './chart-compare.js';
import { kernelDecodeSpec, kernelRooflineSpec } from './chart-kernel.js';
import { orderSpec, spreadSpec } from './chart-samples.js';
import { ratioSpec } from './chart-ratios.js';
import { rooflineSpec, speedSpec } from './chart-speed.js';
import { memorySpec, phaseSpec } from './chart-stacks.js';
import { trendSpec } from './chart-trend.js';
import { upperFirst } from './text-layout.js';

/** Of charts to one moment. */
type Words = string | ((moment: Moment) => string);

export interface Kind {
  readonly heading: Words;
  /** How to read it, in a sentence or two. */
  readonly reading: Words;
  readonly spec: (variant: Variant) => TopLevelSpec;
}

/** In the order of a page. */
export const kinds: Readonly<Record<ChartKind, Kind>> = {
  ratios: {
    heading: 'Who is faster, and how surely',
    reading: (moment) =>
      `Time to ${moment} divided by the reference’s in the same block, so that a machine that drifts does not matter. Left of the line is faster. Small dots are single pairs, hollow diamonds the same ratio until every byte was read.`,
    spec: ratioSpec,
  },
  phases: {
    heading: 'Where the time went',
    reading: (moment) =>
      moment === 'first token'
        ? 'From the start until every byte of the model was read. Debt is what a loader left unpaid when it said that it had loaded: the first token takes longer by it. Dashed lines are the physical limits.'
        : 'From the start until every byte of the model was touched. What a loader left unpaid when it said that it had loaded is paid where bytes are touched. Dashed lines are the physical limits.',
    spec: phaseSpec,
  },
  order: {
    heading: 'Every sample in run order',
    reading:
      'Each dot is one sample against the median of its own loader. A slope is drift of the machine; crosses are samples that do not count. Colours are those of the rows in the next chart.',
    spec: orderSpec,
  },
  spread: {
    heading: 'Every sample by loader',
    reading: (moment) => `Time to ${moment} of each sample; within a row the first sample is above and the last below.`,
    spec: spreadSpec,
  },
  memory: {
    heading: 'Memory that holding the model takes',
    reading:
      'Unreclaimable memory stays taken as long as the model is held. Page cache that is not locked can be dropped at once and is shared by all processes that map the file.',
    spec: memorySpec,
  },
  latency: {
    heading: 'The first tokens, one by one',
    reading: 'How long each token’s forward pass took; darker is longer.',
    spec: gridSpec,
  },
  speed: {
    heading: 'Tokens per second',
    reading: 'Whether the way of loading changes how fast the model runs afterwards.',
    spec: speedSpec,
  },
  loads: {
    heading: 'Loads in a row',
    reading: 'What a loader pays once, and what again at each load; darker is longer.',
    spec: gridSpec,
  },
  processes: {
    heading: 'Several processes with one model',
    reading: 'Whether processes share one copy; darker is more memory.',
    spec: gridSpec,
  },
  limits: {
    heading: 'Less memory than the model',
    reading: (moment) => `Time to ${moment} as memory gets scarce; darker is longer.`,
    spec: gridSpec,
  },
  roofline: {
    heading: 'How close to what the machine can do',
    reading:
      'Speed over all bytes of the model; dashed lines are limits that no loader which needs them can pass. A loader that copies meets the copy limit, one that fills fresh memory that of first touch.',
    spec: rooflineSpec,
  },
  claim: {
    heading: 'Measured, and claimed',
    reading: 'In the green field a figure is as claimed.',
    spec: claimSpec,
  },
  trend: {
    heading: 'From run to run',
    reading:
      'Each dot is the median of one run, oldest first, and lines are medians of the runs between two changes. A dashed line marks the first run after a change.',
    spec: trendSpec,
  },
  runs: {
    heading: (moment) => `${upperFirst(moment)}, run by run`,
    reading: (moment) =>
      `Median time to ${moment} of each loader in each run: colours are loaders, shapes are runs. Machines stand apart, each with a scale of its own.`,
    spec: runsSpec,
  },
  shares: {
    heading: 'How much of its machine each run had',
    reading: 'The share of the ceiling that a loader reached: what may be compared between machines.',
    spec: sharesSpec,
  },
  rates: {
    heading: 'Models side by side',
    reading: 'Bytes a second, since seconds of different models are of their sizes.',
    spec: ratesSpec,
  },
  'kernel-decode': {
    heading: 'Weights read while decoding, below what memory gives',
    reading:
      'Bytes of weights that the passes of single tokens read, a second. The dark upright is the ceiling: every byte of the same mapping summed by as many threads, in the same rounds.',
    spec: kernelDecodeSpec,
  },
  'kernel-roofline': {
    heading: 'The kernel below its roofline',
    reading:
      'Speed of the arithmetic against what of it there is for each byte of weights that is read. Left, where a token is decoded, memory bounds it: dashed lines are what the ceilings allow. Right, where a prompt is fed, the arithmetic itself does. Small marks are of fewer threads.',
    spec: kernelRooflineSpec,
  },
};

export function headingOf(kind: ChartKind, charts: readonly Pick<Chart, 'moment'>[] = []): string {
  return wordsOf(kinds[kind].heading, charts).join('; ');
}

/** How to read charts of a kind. */
export function readingOf(kind: ChartKind, charts: readonly Pick<Chart, 'moment'>[] = []): string {
  return wordsOf(kinds[kind].reading, charts).join(' ');
}

/** Charts of a comparison may be to several moments: then each is told. */
function wordsOf(words: Words, charts: readonly Pick<Chart, 'moment'>[]): readonly string[] {
  if (typeof words === 'string') return [words];
  const moments = new Set(charts.map(({ moment = 'first token' }) => moment));
  return [...moments].map(words);
}

/** Whether texts stand on cells of their own, where no line can run through them. */
export function hasCells(kind: ChartKind): boolean {
  return kinds[kind].spec === gridSpec;
}
