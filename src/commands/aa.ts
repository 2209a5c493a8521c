/** `weighbridge aa`: an arm against itself, for what this machine's noise looks like. */
import { resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { findLoader } from '../catalog.js';
import { UsageError, printable } from '../failure.js';
import { roleOf } from '../loader.js';
import { storeNoise } from '../noise-store.js';
import { planOf, type RunRequest } from '../pipeline.js';
import { noiseReport } from '../report/noise.js';
import { readLedger } from '../samples/ledger.js';
import type { Ledger, MemoryState, State } from '../samples/record.js';
import { noiseOf, type NoiseRecord } from '../statistics/noise.js';
import { columnsOf } from '../wrap.js';
import { writeRun } from '../write-run.js';
import { noiseText } from '../../reports/noise-text.js';
import { commaList, positive, whole } from './arguments.js';
import { quietOptions, waitQuietSecondsOf } from './exploring-options.js';
import { endWith, weighInto } from './weighing.js';

const STATES = ['cold', 'warm'] as const satisfies readonly State[];
const MEMORY_STATES = ['backed', 'returned', 'as-is'] as const satisfies readonly MemoryState[];

const options = {
  loader: { type: 'string', default: 'mmap-shared', describe: 'The loader that is weighed against itself' },
  pairs: { type: 'string', default: '40', describe: 'Pairs of each state; a noise floor needs 40' },
  state: { type: 'string', default: 'cold,warm', describe: 'Page cache before a sample: cold, warm' },
  'memory-state': {
    type: 'string',
    default: 'backed',
    describe: 'Free memory before a sample: backed, returned, as-is',
  },
  threads: { type: 'string', describe: 'Compute threads (default: every CPU there is)' },
  prompt: { type: 'string', default: '32', describe: 'Prompt tokens to prefill' },
  generate: { type: 'string', default: '16', describe: 'Tokens to decode' },
  context: { type: 'string', describe: 'Positions of the KV cache (default: 512 or what is needed)' },
  seed: { type: 'string', default: '1', describe: 'Seed of the order and of all resampling' },
  'time-budget': { type: 'string', describe: 'Seconds after which no block begins; the first round always runs' },
  ...quietOptions,
  'lock-wait': { type: 'string', default: '0', describe: 'Seconds to wait for another run on this machine' },
  out: { type: 'string', describe: 'Directory for ledger and reports (default: weighbridge-runs/…)' },
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
    tell(args, noiseRecords(ledger, directory), ledger, directory);
    return;
  }
  const { model } = args;
  // First: it may have taken the model for its seconds, and says so.
  const waitQuietSeconds = waitQuietSecondsOf(args.waitQuiet);
  if (model === undefined) throw new UsageError('name a GGUF model, or a run with --from');
  const request = { ...(await requestOf(args, model)), waitQuietSeconds };
  await weighInto(args.out, request, planOf(request), (result, directory) => {
    writeRun(directory, result);
    tell(args, noiseOf(result.ledger, directory), result.ledger, directory);
    endWith(result, directory);
  });
}

/** Prints the noise, then stores it: where it cannot be stored it was seen at least. */
function tell({ json }: Arguments, records: readonly NoiseRecord[], ledger: Ledger, directory: string): void {
  process.stdout.write(
    json
      ? `${JSON.stringify({ noise: records, run: directory }, null, 2)}\n`
      : noiseText(noiseReport(records, ledger), columnsOf(process.stdout)),
  );
  const written = storeNoise(directory, records);
  if (!json) process.stdout.write(`Written:\n${written.map((path) => `  ${printable(path)}\n`).join('')}`);
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
    modelPaths: [model],
    loaders: [loader, loader],
    loadersNamed: true,
    reference: null,
    states: commaList('--state', args.state, STATES),
    memoryStates: commaList('--memory-state', args.memoryState, MEMORY_STATES),
    // None named: every CPU there is.
    threads: args.threads === undefined ? [] : [whole('--threads', args.threads, 1, 1024)],
    isa: 'auto',
    rounds: whole('--pairs', args.pairs, 1, 100_000),
    // Footprints hardly vary, and their samples' times are never used.
    memoryRounds: 0,
    trace: false,
    prompt: whole('--prompt', args.prompt, 0, 1_000_000),
    generate: whole('--generate', args.generate, 0, 1_000_000),
    contexts: [args.context === undefined ? null : whole('--context', args.context, 1, 10_000_000)],
    seed: whole('--seed', args.seed, 0, 2 ** 31 - 1),
    timeoutSeconds: null,
    timeBudgetSeconds: args.timeBudget === undefined ? null : positive('--time-budget', args.timeBudget),
    lockWaitSeconds: whole('--lock-wait', args.lockWait, 0, 1e6),
    command: ['weighbridge', ...process.argv.slice(2)],
  };
}
