/** What a run's result means for whoever called: the exit code and one line of why. */
import { exitCode } from './failure.js';
import type { RunResult } from './pipeline.js';
import { counted, enumeration } from './report/format.js';
import type { Arm } from './samples/record.js';
import type { CellSummary } from './statistics/summary-types.js';

export interface RunVerdict {
  readonly code: number;
  /** One line; null when all is well. */
  readonly message: string | null;
}

/**
 * 130 interrupted; 1 when an error stopped the run, when a sample failed or mismatched, when a loader or bound that was
 * named is unsupported in every state, or when one that is supported has no ok sample in a state; else 0. Home explains
 * the others, and no figure is formed from it alone: where it failed the report says so, and the run stands.
 */
export function runExitCode({ ledger, summary, stopped, failure }: RunResult): RunVerdict {
  if (failure !== null) return fail(failure);
  if (stopped === 'interrupted') return { code: exitCode.interrupted, message: null };
  const homes = summary.cells.filter(({ arm }) => arm.kind === 'ceiling' && arm.loader === 'home');
  const failed = summary.samples.failed - homes.reduce((sum, { outcomes }) => sum + outcomes.failed, 0);
  const { mismatch } = summary.samples;
  if (failed + mismatch > 0) {
    const wrong = [
      ...(failed > 0 ? [`${counted(failed, 'sample')} failed`] : []),
      ...(mismatch > 0 ? [`${counted(mismatch, 'sample')} gave other logits`] : []),
    ];
    return fail(`${enumeration(wrong)}; the table says why`);
  }
  const weighed = summary.cells.filter(({ arm }) => arm.kind !== 'ceiling');
  const unsupported = weighed.filter(
    ({ outcomes }) => outcomes.unsupported > 0 && outcomes.ok + outcomes.invalid === 0,
  );
  const empty = weighed.find((cell) => cell.outcomes.ok === 0 && !unsupported.includes(cell));
  if (empty !== undefined) {
    return fail(`${empty.arm.label} ${empty.state} has no valid sample; the table says why`);
  }
  // Of a shard the other states may be elsewhere, where the arm works.
  const { loadersNamed, shard = null } = ledger.run.plan;
  const isNamed = ({ arm }: CellSummary): boolean => shard === null && (arm.kind === 'command' || loadersNamed);
  // Whatever its setting: under one memory limit of several it may be impossible.
  const isSame = (one: Arm, other: Arm): boolean => one.label === other.label && one.model === other.model;
  const never = unsupported
    .filter(isNamed)
    .find(({ arm }) => weighed.every((cell) => !isSame(cell.arm, arm) || unsupported.includes(cell)));
  if (never !== undefined) {
    return fail(`${never.arm.label} was asked for and is unsupported here; the table says why`);
  }
  return { code: exitCode.ok, message: null };
}

const fail = (message: string): RunVerdict => ({ code: exitCode.failed, message });
