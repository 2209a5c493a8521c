/** `weighbridge recommend`: a short measured run, and what follows from it for this file on this machine. */
import type { Argv, CommandModule } from 'yargs';
import { availableParallelism } from 'node:os';
import { listLoaders } from '../catalog.js';
import { UsageError, printable } from '../failure.js';
import { availableMemory, machineFacts } from '../machine.js';
import { native } from '../native.js';
import { planOf, type RunRequest } from '../run-request.js';
import { leadOfAdvice } from '../report/leads.js';
import { adviceOf } from '../report/recommend.js';
import { writePage } from '../report-files.js';
import { storeAdvice } from '../run-lead.js';
import type { MemoryState, State } from '../samples/record.js';
import { pairsForClaim } from '../statistics/claim.js';
import { recommend } from '../statistics/recommendation.js';
import { columnsOf } from '../wrap.js';
import { writeRun } from '../write-run.js';
import { recommendationText } from '../../reports/recommendation-text.js';
import { commaList, positive, whole } from './arguments.js';
import { candidatesFrom, type Candidates } from './recommend-candidates.js';
import { batch } from './session-options.js';
import { endWith, weighInto } from './weighing.js';

const STATES: Readonly<Record<string, readonly State[]>> = {
  cold: ['cold'],
  warm: ['warm'],
  both: ['cold', 'warm'],
};
const MEMORY_STATES = ['backed', 'returned', 'as-is'] as const satisfies readonly MemoryState[];
const CONTEXT = 512;
/** Enough decode steps to know a usual one, which debt is reckoned from. */
const GENERATE = 4;

const options = {
  state: { choices: ['cold', 'warm', 'both'], default: 'both', describe: 'Page cache when the model will be loaded' },
  'memory-state': {
    type: 'string',
    describe:
      'Free memory then: backed, returned, as-is (default: backed; with --time-budget 600 also returned, where the host takes memory back)',
  },
  processes: { type: 'string', default: '1', describe: 'Processes that will hold the model at once' },
  context: { type: 'string', describe: 'Positions of the KV cache of each (default: 512, or what the model has)' },
  threads: { type: 'string', describe: 'Compute threads (default: every CPU there is)' },
  'time-budget': {
    type: 'string',
    default: '90',
    describe: 'Seconds after which no block begins; one round always runs',
  },
  'lock-wait': { type: 'string', default: '0', describe: 'Seconds to wait for another run on this machine' },
  out: { type: 'string', describe: 'Directory for ledger and reports (default: weighbridge-runs/…)' },
  json: { type: 'boolean', default: false, describe: 'Print JSON alone on standard output' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('model', { type: 'string', demandOption: true, describe: 'a GGUF file (any part of a split model)' })
    .options(options)
    .example('$0 recommend model.gguf', 'which loader to take here, cold and warm')
    .example('$0 recommend model.gguf --state cold --processes 4', 'four servers after a reboot')
    .example('$0 recommend model.gguf --time-budget 600', 'more pairs, a surer answer')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const recommendCommand: CommandModule<object, Arguments> = {
  command: 'recommend <model>',
  describe: 'Recommend a loader for this file on this machine, from a short run',
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: recommendFor,
};

async function recommendFor(args: Arguments): Promise<void> {
  const processes = whole('--processes', args.processes, 1, 1024);
  const availableBytes = availableMemory();
  const candidates = await candidatesFor(args, processes, availableBytes);
  const request = requestOf(args, candidates);
  await weighInto(args.out, request, planOf(request), async (result, directory) => {
    const recommendation = recommend(result.summary, result.ledger, { processes, availableBytes });
    const advice = adviceOf(recommendation, result.ledger, candidates.leftOut);
    const json = `${JSON.stringify({ recommendation, advice, run: directory }, null, 2)}\n`;
    process.stdout.write(args.json ? json : recommendationText(advice, columnsOf(process.stdout)));
    writeRun(directory, result);
    storeAdvice(directory, json);
    const { html } = await writePage(directory, result, leadOfAdvice(advice));
    if (!args.json) {
      process.stdout.write(`Written: ${printable(directory)}\nThe report, for a browser:\n  ${printable(html)}\n`);
    }
    endWith(result, directory);
  });
}

async function candidatesFor(args: Arguments, processes: number, availableBytes: number | null): Promise<Candidates> {
  const context = contextOf(args);
  const files = native()
    .inspect(args.model, { arrays: false, digest: false })
    .parts.map(({ path }) => path);
  const [threads = availableParallelism()] = threadsOf(args);
  const { tensorBytes, kvCacheBytes, scratchBytes } = native().kernelPlan(args.model, { context, batch, threads });
  const candidates = candidatesFrom(
    await listLoaders(),
    ({ mechanism, options: of }) => native().unsupported(mechanism, files, of ?? {}),
    { processes, availableBytes, tensorBytes, sessionBytes: kvCacheBytes + scratchBytes },
  );
  if (candidates.loaders.length === 0) {
    throw new UsageError(`${args.model}: no loader can be weighed. ${candidates.leftOut.join(' ')}`);
  }
  return candidates;
}

function contextOf({ context, model }: Arguments): number {
  if (context !== undefined) return whole('--context', context, 1, 10_000_000);
  const { shape } = native().kernelPlan(model, { context: 1, batch, threads: 1 });
  return Math.min(CONTEXT, shape.contextTrained);
}

/** Empty for every CPU. */
function threadsOf({ threads }: Arguments): readonly number[] {
  return threads === undefined ? [] : [whole('--threads', threads, 1, 1024)];
}

function requestOf(args: Arguments, { loaders }: Candidates): RunRequest {
  // Pairs that can prove each comparison, if the time allows.
  const rounds = pairsForClaim(Math.max(1, loaders.length - 1));
  return {
    modelPaths: [args.model],
    loaders,
    loadersNamed: false,
    reference: null,
    states: STATES[args.state] ?? ['cold', 'warm'],
    memoryStates: memoryStatesOf(args),
    threads: threadsOf(args),
    isa: 'auto',
    rounds,
    memoryRounds: 1,
    prompt: 0,
    generate: GENERATE,
    contexts: [contextOf(args)],
    seed: 1,
    trace: false,
    timeoutSeconds: null,
    timeBudgetSeconds: positive('--time-budget', args.timeBudget),
    lockWaitSeconds: whole('--lock-wait', args.lockWait, 0, 1e6),
    command: ['weighbridge', ...process.argv.slice(2)],
  };
}

/** A returned sample waits many seconds for the host to take memory back: one round of them takes minutes. */
const BUDGET_FOR_RETURNED = 600;

/** Where the host takes free memory back, what was fastest in the one state may be slowest in the other. */
function memoryStatesOf({ memoryState, model, timeBudget }: Arguments): readonly MemoryState[] {
  if (memoryState !== undefined) return commaList('--memory-state', memoryState, MEMORY_STATES);
  const both = machineFacts(model).memory.pageReporting === true && Number(timeBudget) >= BUDGET_FOR_RETURNED;
  return both ? ['backed', 'returned'] : ['backed'];
}
