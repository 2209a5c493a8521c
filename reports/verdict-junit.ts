/** A verdict as JUnit XML: a case a comparison. A regression is a failure, what is inconclusive is skipped. */
import type { VerdictCase, VerdictView } from '../src/gate/verdict-view.js';
import { junit, type JunitCase } from './junit.js';

export function verdictJunit({ title, headline, advisory, cases }: VerdictView): string {
  const caseOf = ({ group, name, verdict, message }: VerdictCase): JunitCase => {
    const told = `${verdict}: ${message}`;
    if (verdict === 'unchanged' || verdict === 'improved') return { group, name, outcome: 'passed', output: told };
    // What does not count fails nothing.
    return { group, name, outcome: verdict === 'regressed' && advisory === null ? 'failed' : 'skipped', message: told };
  };
  return junit(title, [{ name: title, properties: { verdict: headline }, cases: cases.map(caseOf) }]);
}
