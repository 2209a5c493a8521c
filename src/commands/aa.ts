/** `weighbridge aa`: an arm against itself, for what this machine's noise looks like. */
import { resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { findLoader } from '../catalog.js';
import { UsageError, printable } from '../failure.js';
import { roleOf } from '../loader.js';
import { storeNoise } from '../noise-store.js';
import { planOf, type RunRequest } from '../run-request.js';
import { leadOfNoise } from '../report/leads.js';
import { noiseReport } from '../report/noise.js';
import { writePage } from '../report-files.js';
import { readLedger } from '../samples/ledger.js';
import type { Ledger } from '../samples/record.js';
import { LEAST_FOR_FLOOR } from '../statistics/noise-floor.js';
import { noiseOf, type NoiseRecord } from '../statistics/noise.js';
import { summarize } from '../statistics/summarize.js';
import { columnsOf } from '../wrap.js';
import { writeRun } from '../write-run.js';
import { noiseText } from '../../reports/noise-text.js';
import { storedText } from './aa-stored.js';
import { whole } from './arguments.js';
import { waitQuietSecondsOf } from './exploring-options.js';
import { pairedOptions, pairedRequestOf } from './paired-options.js';
import { endWith, weighInto } from './weighing.js';

const options = {
  loader: { type: 'string', default: 'mmap-shared', describe: 'The loader that is weighed against itself' },
  pairs: {
    type: 'string',
    default: String(LEAST_FOR_FLOOR),
    describe: `Pairs of each state; a noise floor needs ${LEAST_FOR_FLOOR}`,
  },
  ...pairedOptions,
  from: { type: 'string', describe: 'Weigh nothing: take the run in this directory, of one loader named twice' },
  json: { type: 'boolean', default: false, describe: 'Print JSON alone on standard output' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('model', { type: 'string', describe: 'a GGUF file (any part of a split model)' })
    .options(options)
    .example('$0 aa model.gguf', 'how far apart equals come out here, cold and warm')
    .example('$0 aa model.gguf --loader read --state warm --pairs 60', 'of one loader in one state')
    .example('$0 aa --from weighbridge-runs/…', 'of a run that is there already')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const aaCommand: CommandModule<object, Arguments> = {
  command: 'aa [model]',
  describe: "Weigh a loader against itself: this machine's noise, drift, and what n pairs can see",
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: aa,
};

async function aa(args: Arguments): Promise<void> {
  if (args.from !== undefined) {
    if (args.model !== undefined || args.out !== undefined) {
      throw new UsageError('--from reads the run in its directory: give no model and no --out with it');
    }
    const directory = resolve(args.from);
    const { ledger } = readLedger(directory);
    await tell(args, noiseRecords(ledger, directory), ledger, directory);
    return;
  }
  const { model } = args;
  // First: it may have taken the model for its seconds, and says so.
  const waitQuietSeconds = waitQuietSecondsOf(args.waitQuiet);
  if (model === undefined) throw new UsageError('name a GGUF model, or a run with --from');
  const request = { ...(await requestOf(args, model)), waitQuietSeconds };
  await weighInto(args.out, request, planOf(request), async (result, directory) => {
    writeRun(directory, result);
    await tell(args, noiseOf(result.ledger, directory), result.ledger, directory);
    endWith(result, directory);
  });
}

/** Prints the noise, then stores it: where it cannot be stored it was seen at least. */
async function tell(
  { json }: Arguments,
  records: readonly NoiseRecord[],
  ledger: Ledger,
  directory: string,
): Promise<void> {
  const report = noiseReport(records, ledger);
  process.stdout.write(
    json
      ? `${JSON.stringify({ noise: records, run: directory }, null, 2)}\n`
      : noiseText(report, columnsOf(process.stdout)),
  );
  const stored = storeNoise(directory, records);
  const { markdown, html } = await writePage(
    directory,
    { summary: summarize(ledger), ledger },
    leadOfNoise(records, report),
  );
  if (json) return;
  process.stdout.write(storedText(stored, report.moment, [markdown], columnsOf(process.stdout)));
  process.stdout.write(`The report, for a browser:\n  ${printable(html)}\n`);
}

function noiseRecords(ledger: Ledger, directory: string): readonly NoiseRecord[] {
  try {
    return noiseOf(ledger, directory);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${directory}: ${error.message}; weighbridge aa MODEL records such a run`);
  }
}

async function requestOf(args: Arguments, model: string): Promise<RunRequest> {
  const loader = await findLoader(args.loader);
  if (roleOf(loader.mechanism) !== 'loader') {
    throw new UsageError(`the loader ${loader.name} keeps no weights to run on; name another with --loader`);
  }
  return {
    ...pairedRequestOf(args, model, whole('--pairs', args.pairs, 1, 100_000)),
    loaders: [loader, loader],
    reference: null,
  };
}
