/** The whole product on one page: plan → samples → summary → report → verdict. */
import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Interrupted, UsageError, describe, failWith, failureOf, reasonOf } from './failure.js';
import { abVerdict } from './gate/ab-verdict.js';
import { decisionRule } from './gate/judge-run.js';
import type { VerdictFile } from './gate/verdict-types.js';
import type { LoaderDefinition } from './loader.js';
import { machineFacts, type MachineFacts } from './machine.js';
import { changedFile } from './module-digest.js';
import { native, type KernelPlan, type Shape } from './native.js';
import { otherBuild, ownBuild, version } from './other-build.js';
import type { Cell } from './plan/blocks.js';
import { makePlan, type Planned, type PlannedModel, type PlanRequest } from './plan/plan.js';
import { shardedPlan, weighedOf, type ShardNumber } from './plan/shard.js';
import { counted } from './report/format.js';
import { report, type Report } from './report/report.js';
import {
  chooseCeilings,
  limitsOf,
  referenceHashes,
  warmRuntime,
  type CalibrationOptions,
} from './samples/calibrate.js';
import { isFinished, type Done } from './samples/completion.js';
import { drive, durationMs, type DriveOptions, type Progress } from './samples/drive.js';
import { LedgerError, LedgerWriter, readLedger, refuseToOverwrite } from './samples/ledger.js';
import { lockMachine } from './samples/lock.js';
import {
  SCHEMA_VERSION,
  type CeilingChoices,
  type EndRecord,
  type Gate,
  type Group,
  type Ledger,
  type RunRecord,
  type Sample,
} from './samples/record.js';
import { MemoryLimits } from './samples/memory-limits.js';
import { quietBefore } from './samples/quiet.js';
import { FreeMemory, neverCold } from './samples/states.js';
import { writeTrace } from './samples/trace-file.js';
import type { WeighingContext } from './samples/prepare.js';
import { BATCH } from './samples/task.js';
import { precisionRule } from './statistics/precision.js';
import { replay } from './statistics/replay.js';
import { summarize } from './statistics/summarize.js';
import { unitsOf } from './statistics/units.js';
import type { ReplayedCell, Summary } from './statistics/summary-types.js';

/** What the pipeline says while it works. */
export interface Listener {
  /** What a reader must know, and stays to be read. */
  note(message: string): void;
  step(message: string): void;
  /** Between two blocks. */
  wait(message: string): void;
  start(cell: Cell, progress: Progress): void;
  /** Of several processes, their group alone. */
  sample(sample: Sample | Group, progress: Progress): void;
}

export interface RunRequest extends Omit<PlanRequest, 'models' | 'build' | 'isa' | 'threads'> {
  readonly modelPaths: readonly string[];
  readonly loaders: readonly LoaderDefinition[];
  /** 'auto' is the best that CPU and operating system have. */
  readonly isa: string;
  /** Empty for every CPU this process may use. */
  readonly threads: readonly number[];
  /** Null where the caller holds the machine. */
  readonly lockWaitSeconds: number | null;
  /** What first touch costs on this machine, where the caller learned it of the same model a moment ago. */
  readonly firstTouch?: CeilingChoices['firstTouch'] | null;
  /** Command line that repeats the run. */
  readonly command: readonly string[];
  /** Where the plan stands in a configuration file; null or absent where the command line stated all. */
  readonly config?: RunRecord['config'];
  /** Which part of the plan is weighed; absent or null for all of it. */
  readonly shard?: ShardNumber | null;
  /** Registers what of the plan will be judged, before anything is weighed; absent for a run that is not. */
  readonly register?: (planned: Planned, fingerprint: string) => Gate;
}

export interface RunResult {
  readonly ledger: Ledger;
  readonly summary: Summary;
  /** Each cell as tinybench describes it. */
  readonly tinybench: readonly ReplayedCell[];
  readonly report: Report;
  /** Null where the plan registered nothing to be judged. */
  readonly verdict: VerdictFile | null;
  readonly stopped: EndRecord['stopped'];
  /** One line, where an error stopped the run; what was measured before stands. */
  readonly failure: string | null;
}

/** The plan of a request; reads the models' headers, measures nothing. */
export function planOf(request: RunRequest): Planned {
  const threads = request.threads.length === 0 ? [availableParallelism()] : request.threads;
  const isa = resolveIsa(request.isa);
  const models = request.modelPaths.map((path) => readModel(path, request.work));
  const whole = makePlan({ ...request, threads, isa, models, build: ownBuild() });
  const planned = request.shard == null ? whole : shardOf(whole, request, request.shard);
  const gate = request.register?.(planned, factsOf(planned).fingerprint) ?? null;
  return gate === null ? planned : { ...planned, plan: { ...planned.plan, gate } };
}

function shardOf(whole: Planned, { threads, isa }: RunRequest, shard: ShardNumber): Planned {
  const chosen = { threads: threads.length === 0, isa: isa === 'auto' };
  return { ...whole, plan: shardedPlan(whole, shard, chosen) };
}

/**
 * Runs a request into a new ledger in `directory`. Throws UsageError, Locked, ReferenceFailed or Interrupted before the
 * first sample; from then on always gives a result, whatever stopped the run.
 */
export async function weigh(
  request: RunRequest,
  directory: string,
  signal: AbortSignal,
  listener: Listener,
): Promise<RunResult> {
  const planned = planOf(request);
  refuseToOverwrite(directory);
  const interrupted = 'interrupted before the first sample: nothing was weighed, and nothing is saved';
  return onOwnMachine(request.lockWaitSeconds, signal, listener, interrupted, async () => {
    const startedAt = performance.now();
    const machine = factsOf(planned);
    tellWhatIsNeverCold(planned, listener);
    const calibration = calibrationOf(planned, machine, signal, listener);
    await warmRuntime(calibration);
    const choose = (): Promise<CeilingChoices> => chooseCeilings(calibration, request.firstTouch);
    const { ceilings, limits } =
      request.ceilings === false || isEmpty(planned)
        ? { ceilings: await choose(), limits: [] }
        : await limitsOf(calibration, machine, choose);
    const hashes = await referenceHashes(calibration);
    const run: RunRecord = {
      kind: 'run',
      schema: SCHEMA_VERSION,
      tool: `weighbridge ${version}`,
      startedAt: new Date().toISOString(),
      seed: planned.plan.seed,
      plan: planned.plan,
      arms: planned.arms,
      models: planned.models,
      machine: { ...machine },
      runtime: { node: process.version, v8: process.versions.v8, addon: ownBuild(), isas: native().isas() },
      ceilings,
      limits,
      referenceHashes: hashes,
      command: request.command,
      config: request.config ?? null,
    };
    const ledger = LedgerWriter.create(directory, run);
    return measure(
      { run, shapes: planned.shapes, ceilings, done: { samples: [], groups: [] }, ledger, startedAt },
      directory,
      signal,
      listener,
    );
  });
}

/** Whether nothing of the plan is weighed: a shard beyond its parts. */
export function isEmpty(planned: Pick<RunRecord, 'plan' | 'arms' | 'models'>): boolean {
  return Object.keys(weighedOf(planned).arms).length === 0;
}

/** Said once, before time is spent: every cold sample of such a model will be unsupported. */
function tellWhatIsNeverCold(planned: Planned, listener: Listener): void {
  if (!planned.plan.states.includes('cold')) return;
  for (const { path, fileSystem } of Object.values(weighedOf(planned).models)) {
    const never = neverCold(fileSystem, path);
    if (never !== null) listener.note(`no cold samples of ${describe(never.reason)}`);
  }
}

/**
 * Continues the run whose ledger is in `directory`, with fresh ceilings. Throws UsageError where it cannot be the same
 * run. The ledger is read only when the machine is ours: until then another process may still be writing it.
 */
export async function resumeRun(
  directory: string,
  lockWaitSeconds: number,
  signal: AbortSignal,
  listener: Listener,
): Promise<RunResult> {
  const interrupted = 'interrupted before another sample: what was saved is as it was, and can still be resumed';
  return onOwnMachine(lockWaitSeconds, signal, listener, interrupted, async () => {
    const startedAt = performance.now();
    const { ledger: earlier, goodBytes } = readLedger(directory);
    const { run } = earlier;
    if (run.merged != null) {
      throw new UsageError(`${directory}: it was merged of shards; continue those, each in its own directory`);
    }
    if (isFinished(run, earlier, lastRound(run).enough)) {
      listener.note('nothing is left to weigh: the run is complete');
      return readResult(directory);
    }
    const shapes = checkSameRun(run);
    listener.note(`continuing ${directory}, which has ${counted(earlier.samples.length, 'sample')}`);
    const calibration = calibrationOf({ ...run, shapes }, factsOf(run), signal, listener);
    await warmRuntime(calibration);
    const ceilings = await chooseCeilings(calibration);
    const ledger = LedgerWriter.continue(directory, goodBytes);
    const completedSamples = earlier.samples.length;
    ledger.append({ kind: 'resume', startedAt: new Date().toISOString(), ceilings, completedSamples });
    return measure({ run, shapes, ceilings, done: earlier, ledger, startedAt }, directory, signal, listener);
  });
}

/** Summary and report of a ledger on disk. */
export async function readResult(directory: string): Promise<RunResult> {
  const { ledger } = readLedger(directory);
  const summary = summarize(ledger);
  return {
    ledger,
    summary,
    tinybench: await replay(unitsOf(ledger), durationMs),
    report: report(summary, ledger),
    verdict: (ledger.run.plan.gate ?? null) === null ? null : abVerdict(ledger),
    stopped: ledger.end?.stopped ?? 'interrupted',
    failure: null,
  };
}

/**
 * Holds the machine while `work` runs, unless the caller does. An interruption before the first sample is an Interrupted
 * with that message.
 */
async function onOwnMachine(
  waitSeconds: number | null,
  signal: AbortSignal,
  listener: Listener,
  interrupted: string,
  work: () => Promise<RunResult>,
): Promise<RunResult> {
  try {
    if (waitSeconds === null) return await work();
    const lock = await lockMachine(waitSeconds, signal, (holder) => {
      listener.step(`waiting for another run on this machine (${holder})`);
    });
    try {
      return await work();
    } finally {
      lock.release();
    }
  } catch (error) {
    if (signal.aborted) throw new Interrupted(interrupted);
    throw error;
  }
}

interface Started {
  readonly run: RunRecord;
  readonly shapes: Readonly<Record<string, Shape | null>>;
  readonly ceilings: RunRecord['ceilings'];
  readonly done: Done;
  readonly ledger: LedgerWriter;
  readonly startedAt: number;
}

/** What makes a round the last one before the plan's end: a gate that is decided, or ratios that are known well enough. */
function lastRound(run: RunRecord): Pick<DriveOptions, 'enough' | 'stoppedBy'> {
  const decision = decisionRule(run);
  return decision === null
    ? { enough: precisionRule(run), stoppedBy: 'precision' }
    : { enough: decision, stoppedBy: 'decided' };
}

/** Drives the plan to its end, records what stopped it, and reads the result back from the disk. */
async function measure(
  { run, shapes, ceilings, done, ledger, startedAt }: Started,
  directory: string,
  signal: AbortSignal,
  listener: Listener,
): Promise<RunResult> {
  const context: WeighingContext = {
    ...run,
    shapes,
    ceilings,
    freeMemory: new FreeMemory(ceilings.firstTouch),
    limits: new MemoryLimits(run.plan.timeoutNs / 1e6, signal),
    signal,
    onTrace: (sample, trace) => {
      writeTrace(directory, run, sample, trace);
    },
  };
  let failure: unknown = null;
  try {
    const stopped = await drive({
      context,
      done,
      startedAt,
      append: (record) => {
        ledger.append(record);
      },
      ...lastRound(run),
      beforeBlock: async (block, leftMs) => {
        const waited = await quietBefore(context, block, leftMs, (why) => listener.wait(why));
        if (waited !== null) ledger.append(waited);
      },
      onStart: (cell, progress) => {
        listener.start(cell, progress);
      },
      onSample: (sample, progress) => {
        listener.sample(sample, progress);
      },
    });
    ledger.append({ kind: 'end', endedAt: new Date().toISOString(), stopped, message: null });
  } catch (error) {
    failure = error;
    if (!(error instanceof LedgerError)) {
      const message = failureOf(error).line;
      ledger.append({ kind: 'end', endedAt: new Date().toISOString(), stopped: 'error', message });
    }
  } finally {
    ledger.close();
    await context.limits.close();
  }
  const result = await readResult(directory);
  return failure === null ? result : { ...result, stopped: 'error', failure: failureOf(failure).line };
}

function resolveIsa(name: string): string {
  const available = native().isas();
  if (name === 'auto') return available.at(-1) ?? 'scalar';
  if (!available.includes(name)) {
    throw new UsageError(`--isa ${name} is not available here; there are: auto, ${available.join(', ')}`);
  }
  return name;
}

/** Any GGUF file with tensors can be touched. Throws where the kernel is to run it and does not. */
function readModel(path: string, work: PlanRequest['work']): PlannedModel {
  const info = native().inspect(path, { arrays: false, digest: true });
  if (info.tensors.length === 0) {
    const message = 'the file holds no tensors: there is nothing to load';
    throw failWith({ code: 'missing-tensor', operation: 'inspect', path, message });
  }
  const facts = native().fileFacts(info.parts[0]?.path ?? path);
  return {
    info,
    identity: realpathSync(path),
    kernel: work === 'touch' ? kernelPlanIfAny(path) : kernelPlanOf(path),
    fileSystem: facts.fileSystem,
    device: facts.device,
    deviceCeiling: native().deviceCeilingUnsupported(path) === null,
  };
}

function kernelPlanOf(path: string): KernelPlan {
  return native().kernelPlan(path, { context: 1, batch: BATCH, threads: 1 });
}

/** Null for a model that the kernel does not run. */
function kernelPlanIfAny(path: string): KernelPlan | null {
  try {
    return kernelPlanOf(path);
  } catch (error) {
    if (reasonOf(error) === null) throw error;
    return null;
  }
}

function factsOf({ models }: Pick<RunRecord, 'models'>): MachineFacts {
  return machineFacts(Object.values(models)[0]?.path);
}

function calibrationOf(
  run: Pick<RunRecord, 'arms' | 'models' | 'plan'> & { readonly shapes: Readonly<Record<string, Shape | null>> },
  machine: MachineFacts,
  signal: AbortSignal,
  listener: Listener,
): CalibrationOptions {
  const stated = run.plan.memoryStates.some((state) => state !== 'as-is');
  const weighed = weighedOf(run);
  return {
    arms: weighed.arms,
    // First touch is learnt beside a model's bytes, also where none is weighed.
    models: isEmpty(run) ? run.models : weighed.models,
    shapes: run.shapes,
    // What cannot be known is tried: it costs a few seconds.
    mayReportFreePages: stated && !isEmpty(run) && machine.memory.pageReporting !== false,
    threads: Math.max(...Object.values(run.arms).map((arm) => arm.threads)),
    timeoutNs: run.plan.timeoutNs,
    signal,
    onStep: (step) => {
      listener.step(step);
    },
  };
}

/** A resumed run must be the same machine, models, loaders and build; otherwise its halves could not be compared. */
function checkSameRun(run: RunRecord): Record<string, Shape | null> {
  const build = ownBuild();
  if (run.runtime.addon !== build) {
    throw new UsageError(`the run was made by build ${run.runtime.addon}, this is ${build}; start a new run`);
  }
  const { fingerprint } = factsOf(run);
  if (run.machine.fingerprint !== fingerprint) {
    throw new UsageError(
      `the run was made on machine ${run.machine.fingerprint}, this is ${fingerprint}; start a new run here`,
    );
  }
  for (const { module, moduleDigest, mechanism, options, build: itsBuild, buildDirectory = null } of Object.values(
    run.arms,
  )) {
    if (buildDirectory !== null && otherBuild(buildDirectory).version !== itsBuild) {
      throw new UsageError(`${buildDirectory}: the build there changed since the run began; start a new run`);
    }
    if (module === null) continue;
    const changed = changedFile({ module, mechanism, options }, moduleDigest ?? '');
    if (changed !== null) throw new UsageError(`${changed}: the loader changed since the run began; start a new run`);
  }
  const touched = Object.values(run.arms).some(({ work }) => work === 'touch');
  const shapes: Record<string, Shape | null> = {};
  for (const [id, model] of Object.entries(run.models)) {
    const info = native().inspect(model.path, { arrays: false, digest: true });
    const bytes = info.parts.reduce((sum, part) => sum + part.bytes, 0);
    if (info.headerDigest !== model.headerDigest || bytes !== model.bytes) {
      throw new UsageError(`${model.path}: the model changed since the run began; start a new run`);
    }
    shapes[id] = touched ? null : kernelPlanOf(model.path).shape;
  }
  return shapes;
}
