/** JUnit XML, as build servers show tests: suites of cases that failed, were skipped or passed. */
import { escapeXml as text } from './escape.js';

export interface JunitCase {
  readonly group: string;
  readonly name: string;
  readonly nanoseconds?: number;
  readonly outcome: 'passed' | 'skipped' | 'failed';
  /** Why it failed or was skipped. */
  readonly message?: string;
  /** What it wrote; empty for nothing. */
  readonly output?: string;
}

export interface JunitSuite {
  readonly name: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly cases: readonly JunitCase[];
}

export function junit(name: string, suites: readonly JunitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${text(name)}" ${countsOf(all)}>
${suites.map(suiteText).join('')}</testsuites>
`;
}

function countsOf(cases: readonly JunitCase[]): string {
  const of = (outcome: JunitCase['outcome']): number => cases.filter((each) => each.outcome === outcome).length;
  return `tests="${cases.length}" failures="${of('failed')}" skipped="${of('skipped')}" errors="0"`;
}

function suiteText({ name, properties = {}, cases }: JunitSuite): string {
  const own = Object.entries(properties).map(
    ([property, value]) => `<property name="${text(property)}" value="${text(value)}"/>`,
  );
  return `<testsuite name="${text(name)}" ${countsOf(cases)}>
${own.length === 0 ? '' : `<properties>${own.join('')}</properties>\n`}${cases.map(caseText).join('')}</testsuite>
`;
}

function caseText({ group, name, nanoseconds = 0, outcome, message = '', output = '' }: JunitCase): string {
  const elements = { failed: 'failure', skipped: 'skipped', passed: null };
  const element = elements[outcome];
  const body = [
    element === null ? '' : `<${element} message="${text(message)}"/>`,
    output === '' ? '' : `<system-out>${text(output)}</system-out>`,
  ].join('');
  const seconds = nanoseconds === 0 ? '0' : (nanoseconds / 1e9).toFixed(6);
  const head = `<testcase classname="${text(group)}" name="${text(name)}" time="${seconds}"`;
  return body === '' ? `${head}/>\n` : `${head}>${body}</testcase>\n`;
}
