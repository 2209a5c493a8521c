/** The whole product on one page: plan → samples → summary → report → verdict. */
import { Interrupted, UsageError, describe, failureOf } from './failure.js';
import { abVerdict } from './gate/ab-verdict.js';
import { decisionRule } from './gate/judge-run.js';
import type { VerdictFile } from './gate/verdict-types.js';
import type { MachineFacts } from './machine.js';
import { native, type Shape } from './native.js';
import { ownBuild, version } from './other-build.js';
import type { Cell } from './plan/blocks.js';
import type { Planned } from './plan/plan.js';
import { weighedOf } from './plan/shard.js';
import { counted } from './report/format.js';
import { report, type Report } from './report/report.js';
import { factsOf, isEmpty, planOf, type RunRequest } from './run-request.js';
import { checkSameRun } from './same-run.js';
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
