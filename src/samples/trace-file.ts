/** Timelines of traced samples, each a file of its own beside the ledger: one may be larger than the whole ledger. */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeTrace } from '../native.js';
import { settingKeyOf } from '../plan/settings.js';
import { chromeTrace } from './chrome-trace.js';
import type { Arm, Plan, RunRecord, Sample } from './record.js';

/** trace-LOADER-STATE.json; setting and memory state are in the name where the run has several. */
export function traceFileName(plan: Plan, arm: Arm, sample: Pick<Sample, 'state' | 'memoryState'>): string {
  const words = [
    arm.label,
    ...(plan.models.length > 1 ? [arm.model] : []),
    ...(settingKeyOf(arm) === arm.model ? [] : [settingKeyOf(arm).slice(arm.model.length + 1)]),
    sample.state,
    ...(plan.memoryStates.length > 1 ? [sample.memoryState] : []),
  ];
  return `trace-${words.map((word) => word.replace(/[^\w.-]+/g, '_')).join('-')}.json`;
}

/** Writes a sample's timeline; a file of the same name, of an earlier attempt, is replaced as a whole. */
export function writeTrace(directory: string, run: RunRecord, sample: Sample, trace: NativeTrace): void {
  const arm = run.arms[sample.arm.id];
  if (arm === undefined) throw new Error(`no arm ${sample.arm.id} in the plan`);
  const path = join(directory, traceFileName(run.plan, arm, sample));
  try {
    writeFileSync(`${path}.tmp`, `${JSON.stringify(chromeTrace(sample, arm, trace))}\n`);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    rmSync(`${path}.tmp`, { force: true });
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be written (${detail}); what was measured before is saved`, { cause: error });
  }
}

/** Paths of the timelines in a run's directory. */
export function tracesIn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => /^trace-.*\.json$/.test(name));
  return names.sort().map((name) => join(directory, name));
}
