/** Whether a run may be continued here. */
import { UsageError } from './failure.js';
import { changedFile } from './module-digest.js';
import { native, type Shape } from './native.js';
import { otherBuild, ownBuild } from './other-build.js';
import { factsOf, kernelPlanOf } from './run-request.js';
import type { RunRecord } from './samples/record.js';

/**
 * A resumed run must be the same machine, models, loaders and build; otherwise its halves could not be compared. Throws
 * UsageError where one differs, and what reading a model throws. Gives the shapes by model, null where none is inferred.
 */
export function checkSameRun(run: RunRecord): Record<string, Shape | null> {
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
