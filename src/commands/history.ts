/** `weighbridge history`: the trend of every figure over the runs in a directory. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { baselineOf } from '../baseline-store.js';
import { UsageError, printable } from '../failure.js';
import type { BaselineFile } from '../gate/baseline-types.js';
import { historyOf } from '../gate/history.js';
import { historyPage } from '../gate/history-page.js';
import { pageScripts } from '../report-files.js';
import { LEDGER_FILE, readLedger } from '../samples/ledger.js';
import { writeWhole } from '../whole-file.js';
import { columnsOf, tell } from '../wrap.js';
import { historyText } from '../../reports/history-text.js';
import { metricsNamed } from './gate-options.js';

interface HistoryArguments {
  readonly dir: string;
  readonly metric: string | undefined;
  readonly html: string | undefined;
  readonly json: boolean;
}

/** Levels of folders below the one that is named. */
const DEEPEST = 6;
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
    const skipped: string[] = [];
    const runs = runsUnder(root, DEEPEST).flatMap((path): readonly BaselineFile[] => {
      try {
        return [baselineOf(readLedger(path, 'columns').ledger, path, null)];
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        skipped.push(error.message);
        return [];
      }
    });
    for (const why of skipped) tell(process.stderr, `weighbridge: left out: ${printable(why)}`);
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

/** Directories of runs, a run's own folders left out, links not followed. */
function runsUnder(directory: string, depth: number): readonly string[] {
  if (existsSync(join(directory, LEDGER_FILE))) return [directory];
  if (depth === 0) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => name)
    .sort()
    .flatMap((name) => runsUnder(join(directory, name), depth - 1));
}
