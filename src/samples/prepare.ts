/** Before a sample: its surroundings, its processes at their barrier, the states prepared and certified. */
import { reasonOf } from '../failure.js';
import { bypassesPageCache } from '../loader.js';
import { native, type NativeTrace, type Shape } from '../native.js';
import { chainedState, loadsOf, type Block, type Cell } from '../plan/blocks.js';
import { startCrew, type Crew, type CrewEnd } from './crew.js';
import { shortOfMemory } from './memory-need.js';
import type { MemoryLimits } from './memory-limits.js';
import { machineCounters, type MachineCounters } from './noise.js';
import type { Arm, CeilingChoices, ModelRecord, Plan, Sample, State } from './record.js';
import type { CacheKept } from './room.js';
import { certifyCache, prepareCache, refusal, type FreeMemory, type PreparedCache, type Refusal } from './states.js';
import { openSurroundings, type Surroundings } from './surroundings.js';
import { taskOf } from './task.js';

export interface WeighingContext {
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  /** Null of a model whose weights are only touched. */
  readonly shapes: Readonly<Record<string, Shape | null>>;
  readonly ceilings: CeilingChoices;
  readonly referenceHashes: Readonly<Record<string, string>>;
  readonly freeMemory: FreeMemory;
  readonly limits: MemoryLimits;
  readonly signal: AbortSignal;
  /** Takes the timeline of an ok sample of the trace pass; the sample itself goes into the ledger without it. */
  readonly onTrace?: (sample: Sample, trace: NativeTrace) => void;
}

/** The cell is the block's own, or a later load of it. */
export interface Attempt {
  readonly block: Block;
  readonly cell: Cell;
  readonly position: number;
  readonly attempt: number;
}

export interface Subject {
  readonly arm: Arm;
  readonly model: ModelRecord;
  readonly shape: Shape | null;
}

/** What is ready to run: its processes wait at the barrier, or there is a reason why they will not. */
export type Prepared =
  | { readonly kind: 'refused'; readonly startedAt: string; readonly refusal: Refusal }
  | {
      readonly kind: 'waiting';
      readonly startedAt: string;
      readonly crew: Crew;
      readonly surroundings: Surroundings;
      readonly paths: readonly string[];
      readonly before: number | null;
      readonly firstTouchNs: number | null;
      /** Lets go of memory that was held to keep free memory in its state. */
      readonly releaseMemory: () => void;
      readonly counters: MachineCounters;
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'ended'; readonly startedAt: string; readonly end: CrewEnd; readonly surroundings: Surroundings };

/**
 * Prepares the cell's states around processes that wait at their barrier. What cannot be prepared is a sample that says
 * why: one of them must not end the run. Throws AbortError when the run is interrupted.
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

/** Ends what waits and will not run: an interruption came in between. */
export async function discard(prepared: Prepared): Promise<void> {
  if (prepared.kind === 'refused') return;
  if (prepared.kind === 'waiting') {
    prepared.crew.kill();
    await prepared.crew.ended;
    prepared.releaseMemory();
  }
  await prepared.surroundings.close(null);
}

/** Throws where the plan has no such arm. */
export function subjectOf(context: WeighingContext, { cell }: Attempt): Subject {
  const arm = context.arms[cell.arm];
  const model = arm === undefined ? undefined : context.models[arm.model];
  const shape = arm === undefined ? undefined : context.shapes[arm.model];
  if (arm === undefined || model === undefined || shape === undefined) {
    throw new Error(`no arm ${cell.arm} in the plan`);
  }
  return { arm, model, shape };
}

async function prepareStates(context: WeighingContext, attempt: Attempt, startedAt: string): Promise<Prepared> {
  const { block, cell } = attempt;
  const { arm, model, shape } = subjectOf(context, attempt);
  const paths = model.parts.map((part) => part.path);
  const impossible = unsupportedCell(arm, cell, paths) ?? shortOfMemory(arm, model);
  if (impossible !== null) return { kind: 'refused', startedAt, refusal: impossible };

  const first = cell.state === 'left' ? (chainedState(context.plan) ?? cell.state) : cell.state;
  const asked = { arm, model, shape, load: cell.load, loads: loadsOf(context.plan, arm, first, block.pass) };
  // Before the page cache: it reads the model's header, and a companion takes its memory first.
  const surroundings = await openSurroundings(asked, context.limits, context.signal);
  if ('outcome' in surroundings) return { kind: 'refused', startedAt, refusal: surroundings };
  let cache: PreparedCache | Refusal | null = null;
  let prepared: Prepared | null = null;
  let crew: Crew | null = null;
  try {
    cache = await prepareCache(paths, cell.state, model.fileSystem, context.signal);
    if ('outcome' in cache) return { kind: 'refused', startedAt, refusal: cache };
    if (cell.state !== 'left') context.freeMemory.freed();
    const task = taskOf(arm, model, shape, block.pass, context.ceilings);
    crew = startCrew(task, arm.processes, context.plan.timeoutNs / 1e6, surroundings.launcher);
    prepared = await certify(context, cell, { arm, model, shape }, { cache, crew, surroundings, startedAt });
    return prepared;
  } finally {
    if (cache !== null && !('outcome' in cache)) cache.release();
    if (prepared === null || prepared.kind === 'refused') {
      crew?.kill();
      await crew?.ended;
      await surroundings.close(null);
    }
  }
}

interface Started {
  readonly cache: PreparedCache;
  readonly crew: Crew;
  readonly surroundings: Surroundings;
  readonly startedAt: string;
}

/** Of a warm cache only the model is certified; what an earlier load left is looked at as a whole. */
const KEPT: Readonly<Record<State, CacheKept>> = { cold: 'nothing', warm: 'model', left: 'everything' };

/** What a bystander has cached is as much a part of the state as the model. */
const keptOf = ({ pressure }: Arm, state: State): CacheKept =>
  pressure?.kind === 'bystander' ? 'everything' : KEPT[state];

async function certify(
  context: WeighingContext,
  cell: Cell,
  { arm, model }: Subject,
  { cache, crew, surroundings, startedAt }: Started,
): Promise<Prepared> {
  if (!(await readyUnlessAborted(context, crew))) {
    return { kind: 'ended', startedAt, end: await crew.ended, surroundings };
  }
  const { processes, threads } = arm;
  const wanted = { modelBytes: model.bytes, processes, threads, keep: keptOf(arm, cell.state) };
  const memory = await context.freeMemory.prepare(cell.memoryState, wanted, context.signal);
  const refuse = (why: Refusal): Prepared => {
    memory.release();
    return { kind: 'refused', startedAt, refusal: why };
  };
  if (memory.refusal !== null) return refuse(memory.refusal);
  // Gigabytes may be held by now: nothing that fails may keep them.
  const orReleased = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      memory.release();
      throw error;
    }
  };
  const counters = orReleased(() =>
    machineCounters({ paths: cache.paths, waiting: crew.pids(), beside: surroundings.pids }),
  );
  // The mapping that held a warm cache goes first, so that unmapping disturbs nothing and what is certified is what the
  // processes meet.
  cache.release();
  const { reading, refusal: notCertified } = orReleased(() => certifyCache(cache));
  if (notCertified !== null) return refuse(notCertified);
  const unknown = reading.source === 'none';
  return {
    kind: 'waiting',
    startedAt,
    crew,
    surroundings,
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

/** Whether all have come to the barrier; an interruption ends them there. */
async function readyUnlessAborted({ signal }: WeighingContext, crew: Crew): Promise<boolean> {
  const kill = (): void => {
    crew.kill();
  };
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  const ready = await crew.ready;
  signal.removeEventListener('abort', kill);
  return ready;
}

function unsupportedCell(arm: Arm, cell: Cell, paths: readonly string[]): Refusal | null {
  if (arm.kind === 'ceiling' || arm.kind === 'command') return null;
  // A user's library and another build run in the sample's process alone, which asks them.
  const asked = arm.mechanism !== 'external' && (arm.buildDirectory ?? null) === null;
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
