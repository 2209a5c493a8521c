/** `weighbridge check` and `weighbridge baseline update`: a run against stored figures of earlier ones. */
import { basename, dirname, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { baselineOf, commitHere, figuresOf, readBaselines, writeBaseline } from '../baseline-store.js';
import { UsageError, printable } from '../failure.js';
import type { BaselineEntry } from '../gate/baseline-types.js';
import { checkAgainst } from '../gate/check.js';
import { checkVerdict, comparableBaselines } from '../gate/check-verdict.js';
import { verdictExitCode } from '../gate-exit.js';
import { noiseBetweenRuns } from '../noise-store.js';
import { LEDGER_FILE, readLedger } from '../samples/ledger.js';
import type { RunRecord } from '../samples/record.js';
import { METRICS, type Metric } from '../statistics/metrics.js';
import { writeVerdict } from '../write-verdict.js';
import { several } from './arguments.js';
import { gateOptions, metricsNamed, thresholdsOf } from './gate-options.js';
import { tellVerdict } from './verdict-end.js';

const options = {
  baseline: {
    type: 'string',
    requiresArg: true,
    coerce: several,
    describe:
      'A baseline file, a directory of them, or that of a run; may be repeated: several tell how far days differ',
  },
  ...gateOptions,
  'across-machines': {
    type: 'boolean',
    default: false,
    describe: "Let another machine's baseline count, of normalized times alone",
  },
  out: { type: 'string', requiresArg: true, describe: "Directory for the verdict's files (default: that of the run)" },
  json: { type: 'boolean', default: false, describe: 'Print verdict.json alone on standard output' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('run', { type: 'string', describe: 'directory of a run, or its ledger' })
    .options(options)
    .example('$0 check weighbridge-runs/… --baseline baselines/', 'against all baselines that are kept')
    .example('$0 check RUN --baseline b.json --threshold 10% --threshold ttft=3%', 'what is tolerated, by metric')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const checkCommand: CommandModule<object, Arguments> = {
  command: 'check [run]',
  describe: 'Hold a run against stored baselines (ab is the stronger test)',
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: check,
};

/** A run's directory, or the ledger in it. */
function directoryOf(run: string | undefined): string {
  if (run === undefined) throw new UsageError('name the directory of a run');
  const path = resolve(run);
  return basename(path) === LEDGER_FILE ? dirname(path) : path;
}

function check(args: Arguments): void {
  const thresholds = thresholdsOf(args.threshold);
  const metrics = metricsNamed(args.metric);
  const directory = directoryOf(args.run);
  if (args.baseline === undefined)
    throw new UsageError('give --baseline: a file, a directory of them, or that of a run');
  const { ledger } = readLedger(directory, 'columns');
  if (args.out === undefined && ledger.run.plan.gate != null) {
    throw new UsageError(
      `${directory}: the verdict of ab lies there, and is kept; name a directory for this one: --out`,
    );
  }
  const own = figuresOf(ledger, directory, null);
  const given = readBaselines(args.baseline).map(({ baseline }) => baseline);
  if (given.some(({ provenance }) => provenance.startedAt === ledger.run.startedAt)) {
    throw new UsageError(`${directory}: a baseline is of this very run; it cannot be held against itself`);
  }
  const { run } = ledger;
  const baselines = comparableBaselines(given, run.machine.fingerprint, args.acrossMachines);
  const isElsewhere = baselines.some(({ provenance }) => provenance.fingerprint !== run.machine.fingerprint);
  const comparisons = checkAgainst({
    ...{ entries: own.entries, baselines: baselines.map(({ entries }) => entries), metrics, thresholds },
    noiseOf: (entry, metric, n) => noiseHere(run, entry, METRICS.find((each) => each === metric) ?? null, n),
    acrossMachines: isElsewhere,
  });
  if (comparisons.length === 0) {
    throw new UsageError(
      `${directory}: run and baseline have no work in common: same model, loader, threads, context, prompt, tokens and state are needed`,
    );
  }
  const verdict = checkVerdict({
    ...{ run, own, baselines, comparisons },
    leftOut: given.length - baselines.length,
    acrossMachines: args.acrossMachines,
  });
  const written = writeVerdict(args.out === undefined ? directory : resolve(args.out), verdict);
  tellVerdict(verdict, written, args.json);
  process.exitCode = verdictExitCode(verdict, args.failOnInconclusive);
}

/** Null where it was never weighed against itself. */
function noiseHere(run: RunRecord, entry: BaselineEntry, metric: Metric | null, n: number): number | null {
  const { model, key: arm, state, memoryState } = entry;
  const key = { fingerprint: run.machine.fingerprint, model, arm, state, memoryState };
  return metric === null ? null : noiseBetweenRuns(key, metric, n);
}

interface UpdateArguments {
  readonly action: string;
  readonly run: string | undefined;
  readonly baseline: string | undefined;
}

export const baselineCommand: CommandModule<object, UpdateArguments> = {
  command: 'baseline <action> [run]',
  describe: 'baseline update RUN --baseline FILE: keep the figures of a run for later checks',
  builder: (parser) =>
    parser
      .positional('action', {
        type: 'string',
        demandOption: true,
        describe: 'update: write the file, or write it anew',
      })
      .positional('run', { type: 'string', describe: 'directory of a run, or its ledger' })
      .option('baseline', { type: 'string', requiresArg: true, describe: 'the file to be written' })
      .example(
        '$0 baseline update weighbridge-runs/… --baseline baselines/2026-01-02.json',
        'one file a day tells how days differ',
      ),
  handler: ({ action, run, baseline }) => {
    if (action !== 'update')
      throw new UsageError(`baseline update RUN --baseline FILE, not baseline ${JSON.stringify(action)}`);
    const directory = directoryOf(run);
    if (baseline === undefined) throw new UsageError('give --baseline: the file to be written');
    if (Array.isArray(baseline)) throw new UsageError('--baseline is given more than once; give it one value');
    const path = writeBaseline(baseline, baselineOf(readLedger(directory, 'columns').ledger, directory, commitHere()));
    process.stdout.write(`Written:\n  ${printable(path)}\n`);
  },
};
