/** `weighbridge run`: arguments → pipeline → output → exit code. */
import { resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { findLoaders } from '../catalog.js';
import { UsageError, printable } from '../failure.js';
import { bypassesPageCache } from '../loader.js';
import { planOf, resumeRun, samplesOf, weigh, type RunRequest, type RunResult } from '../pipeline.js';
import type { MemoryState, State } from '../samples/record.js';
import { readLedger } from '../samples/ledger.js';
import { tracesIn } from '../samples/trace-file.js';
import { pairsForVerdict } from '../statistics/sign-test.js';
import { writeRun } from '../write-run.js';
import { terminalTable } from '../../reports/terminal-table.js';
import { commaList, positive, whole } from './arguments.js';
import { exploringOf, exploringOptions } from './exploring-options.js';
import { endWith, labelsOf, outDirectory, weighing } from './weighing.js';

/** What `run` compares unless told otherwise: the reader that mmap replaced, plain readers, maps, and direct I/O. */
export const DEFAULT_LOADERS = ['stdio', 'cxx-stream', 'mmap-shared', 'mmap-shared-populate', 'direct'] as const;

const STATES = ['cold', 'warm'] as const satisfies readonly State[];
const MEMORY_STATES = ['backed', 'returned', 'as-is'] as const satisfies readonly MemoryState[];

const options = {
  loader: {
    type: 'string',
    describe: `Loaders, comma-separated, or all; files of your own (.ts, .js, .so); one named twice is weighed against itself (default: ${DEFAULT_LOADERS.join(', ')})`,
  },
  reference: { type: 'string', describe: 'Loader that the others are compared with (default: stdio, else the first)' },
  state: { type: 'string', default: 'cold,warm', describe: 'Page cache before a sample: cold, warm' },
  'memory-state': {
    type: 'string',
    default: 'backed',
    describe: 'Free memory before a sample: backed, returned, as-is',
  },
  threads: { type: 'string', describe: 'Compute threads (default: every CPU there is)' },
  isa: { type: 'string', default: 'auto', describe: "Instruction set of the kernel's products" },
  ...exploringOptions,
  'memory-rounds': { type: 'string', default: '1', describe: 'Rounds of the memory pass, whose times are never used' },
  trace: {
    type: 'boolean',
    default: false,
    describe: 'Also write a timeline of each loader and state for Perfetto: layers, tensors, faults, residency',
  },
  prompt: { type: 'string', default: '32', describe: 'Prompt tokens to prefill' },
  generate: { type: 'string', default: '16', describe: 'Tokens to decode' },
  context: { type: 'string', describe: 'Positions of the KV cache (default: 512 or what is needed)' },
  seed: { type: 'string', default: '1', describe: 'Seed of the order' },
  out: { type: 'string', describe: 'Directory for ledger and reports (default: weighbridge-runs/…)' },
  resume: { type: 'string', describe: 'Directory of an interrupted run to continue' },
  json: { type: 'boolean', default: false, describe: 'Print JSON alone on standard output' },
  'time-budget': {
    type: 'string',
    describe: 'Seconds after which no block begins; the first round and the memory pass always run',
  },
  timeout: { type: 'string', describe: 'Seconds that one sample may take (default: 120 and 1 s per 20 MB)' },
  'lock-wait': { type: 'string', default: '0', describe: 'Seconds to wait for another run on this machine' },
  'dry-run': { type: 'boolean', default: false, describe: 'Print the plan and how many pairs a verdict would need' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('models', { type: 'string', array: true, describe: 'GGUF files (any part of a split model)' })
    .options(options)
    .example('$0 run model.gguf', 'compare the usual loaders, cold and warm')
    .example('$0 run model.gguf --loader all --rounds 10', 'every loader, enough pairs for an interval')
    .example('$0 run model.gguf --precision 5% --wait-quiet', 'as many rounds as it takes, on a quiet machine')
    .example('$0 run model.gguf --loader mmap-shared,mmap-shared --state warm', 'A/A: a loader against itself')
    .example('$0 run model.gguf --loader read,./mine.so', 'a loader of your own beside ours')
    .example('$0 run model.gguf --json > run.json', 'everything as JSON')
    .example('$0 run --resume weighbridge-runs/…', 'continue an interrupted run')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const runCommand: CommandModule<object, Arguments> = {
  command: 'run [models..]',
  describe: 'Weigh ways of loading a model',
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: run,
};

async function run(args: Arguments): Promise<void> {
  if (args.resume !== undefined) {
    if ((args.models ?? []).length > 0 || args.out !== undefined || args.dryRun) {
      throw new UsageError('--resume continues the plan in its ledger: give no model, --out or --dry-run with it');
    }
    const directory = resolve(args.resume);
    const labels = labelsOf(readLedger(directory).ledger.run.arms);
    await measure(args, directory, labels, (signal, listener) =>
      resumeRun(directory, whole('--lock-wait', args.lockWait, 0, 1e6), signal, listener),
    );
    return;
  }
  const request = await requestOf(args);
  const planned = planOf(request);
  if (args.dryRun) {
    printPlan(args.json, planned, request);
    return;
  }
  const directory = outDirectory(args.out, request.modelPaths[0] ?? 'model');
  await measure(args, directory, labelsOf(planned.arms), (signal, listener) =>
    weigh(request, directory, signal, listener),
  );
}

async function measure(
  args: Arguments,
  directory: string,
  label: (arm: string) => string,
  work: Parameters<typeof weighing>[1],
): Promise<void> {
  await weighing(label, work, (result) => {
    if (args.json) printJson(result);
    else {
      const columns = process.stdout.isTTY ? process.stdout.columns : 80;
      process.stdout.write(terminalTable(result.report, { width: columns, bold: process.stdout.isTTY }));
    }
    const written = [...writeRun(directory, result), ...tracesIn(directory)];
    if (!args.json) process.stdout.write(`Written:\n${written.map((path) => `  ${printable(path)}\n`).join('')}`);
    endWith(result, directory);
  });
}

/** In pieces: the whole may be longer than the longest string. */
function printJson({ ledger, summary, tinybench }: RunResult): void {
  process.stdout.write(`{"run":${JSON.stringify(ledger.run)},"samples":[`);
  for (const [index, sample] of ledger.samples.entries()) {
    process.stdout.write(`${index === 0 ? '' : ','}${JSON.stringify(sample)}`);
  }
  process.stdout.write(`],"groups":[],"summary":${JSON.stringify({ ...summary, tinybench })}}\n`);
}

async function requestOf(args: Arguments): Promise<RunRequest> {
  const modelPaths = args.models ?? [];
  const loaders = await findLoaders(args.loader ?? DEFAULT_LOADERS.join(','));
  // Before models: an option may have taken one for its value, and says so.
  const exploring = exploringOf(args, loaders);
  if (modelPaths.length === 0) {
    throw new UsageError('name a GGUF model; weighbridge gen model.gguf --shape 110m --type f16 makes one');
  }
  const optional = (name: string, value: string | undefined, least: number, most: number): number | null =>
    value === undefined ? null : whole(name, value, least, most);
  const seconds = (name: string, value: string | undefined): number | null =>
    value === undefined ? null : positive(name, value);
  return {
    modelPaths,
    loaders,
    loadersNamed: namesEach(args.loader),
    reference: args.reference ?? null,
    states: commaList('--state', args.state, STATES),
    memoryStates: commaList('--memory-state', args.memoryState, MEMORY_STATES),
    threads: optional('--threads', args.threads, 1, 1024),
    isa: args.isa,
    ...exploring,
    memoryRounds: whole('--memory-rounds', args.memoryRounds, 0, 1000),
    trace: args.trace,
    prompt: whole('--prompt', args.prompt, 0, 1_000_000),
    generate: whole('--generate', args.generate, 0, 1_000_000),
    context: optional('--context', args.context, 1, 10_000_000),
    seed: whole('--seed', args.seed, 0, 2 ** 31 - 1),
    timeoutSeconds: seconds('--timeout', args.timeout),
    timeBudgetSeconds: seconds('--time-budget', args.timeBudget),
    lockWaitSeconds: whole('--lock-wait', args.lockWait, 0, 1e6),
    command: ['weighbridge', ...process.argv.slice(2)],
  };
}

/** Loaders that the user named one by one must work; of `all` some need not. */
const namesEach = (list: string | undefined): boolean =>
  list !== undefined && !list.split(',').some((word) => word.trim() === 'all');

function printPlan(json: boolean, planned: ReturnType<typeof planOf>, request: RunRequest): void {
  const { plan, arms, models } = planned;
  const adaptive = plan.precision !== null;
  const references = new Set(Object.values(plan.reference));
  const weighed = (id: string, state: State): boolean => {
    const arm = arms[id];
    if (arm === undefined || arm.work !== 'infer' || references.has(id)) return false;
    return !(state === 'warm' && bypassesPageCache(arm.mechanism, arm.options));
  };
  const compared = plan.states.map((state) => plan.arms.filter((id) => weighed(id, state)).length);
  const comparisons = Math.max(1, compared.reduce((sum, count) => sum + count, 0) * plan.memoryStates.length);
  const pairs = pairsForVerdict({ comparisons });
  if (json) {
    process.stdout.write(`${JSON.stringify({ plan, arms, models, comparisons, pairsForVerdict: pairs })}\n`);
    return;
  }
  const lines = [
    ...Object.values(models).map(
      (model) => `model      ${printable(model.path)} (${model.fileSystem}, ${(model.bytes / 2 ** 20).toFixed(0)} MiB)`,
    ),
    `loaders    ${request.loaders.map((loader) => loader.name).join(', ')}`,
    `reference  ${[...new Set(Object.values(plan.reference).map((id) => arms[id]?.label ?? id))].join(', ')}`,
    `states     ${plan.states.join(', ')}; free memory ${plan.memoryStates.join(', ')}`,
    `rounds     ${adaptive ? 'at most ' : ''}${plan.rounds}, and ${plan.memoryRounds} of the memory pass${plan.trace === true ? '; each loader and state traced once' : ''}`,
    `samples    ${adaptive ? 'at most ' : ''}${samplesOf(planned)}, each a process of its own; retries come on top`,
    `pairs      ${adaptive ? 'at most ' : ''}${plan.rounds} a comparison, ${comparisons} comparisons; an interval (95 %) needs 6`,
    adaptive
      ? 'verdict    of a gate: none; a run that may stop by the precision of its ratios explores'
      : pairs === null
        ? 'verdict    of a gate (1 % error over all comparisons): not possible with 40 pairs; compare fewer'
        : `verdict    of a gate (1 % error over all comparisons): from ${pairs} pairs, --rounds ${pairs}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
