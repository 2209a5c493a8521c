/** `weighbridge run`: arguments → pipeline → output → exit code. */
import { join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { findLoaders } from '../catalog.js';
import { COMMAND_OUTPUTS, chosenCommands, statedOnCommandLine } from '../command-arms.js';
import type { FoundPlan } from '../config-file.js';
import { UsageError, printable } from '../failure.js';
import { resumeRun, type RunResult } from '../pipeline.js';
import { isEmpty, planOf, type RunRequest } from '../run-request.js';
import type { MemoryState, State } from '../samples/record.js';
import { LEDGER_FILE, readLedger } from '../samples/ledger.js';
import { partsOf } from '../plan/parts.js';
import { commandOfShard } from '../plan/shard.js';
import { counted } from '../report/format.js';
import { tracesIn } from '../samples/trace-file.js';
import { writePage } from '../report-files.js';
import { columnsOf } from '../wrap.js';
import { writeRun } from '../write-run.js';
import { terminalTable } from '../../reports/terminal-table.js';
import { commaList, positive, several, whole } from './arguments.js';
import { dimensionOptions, dimensionsOf, refuseImpossible } from './dimensions.js';
import { exploringOf, exploringOptions } from './exploring-options.js';
import { inferenceOption, workOf } from './inference-option.js';
import { namingPlaces, planNamed, withPlan } from './plan-file.js';
import { planText } from './plan-text.js';
import { shardOf } from './shard-option.js';
import { endJudged } from './verdict-end.js';
import { endWith, labelsOf, weighInto, weighing } from './weighing.js';

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
  command: {
    type: 'string',
    requiresArg: true,
    coerce: several,
    describe: "A program of your own beside them, or alone: NAME='program -m {model} …'; no shell; may be repeated",
  },
  'command-output': {
    type: 'string',
    describe: 'Output of the commands: discard, first-byte (default: discard, with a pattern first-byte)',
  },
  'command-pattern': {
    type: 'string',
    requiresArg: true,
    coerce: several,
    describe: "Tokens per second in a command's output: NAME='(\\S+) tokens per second'; may be repeated",
  },
  plan: {
    type: 'string',
    describe: 'Plan of weighbridge.config.ts (.js, .mjs, .json), default where none is named; options override it',
  },
  state: { type: 'string', describe: 'Page cache before a sample: cold, warm (default: both)' },
  'memory-state': {
    type: 'string',
    describe: 'Free memory before a sample: backed, returned, as-is (default: backed)',
  },
  ...dimensionOptions,
  ...inferenceOption,
  isa: { type: 'string', describe: "Instruction set of the kernel's products (default: auto)" },
  ...exploringOptions,
  'memory-rounds': {
    type: 'string',
    describe: 'Rounds of the memory pass, whose times are never used (default: 1)',
  },
  trace: {
    type: 'boolean',
    describe: 'Also write a timeline of each loader and state for Perfetto: layers, tensors, faults, residency',
  },
  prompt: { type: 'string', describe: 'Prompt tokens to prefill (default: 32)' },
  generate: { type: 'string', describe: 'Tokens to decode (default: 16)' },
  seed: { type: 'string', describe: 'Seed of the order (default: 1)' },
  shard: {
    type: 'string',
    requiresArg: true,
    describe:
      'Weigh one part of the plan, for weighbridge merge: 2/4, or auto in a task of Slurm, Kubernetes (auto/4), GitLab, Buildkite',
  },
  out: { type: 'string', describe: 'Directory for ledger and reports (default: weighbridge-runs/…)' },
  resume: {
    type: 'string',
    requiresArg: true,
    describe: 'Directory of an interrupted run to continue, as its ledger says',
  },
  json: { type: 'boolean', default: false, describe: 'Print JSON alone on standard output' },
  'time-budget': {
    type: 'string',
    describe: 'Seconds after which no block begins; the first round, also of memory, always runs',
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
    .example('$0 run model.gguf --processes 1,2,4 --state warm', 'what several processes with one model cost')
    .example('$0 run model.gguf --loads 3 --state cold', 'the first load, and those after it')
    .example('$0 run model.gguf --no-inference', 'loading alone, whatever the architecture and the types')
    .example("$0 run model.gguf --command 'sum=sha256sum {model}'", 'any program, in the same states')
    .example('$0 run model.gguf --shard 2/4', 'the second of four parts, on a machine of its own')
    .example('$0 run --plan nightly', 'a plan of weighbridge.config.ts')
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
    const stray = (args.models ?? []).length > 0 ? 'model' : strayOf(args);
    if (stray !== null) throw new UsageError(`--resume continues the plan in its ledger: give no ${stray} with it`);
    const directory = resolve(args.resume);
    const labels = labelsOf(readLedger(directory).ledger.run.arms);
    const waitSeconds = whole('--lock-wait', args.lockWait, 0, 1e6);
    await weighing(
      labels,
      (signal, listener) => resumeRun(directory, waitSeconds, signal, listener),
      (result) => conclude(args, directory, result),
    );
    return;
  }
  const plan = await planNamed(args.plan);
  const effective = withPlan(args, plan);
  const { loaders, commands } = await subjectsOf(effective, plan);
  const request = namingPlaces(args, plan, () => requestOf(effective, { loaders, commands, plan }));
  const planned = namingPlaces(args, plan, () => planOf(request));
  if (args.dryRun) {
    process.stdout.write(planText(planned, request, { json: args.json, columns: columnsOf(process.stdout) }));
    return;
  }
  await weighInto(args.out, request, planned, (result, directory) => conclude(args, directory, result));
}

/** An option that would be part of a plan, or of where it goes, and can change nothing of a run that is resumed. */
function strayOf(args: Arguments): string | null {
  if (args.inference !== undefined) return args.inference ? '--inference' : '--no-inference';
  const fine: readonly string[] = ['resume', 'json', 'lock-wait'];
  const names = (Object.keys(options) as (keyof typeof options)[]).filter((name) => !fine.includes(name));
  const stray = names.find((name) => args[name] !== undefined && args[name] !== false);
  return stray === undefined ? null : `--${stray}`;
}

async function conclude(args: Arguments, directory: string, result: RunResult): Promise<void> {
  // One that goes on with what `ab` began.
  if (result.verdict !== null) {
    endJudged(result, result.verdict, directory, args.json);
    return;
  }
  if (args.json) printJson(result);
  if (isEmpty(result.ledger.run)) {
    const path = printable(join(directory, LEDGER_FILE));
    if (!args.json) process.stdout.write(`${nothingToWeigh(result)}\nWritten:\n  ${path}\n`);
    return;
  }
  if (!args.json) {
    const columns = process.stdout.isTTY ? process.stdout.columns : 80;
    process.stdout.write(terminalTable(result.report, { width: columns, bold: process.stdout.isTTY }));
  }
  const written = [...writeRun(directory, result), ...tracesIn(directory)];
  const { markdown, html } = await writePage(directory, result);
  if (!args.json) {
    const others = [...written, markdown].map((path) => `  ${printable(path)}\n`);
    process.stdout.write(`Written:\n${others.join('')}\nThe report, for a browser:\n  ${printable(html)}\n`);
  }
  endWith(result, directory);
}

/** Of a shard beyond the parts of its plan: its ledger has no samples, and merge takes it for what it is. */
function nothingToWeigh({ ledger: { run } }: RunResult): string {
  const { numbers = [], of = 0 } = run.plan.shard ?? {};
  const parts = partsOf(run.plan, run.arms).length;
  return `Shard ${numbers.join(', ')} of ${of} has nothing to weigh: the plan has ${counted(parts, 'part')}.`;
}

/** In pieces: the whole may be longer than the longest string. */
function printJson({ ledger, summary, tinybench }: RunResult): void {
  const list = (name: string, records: readonly unknown[]): void => {
    process.stdout.write(`,"${name}":[`);
    for (const [index, record] of records.entries()) {
      process.stdout.write(`${index === 0 ? '' : ','}${JSON.stringify(record)}`);
    }
    process.stdout.write(']');
  };
  process.stdout.write(`{"run":${JSON.stringify(ledger.run)}`);
  list('samples', ledger.samples);
  list('groups', ledger.groups);
  process.stdout.write(`,"summary":${JSON.stringify({ ...summary, tinybench })}}\n`);
}

/** What is compared. Commands alone leave no loader to be weighed. */
async function subjectsOf(args: Arguments, plan: FoundPlan | null): Promise<Pick<Subjects, 'loaders' | 'commands'>> {
  const texts = args.command ?? [];
  const patterns = args.commandPattern ?? [];
  const [output = null] =
    args.commandOutput === undefined ? [] : commaList('--command-output', args.commandOutput, COMMAND_OUTPUTS);
  if (texts.length === 0 && (output !== null || patterns.length > 0)) {
    throw new UsageError('--command-output and --command-pattern are of a --command: give one');
  }
  const stated = texts.length > 0 ? statedOnCommandLine(texts, patterns, output) : (plan?.commands ?? []);
  const usual = stated.length > 0 ? null : DEFAULT_LOADERS.join(',');
  const list = args.loader ?? usual;
  const loaders = list === null ? [] : await findLoaders(list);
  const names = loaders.map(({ name }) => name);
  return { loaders, commands: chosenCommands(stated, names) };
}

interface Subjects {
  readonly loaders: RunRequest['loaders'];
  readonly commands: NonNullable<RunRequest['commands']>;
  readonly plan: FoundPlan | null;
}

function requestOf(args: Arguments, { loaders, commands, plan }: Subjects): RunRequest {
  const modelPaths = args.models ?? [];
  // Before models: an option may have taken one for its value, and says so.
  const exploring = exploringOf(args, loaders);
  const shard = shardOf(args.shard, process.env);
  const stopping = (['precision', 'timeBudget'] as const).find((name) => args[name] !== undefined);
  if (shard !== null && stopping !== undefined) {
    const name = stopping === 'precision' ? '--precision' : '--time-budget';
    throw new UsageError(`${name} may end a run early, and --shard takes all of its part: give --rounds instead`);
  }
  if (modelPaths.length === 0) {
    throw new UsageError('name a GGUF model; weighbridge gen model.gguf --shape 110m --type f16 makes one');
  }
  const dimensions = dimensionsOf(args);
  refuseImpossible(dimensions);
  const seconds = (name: string, value: string | undefined): number | null =>
    value === undefined ? null : positive(name, value);
  return {
    modelPaths,
    loaders,
    commands,
    loadersNamed: namesEach(args.loader),
    reference: args.reference ?? null,
    states: commaList('--state', args.state ?? 'cold,warm', STATES),
    memoryStates: commaList('--memory-state', args.memoryState ?? 'backed', MEMORY_STATES),
    ...dimensions,
    work: workOf(args),
    isa: args.isa ?? 'auto',
    ...exploring,
    memoryRounds: whole('--memory-rounds', args.memoryRounds ?? '1', 0, 1000),
    trace: args.trace ?? false,
    prompt: whole('--prompt', args.prompt ?? '32', 0, 1_000_000),
    generate: whole('--generate', args.generate ?? '16', 0, 1_000_000),
    seed: whole('--seed', args.seed ?? '1', 0, 2 ** 31 - 1),
    timeoutSeconds: seconds('--timeout', args.timeout),
    timeBudgetSeconds: seconds('--time-budget', args.timeBudget),
    lockWaitSeconds: whole('--lock-wait', args.lockWait, 0, 1e6),
    command: commandOfShard(['weighbridge', ...process.argv.slice(2)], shard),
    shard,
    config: plan === null ? null : { path: plan.path, digest: plan.digest, plan: plan.name },
  };
}

/** Loaders that the user named one by one must work; of `all` some need not. */
const namesEach = (list: string | undefined): boolean =>
  list !== undefined && !list.split(',').some((word) => word.trim() === 'all');
