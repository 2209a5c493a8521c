/** JUnit XML: a suite for each setting and state, a case for each arm and metric, as build servers show tests. */
import type { Figure, Page, Row, Section } from '../src/report/page.js';
import { escapeXml as text } from './escape.js';

const metrics: readonly (readonly [name: string, of: (row: Row) => Figure | null])[] = [
  ['load', ({ load }) => load],
  ['first token', ({ firstToken }) => firstToken],
  ['complete', ({ complete }) => complete],
  ['unreclaimable memory', ({ unreclaimable }) => unreclaimable],
  ['decode', ({ decode }) => decode],
];

/** Times of these are nanoseconds; JUnit has seconds. */
const TIMES = new Set(['load', 'first token', 'complete']);

export function pageJunit({ report }: Page): string {
  const suites = report.sections.map(suiteOf);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${text(report.title)}">
${suites.join('\n')}
</testsuites>
`;
}

function suiteOf(section: Section): string {
  const { model, setting, state, memoryState } = section;
  const name = [model, setting ?? '', state, `free memory ${memoryState}`].filter((part) => part !== '').join(' · ');
  const cases = section.rows.flatMap((row) =>
    metrics.flatMap(([metric, of]) => {
      const figure = of(row);
      // A metric that no sample has is no case, but where nothing was measured the arm still is one.
      return figure === null && (hasNumbers(row) || metric !== 'first token')
        ? []
        : [caseOf(name, row, metric, figure)];
    }),
  );
  const counted = (element: string): number => cases.filter((each) => each.includes(`<${element} `)).length;
  return `<testsuite name="${text(name)}" tests="${cases.length}" failures="${counted('failure')}" errors="0" skipped="${counted('skipped')}">
${cases.join('\n')}
</testsuite>`;
}

function hasNumbers({ firstToken }: Row): boolean {
  return firstToken !== null;
}

function caseOf(suite: string, row: Row, metric: string, figure: Figure | null): string {
  const seconds = figure !== null && TIMES.has(metric) ? (figure.value / 1e9).toFixed(6) : '0';
  const head = `<testcase classname="${text(suite)}" name="${text(`${row.label}: ${metric}`)}" time="${seconds}"`;
  const body = [problemOf(row, figure), figureText(row, metric, figure)].filter((part) => part !== '');
  return body.length === 0 ? `${head}/>` : `${head}>${body.join('')}</testcase>`;
}

function problemOf({ outcomes, problems }: Row, figure: Figure | null): string {
  const message = text(problems.join('; ') || 'not sampled');
  if (outcomes.failed + outcomes.mismatch > 0) return `<failure message="${message}"/>`;
  return figure === null ? `<skipped message="${message}"/>` : '';
}

function figureText({ toReference, isReference }: Row, metric: string, figure: Figure | null): string {
  if (figure === null) return '';
  const unit = metric === 'decode' ? ' tokens/s' : '';
  const paired =
    metric === 'first token' ? toReference.firstToken : metric === 'complete' ? toReference.complete : null;
  const against = isReference
    ? ', the reference'
    : paired === null
      ? ''
      : `, ${paired.text} times the reference's (${paired.spreadText})`;
  return `<system-out>${text(`${figure.text}${unit}, median of ${figure.n}${against}`)}</system-out>`;
}
