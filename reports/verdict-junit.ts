/** A verdict as JUnit XML: a case a comparison. A regression is a failure, what is inconclusive is skipped. */
import type { VerdictCase, VerdictView } from '../src/gate/verdict-view.js';

export function verdictJunit({ title, headline, advisory, cases }: VerdictView): string {
  // What does not count fails nothing.
  const fails = (each: VerdictCase): boolean => each.verdict === 'regressed' && advisory === null;
  const isSkipped = (each: VerdictCase): boolean =>
    !fails(each) && each.verdict !== 'unchanged' && each.verdict !== 'improved';
  const counts = `tests="${cases.length}" failures="${cases.filter(fails).length}" skipped="${cases.filter(isSkipped).length}"`;
  const body = cases.map((each) => {
    const inner = fails(each)
      ? `<failure type="regressed" message="${attribute(each.message)}"/>`
      : isSkipped(each)
        ? `<skipped message="${attribute(`${each.verdict}: ${each.message}`)}"/>`
        : `<system-out>${attribute(`${each.verdict}: ${each.message}`)}</system-out>`;
    return `    <testcase classname="${attribute(each.group)}" name="${attribute(each.name)}">${inner}</testcase>\n`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites ${counts}>\n`,
    `  <testsuite name="${attribute(title)}" ${counts}>\n`,
    `    <properties><property name="verdict" value="${attribute(headline)}"/></properties>\n`,
    ...body,
    '  </testsuite>\n</testsuites>\n',
  ].join('');
}

/** XML 1.0 has no place for most control characters and lone surrogates, not even escaped. */
function attribute(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, ' ');
}
