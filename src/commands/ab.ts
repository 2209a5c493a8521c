/** `weighbridge ab`: two sides in one run, neighbours in pairs, and a verdict. */
import type { Argv, CommandModule } from 'yargs';
import { COMMAND_OUTPUTS } from '../command-arms.js';
import { UsageError } from '../failure.js';
import { register, looksFor } from '../gate/register.js';
import { noiseFloorFor } from '../noise-store.js';
import { planOf, type RunRequest } from '../run-request.js';
import { plainId } from '../plan/arms.js';
import type { Planned } from '../plan/plan.js';
import type { Gate } from '../samples/record.js';
import { sidesOf, type Sides } from '../sides.js';
import { ALPHA, LOOKS, MOST_PAIRS } from '../statistics/sign-test.js';
import { commaList, whole } from './arguments.js';
import { waitQuietSecondsOf } from './exploring-options.js';
import { gateOptions, metricsNamed, thresholdsOf } from './gate-options.js';
import { pairedOptions, pairedRequestOf } from './paired-options.js';
import { endJudged } from './verdict-end.js';
import { weighInto } from './weighing.js';

const SIDE = "a loader (name or file), the directory of another build of weighbridge, or 'cmd=PROGRAM … {model}'";
/** Fewer pairs can show nothing. */
const [LEAST_PAIRS] = LOOKS;

const options = {
  base: { type: 'string', requiresArg: true, describe: `What there was: ${SIDE}` },
  head: { type: 'string', requiresArg: true, describe: 'What is new: the same' },
  loader: {
    type: 'string',
    requiresArg: true,
    describe: 'How a build in a directory loads (default: as the other side, else mmap-shared)',
  },
  'command-output': { type: 'string', requiresArg: true, describe: 'Output of both commands: discard, first-byte' },
  'command-pattern': {
    type: 'string',
    requiresArg: true,
    describe: "Tokens per second in their output: '(\\S+) tokens per second'",
  },
  pairs: {
    type: 'string',
    default: String(MOST_PAIRS),
    describe: `Most pairs of each state; looked at after ${LOOKS.join(', ')} …, and ended when all is decided`,
  },
  ...gateOptions,
  ...pairedOptions,
  json: { type: 'boolean', default: false, describe: 'Print verdict.json alone on standard output' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('model', { type: 'string', describe: 'a GGUF file (any part of a split model)' })
    .options(options)
    .example('$0 ab model.gguf --base ../main --head .', 'two builds of weighbridge, one loader')
    .example('$0 ab model.gguf --base read --head ./mine.ts --state cold', 'a loader of yours against ours')
    .example(
      "$0 ab model.gguf --base 'cmd=./old/engine -m {model}' --head 'cmd=./new/engine -m {model}'",
      'two revisions of any program',
    )
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const abCommand: CommandModule<object, Arguments> = {
  command: 'ab [model]',
  describe: 'Judge head against base in one run of neighbouring pairs: the gate for CI',
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: ab,
};

async function ab(args: Arguments): Promise<void> {
  // First: it may have taken the model for its seconds, and says so.
  const waitQuietSeconds = waitQuietSecondsOf(args.waitQuiet);
  const { model } = args;
  if (model === undefined) throw new UsageError('name a GGUF model; weighbridge gen model.gguf --shape 110m makes one');
  const request = { ...(await requestOf(args, model)), waitQuietSeconds };
  const planned = planOf(request);
  refuseHopeless(planned.plan.gate ?? null);
  await weighInto(args.out, request, planned, (result, directory) => {
    if (result.verdict === null) throw new Error('the run was not registered to be judged');
    endJudged(result, result.verdict, directory, args.json);
  });
}

async function requestOf(args: Arguments, model: string): Promise<RunRequest> {
  const { base, head } = args;
  if (base === undefined || head === undefined) throw new UsageError(`give --base and --head: each ${SIDE}`);
  const pairs = whole('--pairs', args.pairs, LEAST_PAIRS, 100_000);
  const thresholds = thresholdsOf(args.threshold);
  const metrics = metricsNamed(args.metric);
  const [output = null] =
    args.commandOutput === undefined ? [] : commaList('--command-output', args.commandOutput, COMMAND_OUTPUTS);
  const pattern = args.commandPattern ?? null;
  if (Array.isArray(pattern)) throw new UsageError('--command-pattern is given more than once; give it one value');
  const sides = await sidesOf({ base, head }, args.loader ?? null, { output, pattern });
  return {
    ...pairedRequestOf(args, model, pairs),
    ...subjectsOf(sides),
    order: 'counterbalanced',
    ceilings: false,
    register: (planned, fingerprint) => ({
      ...register(planned, { metrics, thresholds, pairs, floorOf: floorsHere(planned, fingerprint) }),
      failOnInconclusive: args.failOnInconclusive,
    }),
  };
}

function subjectsOf(sides: Sides): Pick<RunRequest, 'loaders' | 'commands' | 'reference'> {
  return sides.kind === 'loaders'
    ? { loaders: [sides.base, sides.head], commands: [], reference: sides.base.name }
    : { loaders: [], commands: [sides.base, sides.head], reference: sides.base.name };
}

/** What `aa` stored of an arm on this machine. */
function floorsHere({ models }: Planned, fingerprint: string): Parameters<typeof register>[1]['floorOf'] {
  const known = new Map<string, number | null>();
  return (arm, { state, memoryState }, metric, n) => {
    const key = { fingerprint, model: models[arm.model]?.headerDigest ?? '', arm: plainId(arm), state, memoryState };
    // Both sides are often the same arm, and a floor takes thousands of resamples.
    const name = JSON.stringify([key, metric, n]);
    const earlier = known.get(name);
    if (earlier !== undefined) return earlier;
    const found = noiseFloorFor(key, metric, n);
    const floor = found.kind === 'known' ? found.floor : null;
    known.set(name, floor);
    return floor;
  };
}

/** So that no time is spent on what no result could decide. */
function refuseHopeless(gate: Gate | null): void {
  const comparisons = gate?.comparisons.length ?? 0;
  if (gate === null || comparisons === 0) {
    throw new UsageError(
      'nothing is left to compare: check --metric, --state and --generate against what the sides can tell',
    );
  }
  const pairs = gate.looks.at(-1) ?? 0;
  const canDecide = (n: number): boolean => 2 ** -n <= ALPHA / looksFor(n, comparisons).length / comparisons;
  if (canDecide(pairs)) return;
  let needed = pairs;
  while (!canDecide(needed)) needed += 1;
  throw new UsageError(
    `--pairs ${pairs} can decide nothing of ${comparisons} comparisons, whatever they show: give --pairs ${needed} or more, or fewer of --metric and --state`,
  );
}
