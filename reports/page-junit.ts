/** JUnit XML: a suite for each setting and state, a case for each arm and metric, as build servers show tests. */
import type { Figure, Moment, Page, Row, Section } from '../src/report/page.js';
import { junit, type JunitCase, type JunitSuite } from './junit.js';

const metricsOf = (moment: Moment): readonly (readonly [name: string, of: (row: Row) => Figure | null])[] => [
  ['load', ({ load }) => load],
  [moment, ({ firstToken }) => firstToken],
  ['complete', ({ complete }) => complete],
  ['unreclaimable memory', ({ unreclaimable }) => unreclaimable],
  ['decode', ({ decode }) => decode],
];

/** Of nanoseconds. */
const TIMES: ReadonlySet<string> = new Set(['load', 'first token', 'last needed byte', 'complete']);

export function pageJunit({ report }: Page): string {
  return junit(report.title, report.sections.map(suiteOf));
}

function suiteOf(section: Section): JunitSuite {
  const { model, setting, state, memoryState, moment } = section;
  const name = [model, setting ?? '', state, `free memory ${memoryState}`].filter((part) => part !== '').join(' · ');
  const cases = section.rows.flatMap((row) =>
    metricsOf(moment).flatMap(([metric, of]) => {
      const figure = of(row);
      // A metric that no sample has is no case, but where nothing was measured the arm still is one.
      return figure === null && (hasNumbers(row) || metric !== moment) ? [] : [caseOf(name, row, metric, figure)];
    }),
  );
  return { name, cases };
}

function hasNumbers({ firstToken }: Row): boolean {
  return firstToken !== null;
}

function caseOf(group: string, row: Row, metric: string, figure: Figure | null): JunitCase {
  const { label, outcomes, problems } = row;
  const failed = outcomes.failed + outcomes.mismatch > 0;
  return {
    ...{ group, name: `${label}: ${metric}` },
    nanoseconds: figure !== null && TIMES.has(metric) ? figure.value : 0,
    outcome: failed ? 'failed' : figure === null ? 'skipped' : 'passed',
    message: problems.join('; ') || 'not sampled',
    output: figureText(row, metric, figure),
  };
}

function figureText({ toReference, isReference }: Row, metric: string, figure: Figure | null): string {
  if (figure === null) return '';
  const unit = metric === 'decode' ? ' tokens/s' : '';
  const isMoment = metric === 'first token' || metric === 'last needed byte';
  const paired = isMoment ? toReference.firstToken : metric === 'complete' ? toReference.complete : null;
  const against = isReference
    ? ', the reference'
    : paired === null
      ? ''
      : `, ${paired.text} times the reference's (${paired.spreadText})`;
  return `${figure.text}${unit}, median of ${figure.n}${against}`;
}
