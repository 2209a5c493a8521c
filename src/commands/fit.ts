/** `weighbridge fit`: the smallest memory in which each loader keeps its speed. */
import type { Argv, CommandModule } from 'yargs';
import { findLoaders } from '../catalog.js';
import { Interrupted, UsageError, exitCode, failWith, printable } from '../failure.js';
import { roleOf } from '../loader.js';
import { planOf, type RunRequest } from '../run-request.js';
import type { Planned } from '../plan/plan.js';
import { fitLines, fitNotes } from '../report/fit.js';
import { enumeration } from '../report/format.js';
import { limitSupport } from '../samples/cgroup-place.js';
import { referenceHashes, warmRuntime, type CalibrationOptions } from '../samples/calibrate.js';
import { fitLoaders, type LoaderFit } from '../samples/fit-model.js';
import { lockMachine } from '../samples/lock.js';
import { CLEARED, columnsOf, live } from '../wrap.js';
import { fitTable } from '../../reports/fit-table.js';
import { positive, share, whole } from './arguments.js';

/** A map, a copy of it in memory, and direct I/O: the three ways in which memory is needed. */
const DEFAULT_LOADERS = ['mmap-shared', 'stdio', 'direct'] as const;

const options = {
  loader: { type: 'string', describe: `Loaders, comma-separated (default: ${DEFAULT_LOADERS.join(', ')})` },
  share: { type: 'string', default: '90%', describe: 'Of the speed without a limit, what has to be kept: 90% or 0.9' },
  resolution: { type: 'string', default: '2%', describe: 'Of the model, how exactly the limit is found: 2% or 0.02' },
  generate: { type: 'string', default: '16', describe: 'Tokens to decode: their speed is what has to be kept' },
  context: { type: 'string', describe: 'Positions of the KV cache (default: 512 or what is needed)' },
  threads: { type: 'string', describe: 'Compute threads (default: every CPU there is)' },
  timeout: { type: 'string', describe: 'Seconds that one sample may take (default: 120 and 1 s per 20 MB)' },
  'lock-wait': { type: 'string', default: '0', describe: 'Seconds to wait for another run on this machine' },
  json: { type: 'boolean', default: false, describe: 'Print JSON alone on standard output, with every sample' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('model', { type: 'string', demandOption: true, describe: 'a GGUF file (any part of a split model)' })
    .options(options)
    .example('$0 fit model.gguf', 'how little memory a map, a copy and direct I/O get by with')
    .example('$0 fit model.gguf --loader mmap-shared --share 50%', 'how far below the model a map can go')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const fitCommand: CommandModule<object, Arguments> = {
  command: 'fit <model>',
  describe: 'Find the smallest memory in which each loader keeps its speed',
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: fit,
};

async function fit(args: Arguments): Promise<void> {
  const kept = share('--share', args.share, 'up to');
  const resolution = share('--resolution', args.resolution, 'up to');
  const waitSeconds = whole('--lock-wait', args.lockWait, 0, 1e6);
  const planned = planOf(await requestOf(args));
  const { reason: unlimited } = limitSupport();
  if (unlimited !== null) throw failWith(unlimited);
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort(new Interrupted('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  const onStep = (step: string): void => {
    if (process.stderr.isTTY) live(process.stderr, `${printable(step)} …`);
  };
  const { signal } = controller;
  const found: LoaderFit[] = [];
  let failure: Error | null = null;
  try {
    const lock = await lockMachine(waitSeconds, signal, (holder) => {
      onStep(`waiting for another run on this machine (${holder})`);
    });
    try {
      const calibration: CalibrationOptions = {
        ...planned,
        ...{ mayReportFreePages: false, threads: 1, timeoutNs: planned.plan.timeoutNs, signal, onStep },
      };
      await warmRuntime(calibration);
      const hashes = await referenceHashes(calibration);
      const reason = await fitLoaders({
        ...planned,
        ...{ referenceHashes: hashes, share: kept, resolution, signal },
        onPoint: (arm, bytes) => {
          onStep(`${arm.label} ${bytes === null ? 'without a limit' : `in ${Math.ceil(bytes / 2 ** 20)} MiB`}`);
        },
        onFit: (one) => found.push(one),
      });
      if (reason !== null) throw failWith(reason);
    } finally {
      lock.release();
    }
  } catch (error) {
    const thrown = error instanceof Error ? error : new Error(String(error));
    failure = signal.aborted ? new Interrupted(interruptedWith(found)) : thrown;
  } finally {
    for (const name of signals) process.off(name, stop);
  }
  // Nothing is saved: what took minutes to find must not go with an error that came after it.
  if (failure === null || found.length > 0) print(args, planned, { share: kept, resolution, found });
  if (failure !== null) throw failure;
  if (found.some((one) => one.fit.kind === 'undecided')) process.exitCode = exitCode.failed;
}

function interruptedWith(found: readonly LoaderFit[]): string {
  const names = enumeration(found.map(({ arm }) => arm.label));
  const printed = found.length === 0 ? 'no loader was found before' : `what was found before, of ${names}, is printed`;
  return `interrupted: ${printed}, and fit saves nothing`;
}

interface Found {
  readonly share: number;
  readonly resolution: number;
  readonly found: readonly LoaderFit[];
}

function print(args: Arguments, { models }: Planned, { share: kept, resolution, found }: Found): void {
  if (process.stderr.isTTY) process.stderr.write(CLEARED);
  if (args.json) {
    process.stdout.write(`${JSON.stringify({ model: args.model, share: kept, resolution, fits: found })}\n`);
    return;
  }
  const heading = Object.values(models).map(
    ({ path, bytes }) => `${printable(path)}, ${Math.ceil(bytes / 2 ** 20)} MiB`,
  );
  const notes = fitNotes(found, kept, resolution);
  process.stdout.write(fitTable({ heading, lines: fitLines(found), notes }, columnsOf(process.stdout)));
}

/** Those that keep weights to decode with. Of `all` the others are left out; one that was named cannot be looked at. */
async function loadersOf(list: string): Promise<RunRequest['loaders']> {
  const loaders = await findLoaders(list);
  const kept = loaders.filter(({ mechanism }) => roleOf(mechanism) === 'loader');
  const [stray] = loaders.filter((loader) => !kept.includes(loader));
  if (stray === undefined || list.split(',').some((word) => word.trim() === 'all')) return kept;
  throw new UsageError(
    `the loader ${stray.name} keeps no weights to decode with, and so has no speed to keep; leave it out of --loader`,
  );
}

async function requestOf(args: Arguments): Promise<RunRequest> {
  const loaders = await loadersOf(args.loader ?? DEFAULT_LOADERS.join(','));
  return {
    modelPaths: [args.model],
    loaders,
    loadersNamed: args.loader !== undefined,
    reference: null,
    states: ['cold'],
    memoryStates: ['as-is'],
    threads: args.threads === undefined ? [] : [whole('--threads', args.threads, 1, 1024)],
    ...(args.context === undefined ? {} : { contexts: [whole('--context', args.context, 1, 10_000_000)] }),
    isa: 'auto',
    rounds: 1,
    memoryRounds: 0,
    prompt: 0,
    generate: whole('--generate', args.generate, 1, 1_000_000),
    seed: 1,
    timeoutSeconds: args.timeout === undefined ? null : positive('--timeout', args.timeout),
    timeBudgetSeconds: null,
    lockWaitSeconds: 0,
    command: ['weighbridge', ...process.argv.slice(2)],
  };
}
