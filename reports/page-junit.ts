/** JUnit XML: a suite for each setting and state, a case for each arm and metric, programs too, as build servers show tests. */
import type { CommandRow, Figure, Moment, Page, RatioFigure, Row, Section } from '../src/report/page.js';
import { junit, type JunitCase, type JunitSuite } from './junit.js';

interface Metric<R> {
  readonly name: string;
  readonly of: (row: R) => Figure | null;
  readonly isTime?: true;
  /** Behind the figure. */
  readonly unit?: string;
  /** What it was divided by in the same blocks, and what came out. */
  readonly paired?: (row: R) => readonly [by: string, ratio: RatioFigure | null];
}

const BY_REFERENCE = "the reference's";

const metricsOf = (moment: Moment): readonly Metric<Row>[] => [
  { name: 'load', of: ({ load }) => load, isTime: true },
  {
    ...{ name: moment, of: ({ firstToken }) => firstToken, isTime: true },
    paired: ({ toReference }) => [BY_REFERENCE, toReference.firstToken],
  },
  {
    ...{ name: 'complete', of: ({ complete }) => complete, isTime: true },
    paired: ({ toReference }) => [BY_REFERENCE, toReference.complete],
  },
  { name: 'unreclaimable memory', of: ({ unreclaimable }) => unreclaimable },
  { name: 'decode', of: ({ decode }) => decode, unit: ' tokens/s' },
];

const commandMetrics: readonly Metric<CommandRow>[] = [
  {
    ...{ name: 'wall time', of: ({ wall }) => wall, isTime: true },
    paired: ({ toFirst }) => ["the first program's", toFirst],
  },
  { name: 'first byte', of: ({ firstByte }) => firstByte, isTime: true },
  { name: 'peak memory', of: ({ peakRss }) => peakRss },
  { name: 'tokens/s', of: ({ tokensPerSecond }) => tokensPerSecond, unit: ' tokens/s' },
];

export function pageJunit({ report }: Page): string {
  return junit(report.title, report.sections.map(suiteOf));
}

function suiteOf(section: Section): JunitSuite {
  const { model, setting, state, memoryState, moment, rows, commands } = section;
  const name = [model, setting ?? '', state, `free memory ${memoryState}`].filter((part) => part !== '').join(' · ');
  const loaders = rows.flatMap((row) => casesOf(name, row, metricsOf(moment), moment, row.isReference));
  const programs = (commands?.rows ?? []).flatMap((row) => casesOf(name, row, commandMetrics, 'wall time', false));
  return { name, cases: [...loaders, ...programs] };
}

/** A metric that no sample has is no case, but where nothing was measured the arm still is one: that of its `main` metric. */
function casesOf<R extends Row | CommandRow>(
  group: string,
  row: R,
  all: readonly Metric<R>[],
  main: string,
  isReference: boolean,
): readonly JunitCase[] {
  const isMeasured = all.some((metric) => metric.name === main && metric.of(row) !== null);
  return all.flatMap((metric) => {
    const figure = metric.of(row);
    return figure === null && (isMeasured || metric.name !== main)
      ? []
      : [caseOf(group, row, metric, figure, isReference)];
  });
}

function caseOf<R extends Row | CommandRow>(
  group: string,
  row: R,
  metric: Metric<R>,
  figure: Figure | null,
  isReference: boolean,
): JunitCase {
  const { label, outcomes, problems } = row;
  const failed = outcomes.failed + outcomes.mismatch > 0;
  return {
    ...{ group, name: `${label}: ${metric.name}` },
    nanoseconds: figure !== null && metric.isTime === true ? figure.value : 0,
    outcome: failed ? 'failed' : figure === null ? 'skipped' : 'passed',
    message: problems.join('; ') || 'not sampled',
    output: figure === null ? '' : figureText(row, metric, figure, isReference),
  };
}

function figureText<R>(row: R, { unit = '', paired }: Metric<R>, figure: Figure, isReference: boolean): string {
  const [by = '', ratio = null] = paired?.(row) ?? [];
  const against = isReference
    ? ', the reference'
    : ratio === null
      ? ''
      : `, ${ratio.text} times ${by} (${ratio.spreadText})`;
  return `${figure.text}${unit}, median of ${figure.n}${against}`;
}
