/** What a verdict means for whoever called. */
import { exitCode } from './failure.js';
import type { VerdictFile } from './gate/verdict-types.js';

/** 3 for a regression, 4 for what stayed open where that shall fail; 0 where the verdict is advisory. */
export function verdictExitCode({ verdict, advisory }: VerdictFile, failOnInconclusive: boolean): number {
  if (advisory !== null) return exitCode.ok;
  if (verdict === 'regressed') return exitCode.regression;
  return verdict === 'inconclusive' && failOnInconclusive ? exitCode.inconclusive : exitCode.ok;
}
