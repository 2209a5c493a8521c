/** What a sample's process is told to do. */
import { native, type Shape } from '../native.js';
import { commandTask } from './command.js';
import { READY_FD, RELEASE_FD, type ChildTask } from './protocol.js';
import type { Arm, CeilingChoices, ModelRecord, Pass } from './record.js';

/** Largest prompt step of one internal batch; bounds scratch memory. */
export const BATCH = 128;

const batchOf = (arm: Arm): number => Math.max(1, Math.min(BATCH, arm.prompt));

/** Key-value cache and scratch memory of one process; nothing of these where nothing is inferred. */
export function sessionBytes(arm: Arm, { path }: ModelRecord): number {
  if (arm.work !== 'infer') return 0;
  const { context, threads } = arm;
  const { kvCacheBytes, scratchBytes } = native().kernelPlan(path, { context, batch: batchOf(arm), threads });
  return kvCacheBytes + scratchBytes;
}

export function taskOf(
  arm: Arm,
  model: ModelRecord,
  shape: Shape | null,
  pass: Pass,
  ceilings: CeilingChoices,
): ChildTask {
  const barrier = { readyFd: READY_FD, releaseFd: RELEASE_FD };
  if (arm.kind === 'command') return commandTask(arm, model, pass);
  if (arm.kind === 'ceiling') {
    const chosen = ceilings.device[arm.model];
    const ceiling = arm.loader === 'device' || arm.loader === 'home' ? arm.loader : 'memory';
    const recipe = ceiling !== 'memory' && chosen !== undefined && chosen.reason === null ? chosen : null;
    return {
      kind: 'ceiling',
      parent: process.pid,
      node: arm.numa,
      build: null,
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
    node: arm.numa,
    build: arm.buildDirectory ?? null,
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
      work: arm.work === 'touch' ? 'touch' : 'infer',
      shape,
      isa: arm.isa,
      threads: arm.threads,
      context: arm.context,
      batch: batchOf(arm),
      prompt: arm.prompt,
      generate: arm.generate,
      pass,
      held: pass === 'memory' && arm.processes > 1,
      node: arm.numa,
      ...barrier,
    },
  };
}
