/** How a run that was judged ends: everything on disk, the verdict told, then the exit code. */
import { exitCode, printable } from '../failure.js';
import type { VerdictFile } from '../gate/verdict-types.js';
import { verdictView } from '../gate/verdict-view.js';
import { verdictExitCode } from '../gate-exit.js';
import type { RunResult } from '../pipeline.js';
import { runExitCode } from '../verdict.js';
import { columnsOf } from '../wrap.js';
import { writeRun } from '../write-run.js';
import { writeVerdict } from '../write-verdict.js';
import { verdictText } from '../../reports/verdict-text.js';
import { endWith } from './weighing.js';

/** Whether what stays open fails the run stands in its plan, so that a resumed run ends as the whole one would have. */
export function endJudged(result: RunResult, verdict: VerdictFile, directory: string, json: boolean): void {
  const written = [...writeRun(directory, result), ...writeVerdict(directory, verdict)];
  tellVerdict(verdict, written, json);
  const judged = verdictExitCode(verdict, result.ledger.run.plan.gate?.failOnInconclusive ?? false);
  const stopped = result.stopped === 'interrupted' || result.failure !== null;
  // That head fails where base does not is what a regression is.
  if (!stopped && judged === exitCode.regression) {
    process.exitCode = judged;
    return;
  }
  endWith(result, directory);
  if (runExitCode(result).code === exitCode.ok) process.exitCode = judged;
}

export function tellVerdict(verdict: VerdictFile, written: readonly string[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(verdict, null, 1)}\n`);
    return;
  }
  process.stdout.write(verdictText(verdictView(verdict), columnsOf(process.stdout)));
  process.stdout.write(`Written:\n${written.map((path) => `  ${printable(path)}\n`).join('')}`);
}
