/** One attempt at one cell: the states prepared and certified, a child run, its measurement judged. */
import { reasonOf } from '../failure.js';
import { bypassesPageCache } from '../loader.js';
import { availableMemory } from '../machine.js';
import { native, type NativeTrace, type Shape } from '../native.js';
import type { Block, Cell } from '../plan/blocks.js';
import { auditOf } from './audit.js';
import { blockDevicesOf, deviceCounters, trafficBetween } from './device-traffic.js';
import { machineCounters, since, type MachineCounters, type Meanwhile } from './noise.js';
import { READY_FD, RELEASE_FD, type ChildTask } from './protocol.js';
import { failureReason, judge, meansUnsupported, referenceKey } from './judge.js';
import { measurementOf, runtimeStart, unmeasured } from './measurement.js';
import type { Arm, CeilingChoices, DeviceTraffic, ModelRecord, Pass, Plan, Sample } from './record.js';
import { spawnChild, type ChildEnd, type WaitingChild } from './spawn.js';
import { certifyCache, prepareCache, refusal, type FreeMemory, type PreparedCache, type Refusal } from './states.js';

export interface WeighingContext {
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly ceilings: CeilingChoices;
  readonly referenceHashes: Readonly<Record<string, string>>;
  readonly freeMemory: FreeMemory;
  readonly signal: AbortSignal;
  /** Takes the timeline of an ok sample of the trace pass; the sample itself goes into the ledger without it. */
  readonly onTrace?: (sample: Sample, trace: NativeTrace) => void;
}

export interface Attempt {
  readonly block: Block;
  readonly cell: Cell;
  readonly position: number;
  readonly attempt: number;
}

/** A sample that is ready to run: its child waits at the barrier, or there is a reason why it will not run. */
export type Prepared =
  | { readonly kind: 'refused'; readonly startedAt: string; readonly refusal: Refusal }
  | {
      readonly kind: 'waiting';
      readonly startedAt: string;
      readonly child: WaitingChild;
      readonly paths: readonly string[];
      readonly before: number | null;
      readonly firstTouchNs: number;
      /** Lets go of memory that was held to keep free memory in its state. */
      readonly releaseMemory: () => void;
      readonly counters: MachineCounters;
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'ended'; readonly startedAt: string; readonly end: ChildEnd };

/** Largest prompt step of one internal batch; bounds scratch memory. */
export const BATCH = 128;

export function taskOf(arm: Arm, model: ModelRecord, shape: Shape, pass: Pass, ceilings: CeilingChoices): ChildTask {
  const barrier = { readyFd: READY_FD, releaseFd: RELEASE_FD };
  if (arm.kind === 'ceiling') {
    const chosen = ceilings.device[arm.model];
    const ceiling = arm.loader === 'device' || arm.loader === 'home' ? arm.loader : 'memory';
    const recipe = ceiling !== 'memory' && chosen !== undefined && chosen.reason === null ? chosen : null;
    return {
      kind: 'ceiling',
      parent: process.pid,
      spec: {
        path: model.path,
        ceiling,
        recipe,
        threads: arm.threads,
        ...barrier,
      },
    };
  }
  return {
    kind: 'sample',
    parent: process.pid,
    loader: {
      name: arm.loader,
      module: arm.module,
      moduleDigest: arm.moduleDigest,
      paths: model.parts.map((part) => part.path),
    },
    spec: {
      path: model.path,
      mechanism: arm.mechanism,
      options: arm.options,
      shape,
      isa: arm.isa,
      threads: arm.threads,
      context: arm.context,
      batch: Math.max(1, Math.min(BATCH, arm.prompt)),
      prompt: arm.prompt,
      generate: arm.generate,
      pass,
      ...barrier,
    },
  };
}

/**
 * Prepares the cell's states around a child that waits at its barrier. What cannot be prepared is a sample that says why:
 * one of them must not end the run. Throws AbortError when the run is interrupted.
 */
export async function prepare(context: WeighingContext, attempt: Attempt): Promise<Prepared> {
  const startedAt = new Date().toISOString();
  try {
    return await prepareStates(context, attempt, startedAt);
  } catch (error) {
    const reason = context.signal.aborted ? null : reasonOf(error);
    if (reason === null) throw error;
    return { kind: 'refused', startedAt, refusal: { outcome: 'failed', reason } };
  }
}

async function prepareStates(context: WeighingContext, { block, cell }: Attempt, startedAt: string): Promise<Prepared> {
  const arm = context.arms[cell.arm];
  const model = arm === undefined ? undefined : context.models[arm.model];
  const shape = arm === undefined ? undefined : context.shapes[arm.model];
  if (arm === undefined || model === undefined || shape === undefined)
    throw new Error(`no arm ${cell.arm} in the plan`);
  const paths = model.parts.map((part) => part.path);
  const impossible = unsupportedCell(arm, cell, paths) ?? homelessCell(arm, model);
  if (impossible !== null) return { kind: 'refused', startedAt, refusal: impossible };

  const cache = await prepareCache(paths, cell.state, model.fileSystem, context.signal);
  if ('outcome' in cache) return { kind: 'refused', startedAt, refusal: cache };
  context.freeMemory.freed();
  const child = spawnChild(taskOf(arm, model, shape, block.pass, context.ceilings), context.plan.timeoutNs / 1e6);
  try {
    return await certify(context, cell, model, cache, child, startedAt);
  } catch (error) {
    child.kill();
    await child.ended;
    throw error;
  } finally {
    cache.release();
  }
}

async function certify(
  context: WeighingContext,
  cell: Cell,
  model: ModelRecord,
  cache: PreparedCache,
  child: WaitingChild,
  startedAt: string,
): Promise<Prepared> {
  if (!(await child.ready)) return { kind: 'ended', startedAt, end: await child.ended };
  const threads = context.arms[cell.arm]?.threads ?? 1;
  const memory = await context.freeMemory.prepare(cell.memoryState, model.bytes, threads, context.signal);
  const refuse = async (why: Refusal): Promise<Prepared> => {
    memory.release();
    child.kill();
    await child.ended;
    return { kind: 'refused', startedAt, refusal: why };
  };
  if (memory.refusal !== null) return refuse(memory.refusal);
  const counters = machineCounters({ paths: cache.paths, waiting: child.pid === undefined ? [] : [child.pid] });
  // The mapping that held a warm cache goes first, so that unmapping disturbs nothing and what is certified is what the
  // child meets.
  cache.release();
  const { reading, refusal: notCertified } = certifyCache(cache);
  if (notCertified !== null) return refuse(notCertified);
  const unknown = reading.source === 'none';
  return {
    kind: 'waiting',
    startedAt,
    child,
    paths: cache.paths,
    before: unknown ? null : reading.resident,
    firstTouchNs: memory.firstTouchNs,
    releaseMemory: () => {
      memory.release();
    },
    counters,
    warnings: unknown
      ? [
          'residency cannot be read without owning the model or the right to write it: the state is certified by bytes read',
        ]
      : [],
  };
}

function unsupportedCell(arm: Arm, cell: Cell, paths: readonly string[]): Refusal | null {
  if (arm.kind === 'ceiling') return null;
  // A user's library runs in the sample's process alone, which asks it.
  const asked = arm.mechanism !== 'external';
  const reason = asked ? native().unsupported(arm.mechanism, paths, arm.options) : null;
  if (reason !== null) return { outcome: 'unsupported', reason };
  if (cell.state === 'warm' && bypassesPageCache(arm.mechanism, arm.options)) {
    return refusal(
      'unsupported',
      'bypasses-page-cache',
      'plan',
      `${arm.loader} reads the device whatever the page cache holds: it has no warm state`,
      'compare it cold',
    );
  }
  return null;
}

/** Home takes as much memory as the model has bytes: where that is short it would be the kernel's to choose who dies. */
function homelessCell(arm: Arm, model: ModelRecord): Refusal | null {
  const available = availableMemory();
  if (arm.kind !== 'ceiling' || arm.loader !== 'home' || available === null) return null;
  const wanted = model.bytes + HOME_MARGIN;
  if (wanted <= available) return null;
  return refusal(
    'unsupported',
    'memory-short',
    'home ceiling',
    `the home ceiling would fill ${wanted} bytes of memory, and ${available} are available`,
    'free memory, or weigh a smaller model',
  );
}

/** Of the process that fills it, and a little for others. */
const HOME_MARGIN = 256 * 2 ** 20;

/** Releases the child, waits for it and makes the sample of it. Throws AbortError when the run is interrupted meanwhile. */
export async function finish(context: WeighingContext, attempt: Attempt, prepared: Prepared): Promise<Sample> {
  const { block, cell, position } = attempt;
  const arm = context.arms[cell.arm];
  if (arm === undefined) throw new Error(`no arm ${cell.arm} in the plan`);
  const base = {
    kind: 'sample' as const,
    round: block.round,
    block: block.index,
    position,
    attempt: attempt.attempt,
    pass: block.pass,
    startedAt: prepared.startedAt,
    arm: { id: arm.id, loader: arm.loader, model: arm.model },
    state: cell.state,
    memoryState: cell.memoryState,
    load: 1,
    group: null,
  };
  const nobody = { index: 0, of: 1, spawnToStartNs: null, exitCode: null, signal: null };
  if (prepared.kind === 'refused') {
    return { ...base, process: nobody, warnings: [], ...prepared.refusal, ...unmeasured };
  }

  let end: ChildEnd;
  let traffic: DeviceTraffic | null = null;
  let meanwhile: Meanwhile | null = null;
  if (prepared.kind === 'ended') {
    end = prepared.end;
  } else {
    const kill = (): void => prepared.child.kill();
    context.signal.addEventListener('abort', kill, { once: true });
    if (context.signal.aborted) kill();
    const devices = blockDevicesOf(prepared.paths);
    const before = devices === null ? null : deviceCounters(devices);
    prepared.child.release();
    end = await prepared.child.ended;
    meanwhile = since(prepared.counters);
    traffic = devices === null ? null : trafficBetween(before, deviceCounters(devices));
    context.signal.removeEventListener('abort', kill);
    prepared.releaseMemory();
    context.freeMemory.freed();
  }
  context.signal.throwIfAborted();

  if (end.kind !== 'answered' || end.answer.kind === 'failed' || prepared.kind === 'ended' || meanwhile === null) {
    const reason = failureReason(end, context.plan.timeoutNs);
    const outcome = meansUnsupported(reason) ? 'unsupported' : 'failed';
    const how =
      end.kind === 'timeout' ? { exitCode: null, signal: 'SIGKILL' } : { exitCode: end.exitCode, signal: end.signal };
    return { ...base, process: { ...nobody, ...how }, warnings: [], outcome, reason, ...unmeasured };
  }
  const { answer } = end;
  const after = residencyAfter(prepared.paths);
  const model = context.models[arm.model];
  const measured = measurementOf(arm, model, block.pass, { ...prepared, after, traffic, meanwhile }, answer);
  const spawnToStartNs = runtimeStart(answer, prepared.child.spawnedAtNs);
  const verdict = judge(arm, cell, measured, context.referenceHashes[referenceKey(arm)]);
  const own = answer.kind === 'sample' ? answer.sample.effective : {};
  const sample: Sample = {
    ...base,
    process: { ...nobody, spawnToStartNs, exitCode: end.exitCode, signal: end.signal },
    warnings: [
      ...prepared.warnings,
      ...(answer.kind === 'sample' ? answer.sample.warnings : []),
      ...auditOf(arm, model, cell.state, measured, own),
    ],
    ...verdict,
    ...measured,
  };
  const trace = answer.kind === 'sample' ? answer.sample.trace : null;
  if (trace !== null && sample.outcome === 'ok') context.onTrace?.(sample, trace);
  return sample;
}

/** Null where it cannot be read: no right to, or the file is gone by now. */
function residencyAfter(paths: readonly string[]): number | null {
  try {
    const { source, resident } = native().residency(paths);
    return source === 'none' ? null : resident;
  } catch (error) {
    if (reasonOf(error) === null) throw error;
    return null;
  }
}
