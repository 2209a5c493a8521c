/** What a run is asked to weigh, and the plan that this gives on this machine. */
import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { UsageError, failWith, reasonOf } from './failure.js';
import type { LoaderDefinition } from './loader.js';
import { machineFacts, type MachineFacts } from './machine.js';
import { native, type KernelPlan } from './native.js';
import { ownBuild } from './other-build.js';
import { makePlan, type Planned, type PlannedModel, type PlanRequest } from './plan/plan.js';
import { shardedPlan, weighedOf, type ShardNumber } from './plan/shard.js';
import type { CeilingChoices, Gate, RunRecord } from './samples/record.js';
import { BATCH } from './samples/task.js';

export interface RunRequest extends Omit<PlanRequest, 'models' | 'build' | 'isa' | 'threads'> {
  readonly modelPaths: readonly string[];
  readonly loaders: readonly LoaderDefinition[];
  /** 'auto' is the best that CPU and operating system have. */
  readonly isa: string;
  /** Empty for every CPU this process may use. */
  readonly threads: readonly number[];
  /** Null where the caller holds the machine. */
  readonly lockWaitSeconds: number | null;
  /** What first touch costs on this machine, where an earlier run on the same model learned it; it is probed again. */
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

/**
 * The plan of a request; reads the models' headers, measures nothing. Throws UsageError for what cannot be planned, and
 * what reading a model throws (errors with the properties of a Reason).
 */
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

/** Whether nothing of the plan is weighed: a shard beyond its parts. */
export function isEmpty(planned: Pick<RunRecord, 'plan' | 'arms' | 'models'>): boolean {
  return Object.keys(weighedOf(planned).arms).length === 0;
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

/** Shape and memory need of a model for one position. Throws errors with the properties of a Reason where the kernel does not run it. */
export function kernelPlanOf(path: string): KernelPlan {
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

/** Of the machine, as the first model's file has it. */
export function factsOf({ models }: Pick<RunRecord, 'models'>): MachineFacts {
  return machineFacts(Object.values(models)[0]?.path);
}
