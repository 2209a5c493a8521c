/** `weighbridge compare`: runs of several commits, machines or models side by side. */
import { resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { writeComparison } from '../compare-files.js';
import { UsageError, printable } from '../failure.js';
import { noiseBetweenRuns } from '../noise-store.js';
import { baselineKey } from '../plan/arms.js';
import { compare, type NamedRun, type NoiseOf } from '../report/compare.js';
import { METRICS } from '../statistics/metrics.js';
import { columnsOf } from '../wrap.js';
import { compareSchema } from '../../reports/compare-schema.js';
import { compareText } from '../../reports/compare-text.js';
import { comparedRuns } from './compared-runs.js';

const file = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

const options = {
  html: file('The page: one file that needs nothing else'),
  md: file('Markdown for a comment on a pull request'),
  json: file('Everything on the page, for programs'),
  csv: file('Directory for figures and differences as CSV'),
  svg: file('Directory for the charts as SVG'),
  png: file('Directory for the charts as PNG'),
  schema: { type: 'boolean', default: false, describe: 'Print the JSON Schema of --json, and nothing else' },
} as const;

const NAMES = ['html', 'md', 'json', 'csv', 'svg', 'png'] as const;

function build(argv: Argv) {
  return argv
    .positional('runs', { type: 'string', array: true, describe: 'directories of runs, each as DIR or NAME=DIR' })
    .options(options)
    .example('$0 compare before=DIR after=DIR', 'two commits on one machine')
    .example('$0 compare laptop=DIR server=DIR --html compare.html', 'two machines, each by its own ceilings')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const compareCommand: CommandModule<object, Arguments> = {
  command: 'compare [runs..]',
  describe: 'Runs of several commits, machines or models side by side (ab judges a change)',
  builder: build,
  handler: async (args) => {
    if (args.schema) {
      process.stdout.write(`${JSON.stringify(compareSchema, null, 2)}\n`);
      return;
    }
    const paths = NAMES.map((name) => [name, args[name]] as const);
    const empty = paths.find(([, path]) => path?.trim() === '');
    if (empty !== undefined) throw new UsageError(`--${empty[0]} needs a path`);
    const runs = comparedRuns(args.runs ?? []);
    const comparison = compare(runs, storedNoise(runs));
    const at = (path: string | undefined): string | null => (path === undefined ? null : resolve(path));
    const { html, md, json, csv, svg, png } = args;
    const written = await writeComparison(
      { html: at(html), md: at(md), json: at(json), csv: at(csv), svg: at(svg), png: at(png) },
      comparison,
    );
    process.stdout.write(compareText(comparison, columnsOf(process.stdout)));
    process.stdout.write(
      written.length === 0
        ? '\n--html FILE writes the page with charts.\n'
        : `\nWritten:\n${written.map((path) => `  ${printable(path)}\n`).join('')}`,
    );
  },
};

/** What `aa` stored on this machine for the run's own machine, file, arm and state. */
function storedNoise(runs: readonly NamedRun[]): NoiseOf {
  return (index, { cell: { arm, state, memoryState, load } }, name, n) => {
    const run = runs[index]?.ledger.run;
    const metric = METRICS.find((each) => each === name);
    const model = run?.models[arm.model]?.headerDigest;
    // Noise is of first loads.
    if (run === undefined || metric === undefined || model === undefined || load !== 1) return null;
    const { fingerprint } = run.machine;
    return noiseBetweenRuns({ fingerprint, model, arm: baselineKey(arm), state, memoryState }, metric, n);
  };
}
