/** `weighbridge explain`: why the first loader of a run was first. */
import type { CommandModule } from 'yargs';
import { exitCode } from '../failure.js';
import { explain } from '../report/explain.js';
import { readLedger } from '../samples/ledger.js';
import type { Arm } from '../samples/record.js';
import { summarize } from '../statistics/summarize.js';
import { columnsOf, tell } from '../wrap.js';
import { runDirectory } from './run-directory.js';
import { explanationText } from '../../reports/explanation-text.js';

interface ExplainArguments {
  readonly run: string;
  readonly loader: string | undefined;
  readonly json: boolean;
}

/** Ceilings and bounds are ok where no loader is, and there is nothing of them to explain. */
function isExplained(arm: Arm | undefined): boolean {
  return arm?.kind === 'command' || (arm?.kind === 'loader' && arm.work !== 'none');
}

export const explainCommand: CommandModule<object, ExplainArguments> = {
  command: 'explain <run>',
  describe: 'Say in plain sentences why the first loader of a run was first',
  builder: (parser) =>
    parser
      .positional('run', { type: 'string', demandOption: true, describe: 'directory of a run, or its ledger' })
      .option('loader', { type: 'string', requiresArg: true, describe: 'explain this loader instead' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .example('$0 explain weighbridge-runs/…', 'who was first in each state, and where the time went')
      .example('$0 explain weighbridge-runs/… --loader direct', 'the same of one loader, against the reference'),
  handler: ({ run, loader, json }) => {
    const { ledger } = readLedger(runDirectory(run), 'columns');
    const explanation = explain(summarize(ledger), ledger, loader ?? null);
    const text = json
      ? `${JSON.stringify(explanation, null, 2)}\n`
      : explanationText(explanation, columnsOf(process.stdout));
    process.stdout.write(text);
    if (ledger.samples.some((sample) => sample.outcome === 'ok' && isExplained(ledger.run.arms[sample.arm.id]))) return;
    tell(
      process.stderr,
      'weighbridge: the run has no ok sample of a loader or a program, so there is nothing to explain',
    );
    process.exitCode = exitCode.failed;
  },
};
