/** What a sample's process is told to do. */
import type { Shape } from '../native.js';
import { commandTask } from './command.js';
import { READY_FD, RELEASE_FD, type ChildTask } from './protocol.js';
import type { Arm, CeilingChoices, ModelRecord, Pass } from './record.js';

/** Largest prompt step of one internal batch; bounds scratch memory. */
export const BATCH = 128;

export const batchOf = (arm: Arm): number => Math.max(1, Math.min(BATCH, arm.prompt));

export function taskOf(arm: Arm, model: ModelRecord, shape: Shape, pass: Pass, ceilings: CeilingChoices): ChildTask {
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
