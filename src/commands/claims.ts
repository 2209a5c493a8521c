/** `weighbridge claims`: the story of 2023, weighed on this machine. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { usualOutputs, writeClaims } from '../claims-files.js';
import { Interrupted, UsageError, exitCode, failureOf, printable } from '../failure.js';
import { availableMemory, machineFacts } from '../machine.js';
import { MadeDirectories } from '../make-directory.js';
import { native } from '../native.js';
import { lockMachine, type MachineLock } from '../samples/lock.js';
import { claimsReport } from '../report/claims.js';
import type { JudgedPart } from '../report/claims-page.js';
import { size } from '../report/format.js';
import { LEAST_FOR_MEDIANS } from '../statistics/claims-bounds.js';
import { judgeClaims } from '../statistics/claims.js';
import { SHELL } from '../statistics/claims-time.js';
import { CLAIMS_SCHEMA, type ClaimPart, type ClaimParts, type PartOutcome } from '../statistics/claims-types.js';
import { cachedModel, writeCachedModel, type CachedModel } from '../synthetic/cached-model.js';
import { shapes } from '../synthetic/shapes.js';
import { columnsOf } from '../wrap.js';
import { claimsText } from '../../reports/claims-text.js';
import { positive, whole } from './arguments.js';
import { leastSeconds } from './claims-budget.js';
import { CLAIMS_FILE, refuseEarlierClaims } from './claims-directory.js';
import { copyBytes, fits, needsText, refuseShort, usualBudget, warmCopyBytes, type Needs } from './claims-needs.js';
import { notesOf } from './claims-notes.js';
import { weighParts, type WeighedPart } from './claims-parts.js';
import { ROUNDS, partPlans, type PartPlan } from './claims-plan.js';
import { problemsOf } from './claims-problems.js';
import { progressReporter } from './gen.js';
import { batch } from './session-options.js';
import { interruptible, outPath } from './weighing.js';

const SHAPES = ['1b', '7b', '13b', '30b'] as const;
const CONTEXT = 512;
/** The bystander's file, where the model is no smaller. */
const BYSTANDER = 2 ** 30;

const options = {
  shape: {
    choices: SHAPES,
    requiresArg: true,
    describe: 'In place of a model: a synthetic one of this real shape (Q4_0), written once and kept',
  },
  rounds: {
    type: 'string',
    default: String(ROUNDS),
    describe: `Times that every cell is weighed; below ${LEAST_FOR_MEDIANS} some claims stay undecided`,
  },
  'time-budget': {
    type: 'string',
    describe: 'Seconds for all of it (default: by the size; the first round of what verdicts rest on always runs)',
  },
  threads: { type: 'string', describe: 'Compute threads (default: every CPU there is)' },
  seed: { type: 'string', default: '1', describe: 'Seed of the order' },
  timeout: { type: 'string', describe: 'Seconds that one sample may take (default: 120 and 1 s per 20 MB)' },
  'lock-wait': { type: 'string', default: '0', describe: 'Seconds to wait for another run on this machine' },
  out: { type: 'string', describe: 'Directory for ledgers and reports (default: weighbridge-runs/…)' },
  json: { type: 'boolean', default: false, describe: 'Print JSON alone on standard output' },
} as const;

function build(argv: Argv) {
  return argv
    .positional('model', { type: 'string', describe: 'a GGUF file (any part of a split model)' })
    .options(options)
    .example('$0 claims model.gguf', 'which of the six claims hold here, for this model')
    .example('$0 claims --shape 7b', 'the same for a synthetic model of the size of LLaMA 7B')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const claimsCommand: CommandModule<object, Arguments> = {
  command: 'claims [model]',
  describe: 'Test what was said in 2023 of loading by mmap: six claims, measured here',
  builder: build as unknown as (argv: Argv<object>) => Argv<Arguments>,
  handler: claims,
};

async function claims(args: Arguments): Promise<void> {
  const rounds = whole('--rounds', args.rounds, 1, 1000);
  const common = {
    threads: args.threads === undefined ? [] : [whole('--threads', args.threads, 1, 1024)],
    seed: whole('--seed', args.seed, 0, 2 ** 31 - 1),
    timeoutSeconds: args.timeout === undefined ? null : positive('--timeout', args.timeout),
  };
  const lockWaitSeconds = whole('--lock-wait', args.lockWait, 0, 1e6);
  const budget = args.timeBudget === undefined ? null : positive('--time-budget', args.timeBudget);
  const { model, cached, bytes, sessionBytes } = subjectOf(args);
  const directory = outPath(args.out, model);
  refuseEarlierClaims(directory);
  const budgetSeconds = budget ?? usualBudget(bytes);
  const needs: Needs = {
    modelBytes: bytes,
    writeTo: cached === null || cached.isThere ? null : cached.path,
    outDirectory: directory,
    bystanderBytes: Math.min(BYSTANDER, bytes),
    availableBytes: availableMemory(),
    sessionBytes,
    budgetSeconds,
  };
  const cannot = cannotOf(needs);
  const plans = partPlans(rounds).map((plan) => affordable(plan, needs));
  const weighed = plans.filter((plan) => cannot(plan) === null);
  const startedAt = new Date().toISOString();
  const made = new MadeDirectories();
  try {
    made.make(directory);
    tell(needsText(needs, leastSeconds(weighed, bytes)));
    refuseShort(needs);
    await interruptible(async (signal) => {
      // One lock over all parts: whoever waits for the machine must not get it between two.
      const lock = await heldMachine(lockWaitSeconds, signal);
      try {
        await writeUnlessThere(cached, signal);
        const options = {
          ...{ ...common, model, directory, budgetSeconds, made, tell },
          bystanderBytes: needs.bystanderBytes,
          cannot,
        };
        const parts = await weighParts(plans, options, signal);
        await conclude(args, { model, rounds, startedAt, directory, needs }, parts);
      } finally {
        lock.release();
      }
    });
  } finally {
    made.removeEmpty();
  }
}

async function heldMachine(waitSeconds: number, signal: AbortSignal): Promise<MachineLock> {
  try {
    return await lockMachine(waitSeconds, signal, (holder) => {
      tell(`waiting for another run on this machine (${holder})`);
    });
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted before a sample was weighed: nothing was saved');
    throw error;
  }
}

async function writeUnlessThere(cached: CachedModel | null, signal: AbortSignal): Promise<void> {
  if (cached === null || cached.isThere) return;
  tell(`writing ${printable(cached.path)}`);
  const progress = progressReporter();
  await writeCachedModel(cached, { signal, onProgress: progress.update }).finally(progress.end);
}

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

interface Subject {
  readonly model: string;
  readonly cached: CachedModel | null;
  readonly bytes: number;
  readonly sessionBytes: number;
}

function subjectOf({ model, shape }: Arguments): Subject {
  if (shape !== undefined) {
    if (model !== undefined) throw new UsageError('give a model or --shape, not both');
    const cached = cachedModel(shape);
    const { layers, width, heads, kvHeads } = shapes[shape];
    // Keys and values of four bytes each.
    const sessionBytes = layers * 2 * (width / heads) * kvHeads * CONTEXT * 4;
    return { model: cached.path, cached, bytes: cached.bytes, sessionBytes };
  }
  if (model === undefined) throw new UsageError('name a GGUF model, or give --shape 1b, 7b, 13b or 30b');
  const { parts } = native().inspect(model, { arrays: false, digest: false });
  const { shape: of } = native().kernelPlan(model, { context: 1, batch, threads: 1 });
  const context = Math.min(CONTEXT, of.contextTrained);
  const { kvCacheBytes, scratchBytes } = native().kernelPlan(model, { context, batch, threads: 1 });
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return { model, cached: null, bytes, sessionBytes: kvCacheBytes + scratchBytes };
}

const COPYING = new Set<string>(['cxx-stream', 'stdio', 'direct', SHELL.copied]);

/**
 * Copies that do not fit are left out: the kernel would choose who dies. Groups of processes are looked at by the sampler,
 * and under a limit the kernel chooses among ours.
 */
function affordable(plan: PartPlan, needs: Needs): PartPlan {
  const bytes = plan.states.includes('warm') ? warmCopyBytes(needs) : copyBytes(needs);
  if (plan.processes.length > 1 || fits(bytes, needs)) return plan;
  const why = `a copy${plan.states.includes('warm') ? ' beside the cached file' : ''} needs ${size(bytes)} of memory, ${size(needs.availableBytes ?? 0)} available`;
  const stays = (name: string): boolean => !COPYING.has(name);
  const names = [...plan.loaders, ...plan.commands.map(({ name }) => name)];
  return {
    ...plan,
    loaders: plan.loaders.filter(stays),
    commands: plan.commands.filter(({ name }) => stays(name)),
    leftOut: Object.fromEntries(names.filter((name) => !stays(name)).map((name) => [name, why])),
  };
}

/** What can be known before: why a part says nothing about its claim here. */
function cannotOf(needs: Needs): (plan: PartPlan) => string | null {
  const { availableBytes } = needs;
  const lacks = (bytes: number, what: string): string | null =>
    fits(bytes, needs) ? null : `${what} needs ${size(bytes)} of memory, ${size(availableBytes ?? 0)} available`;
  return ({ name }) => {
    if (name === 'memory' || name === 'harm') return lacks(copyBytes(needs), 'a copy of the model');
    if (name !== 'returned') return null;
    return machineFacts().memory.pageReporting === false
      ? 'free memory is not given back to a host here: it is always backed'
      : lacks(warmCopyBytes(needs), 'a copy of the model, with its file cached,');
  };
}

interface Conclusion {
  readonly model: string;
  readonly rounds: number;
  readonly startedAt: string;
  readonly directory: string;
  readonly needs: Needs;
}

/** Judges, writes, prints, and sets the exit code. Throws where nothing was weighed. */
async function conclude(args: Arguments, of: Conclusion, weighed: readonly WeighedPart[]): Promise<void> {
  const results = weighed.flatMap(({ result }) => (result === null ? [] : [result]));
  const ran = results.find(({ ledger }) => ledger.samples.length > 0);
  const failed = weighed.find(({ failure }) => failure !== null) ?? null;
  const interrupted = weighed.some((part) => part.interrupted);
  if (ran === undefined) {
    if (failed?.failure instanceof Error) throw failed.failure;
    const saved =
      results.length === 0 ? 'nothing was saved' : `${printable(of.directory)} holds a ledger without samples`;
    throw new Interrupted(`interrupted before a sample was weighed: there is nothing to judge, and ${saved}`);
  }
  const { run } = ran.ledger;
  const [record] = Object.values(run.models);
  if (record === undefined) throw new RangeError('a ledger without a model');
  const claims = judgeClaims(partsOf(weighed), machineFacts(of.model).virtualization.virtual === true);
  const notes = notesOf({ ...of, interrupted }, weighed, claims);
  const document = {
    schema: CLAIMS_SCHEMA,
    tool: run.tool,
    startedAt: of.startedAt,
    endedAt: new Date().toISOString(),
    stopped: interrupted ? 'interrupted' : failed === null ? 'complete' : 'error',
    fingerprint: run.machine.fingerprint,
    model: record,
    shape: args.shape ?? null,
    rounds: of.rounds,
    timeBudgetSeconds: of.needs.budgetSeconds,
    parts: weighed.map(({ plan, outcome, result, seconds }) => ({
      ...{ name: plan.name, why: plan.why, outcome: outcome.kind, seconds },
      stopped: result?.stopped ?? null,
      reason: outcome.kind === 'ran' ? null : outcome.why,
      directory: result === null ? null : plan.name,
    })),
    claims,
    notes,
  };
  const report = claimsReport(record, run, claims, notes);
  const json = `${JSON.stringify(document, null, 2)}\n`;
  const first = write(join(of.directory, CLAIMS_FILE), json);
  process.stdout.write(args.json ? json : claimsText(report, columnsOf(process.stdout)));
  const written = [
    first,
    ...(await writeClaims(usualOutputs(of.directory), { report, claims, parts: weighed.map(judgedPart) })),
  ];
  if (!args.json) process.stdout.write(`\nWritten:\n${written.map((path) => `  ${printable(path)}\n`).join('')}`);
  endWith(weighed, interrupted ? of.directory : null, failed);
}

function judgedPart({ plan: { name, why }, outcome, result }: WeighedPart): JudgedPart {
  if (result !== null) return { name, why, summary: result.summary, ledger: result.ledger, reason: null };
  const reason = outcome.kind === 'ran' ? 'it was not weighed' : outcome.why;
  return { name, why, summary: null, ledger: null, reason };
}

function partsOf(weighed: readonly WeighedPart[]): ClaimParts {
  const outcomes = new Map(weighed.map(({ plan, outcome }) => [plan.name, outcome]));
  const of = (name: ClaimPart): PartOutcome =>
    outcomes.get(name) ?? { kind: 'stopped', why: 'it was not part of this run' };
  return {
    ...{ warm: of('warm'), cold: of('cold'), memory: of('memory'), processes: of('processes') },
    ...{ harm: of('harm'), shell: of('shell'), returned: of('returned'), copies: of('copies') },
  };
}

/** The file appears whole or not at all. */
function write(path: string, text: string): string {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
  return path;
}

/** `interrupted`: the directory, where it was. Whatever the verdicts: 0. */
function endWith(weighed: readonly WeighedPart[], interrupted: string | null, failed: WeighedPart | null): void {
  if (interrupted !== null) {
    tell(
      `weighbridge: interrupted; the claims are judged from what was measured, which is saved in ${printable(interrupted)}`,
    );
    process.exitCode = exitCode.interrupted;
    return;
  }
  const problems = problemsOf(weighed);
  const line = failed === null ? problems.join('; ') : `${failed.plan.name}: ${failureOf(failed.failure).line}`;
  if (line === '') return;
  tell(`weighbridge: ${line}`);
  process.exitCode = exitCode.failed;
}
