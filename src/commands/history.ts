/** `weighbridge history`: the trend of every figure over the runs in a directory. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { UsageError, printable } from '../failure.js';
import { historyOf } from '../gate/history.js';
import { historyPage } from '../gate/history-page.js';
import { pageScripts } from '../report-files.js';
import { writeWhole } from '../whole-file.js';
import { columnsOf, tell } from '../wrap.js';
import { historyText } from '../../reports/history-text.js';
import { metricsNamed } from './gate-options.js';
import { runsIn } from './history-runs.js';

interface HistoryArguments {
  readonly dir: string;
  readonly metric: string | undefined;
  readonly html: string | undefined;
  readonly json: boolean;
}

/** Of the permutations: the same runs give the same changes. */
const SEED = 1;

export const historyCommand: CommandModule<object, HistoryArguments> = {
  command: 'history <dir>',
  describe: 'The trend of each figure over the runs under a directory, changes marked',
  builder: (parser) =>
    parser
      .positional('dir', { type: 'string', demandOption: true, describe: 'directory that holds runs' })
      .option('metric', { type: 'string', requiresArg: true, describe: 'what is shown (default: all there is)' })
      .option('html', { type: 'string', requiresArg: true, describe: 'also write a page with a chart of each trend' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .example('$0 history weighbridge-runs', 'every figure of every arm and state, oldest run first')
      .example('$0 history weighbridge-runs --html trend.html', 'the same as a page, changes marked'),
  handler: async ({ dir, metric, html, json }) => {
    const metrics = metricsNamed(metric);
    const root = resolve(dir);
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UsageError(`${root}: there is no such directory`);
    }
    const { runs, leftOut } = runsIn(root);
    for (const why of leftOut) tell(process.stderr, `weighbridge: left out: ${printable(why)}`);
    if (runs.length === 0) throw new UsageError(`${root}: no run lies there that has figures`);
    const history = historyOf(runs, metrics, SEED);
    if (history.groups.length === 0)
      throw new UsageError(`${root}: no run there has a figure of --metric ${metric ?? ''}`);
    process.stdout.write(
      json ? `${JSON.stringify(history, null, 1)}\n` : historyText(history, columnsOf(process.stdout)),
    );
    if (html === undefined) return;
    if (html.trim() === '') throw new UsageError('--html needs a path');
    const { historyHtml } = await import('../../reports/history-html.js');
    const path = resolve(html);
    mkdirSync(dirname(path), { recursive: true });
    writeWhole(path, [await historyHtml(historyPage(history, root), pageScripts())]);
    if (!json) process.stdout.write(`\nThe page, for a browser:\n  ${printable(path)}\n`);
  },
};
