/** What a child's end and its measurement mean: the outcome. */
import { usesWeights } from '../plan/arms.js';
import type { Cell } from '../plan/blocks.js';
import { sumOfReads } from './audit.js';
import { lastLineOf } from './command-output.js';
import type { Arm, Measurement, Phases, Reason } from './record.js';
import type { ChildEnd } from './spawn.js';

/** The key of a run's reference hashes: of logits, or of the content that is touched. */
export function referenceKey(arm: Arm): string {
  if (arm.work === 'touch') return `${arm.model} touch`;
  return `${arm.model} ${arm.isa} p${arm.prompt} g${arm.generate}`;
}

/** Whether a loader threw because the machine does not offer what its name says, rather than because something broke. */
export function meansUnsupported({ code }: Reason): boolean {
  return /(^|-)unsupported(-|$)/.test(code) || code === 'not-permitted' || code === 'command-not-found';
}

/** Why a child gave no measurement. */
export function failureReason(end: ChildEnd, timeoutNs: number): Reason {
  const nowhere = { path: null, errno: null };
  if (end.kind === 'timeout') {
    return {
      code: 'timeout',
      operation: 'sample',
      ...nowhere,
      message: `the sample took longer than ${(timeoutNs / 1e9).toFixed(0)} s and was ended`,
      remedy: 'give a longer --timeout',
    };
  }
  if (end.kind === 'answered' && end.answer.kind === 'failed') return end.answer.reason;
  const said = end.kind === 'died' ? lastLineOf(end.stderr) : '';
  const stderr = said === '' ? '' : `: ${said}`;
  if (end.signal !== null) {
    const hints: Readonly<Record<string, string>> = {
      SIGBUS: 'the file shrank while it was mapped, or its disk failed',
      SIGKILL: 'something ended it, perhaps the kernel for want of memory (see dmesg)',
    };
    return {
      code: 'killed-by-signal',
      operation: 'sample',
      ...nowhere,
      message: `the sample's process was ended by ${end.signal}${stderr}`,
      remedy: hints[end.signal] ?? null,
    };
  }
  return {
    code: 'process-failed',
    operation: 'sample',
    ...nowhere,
    message: `the sample's process ended with exit code ${end.exitCode ?? 'unknown'} and no result${stderr}`,
    remedy: null,
  };
}

/** Of a process that was ended because another of its group could not go on. */
export function endedWithGroup(cause: number, of: number): Reason {
  return {
    code: 'group-ended',
    operation: 'sample',
    path: null,
    errno: null,
    message: `ended because process ${cause + 1} of ${of} could not go on`,
    remedy: null,
  };
}

export type Verdict =
  | { readonly outcome: 'ok'; readonly reason: null }
  | { readonly outcome: 'invalid' | 'mismatch'; readonly reason: Reason };

/** What proves that a sample had the right weights: its logits, or where these are only touched their content. */
export function proofOf(arm: Arm, { logitsHash, contentHash }: Pick<Measurement, 'logitsHash' | 'contentHash'>) {
  return arm.work === 'touch'
    ? ({ hash: contentHash, code: 'content-differs', what: 'content' } as const)
    : ({ hash: logitsHash, code: 'logits-differ', what: 'logits' } as const);
}

/** `expected` is the reference hash of the arm's work; undefined where there is none. */
export function judge(arm: Arm, cell: Cell, measured: Measurement, expected: string | undefined): Verdict {
  const { hash, code, what } = proofOf(arm, measured);
  if (usesWeights(arm) && expected !== undefined && hash !== expected) {
    return bad('mismatch', code, `${what} hash ${hash}, the reference has ${expected}`);
  }
  if (arm.kind === 'ceiling') return judgeCeiling(arm, cell, measured);
  const { phases } = measured;
  // The null loader reads nothing; a bound reads what a loader would, and must have met the same cache.
  if (phases === null || arm.work === 'none') return fine;
  const beforeToken = sumOfReads([phases.open, phases.acquire, phases.firstToken]);
  const all = issuedBytes(measured, phases);
  if (cell.state === 'warm') {
    if (beforeToken === null) return bad('invalid', 'not-certified', UNREADABLE);
    if (beforeToken > 0) {
      return bad(
        'invalid',
        'read-while-warm',
        `${beforeToken} bytes were read from storage before the ${arm.work === 'touch' ? 'last needed byte' : 'first token'} of a warm sample`,
      );
    }
  }
  // Of a group, the processes together must have read it.
  if (cell.state === 'cold' && measured.residency.before === null && arm.processes === 1) {
    if (all === null) return bad('invalid', 'not-certified', UNREADABLE);
    const needed = measured.bytesNeeded ?? 0;
    if (all < CERTIFYING_SHARE * needed) {
      return bad('invalid', 'not-cold', `only ${all} bytes were read from storage of ${needed} needed`);
    }
  }
  return fine;
}

/** A ceiling that did not reach the device, or did not stay in memory, is none. */
function judgeCeiling(arm: Arm, cell: Cell, { effective, residency, ...measured }: Measurement): Verdict {
  const issued = effective['issuedBytes'];
  const bytesNeeded = measured.bytesNeeded ?? 0;
  if (arm.loader === 'memory') {
    return cell.state === 'warm' && typeof issued === 'number' && issued > 0
      ? bad('invalid', 'read-while-warm', `${issued} bytes were read from storage while memory was measured`)
      : fine;
  }
  if (typeof issued === 'number' && issued < CERTIFYING_SHARE * bytesNeeded) {
    const told = `only ${issued} of ${bytesNeeded} bytes came from the device`;
    return bad('invalid', 'direct-io-turned-buffered', told);
  }
  // Buffered reads of a cold file come from the device too, but they stay in the page cache.
  const { before, after, size } = residency;
  const allowed = LEFT_SHARE * bytesNeeded + Math.max(0, size - bytesNeeded) + READ_AHEAD;
  if (before !== null && after !== null && after - before > allowed) {
    const told = `${after - before} of ${bytesNeeded} bytes were left in the page cache by reads that should pass it by`;
    return bad('invalid', 'direct-io-turned-buffered', told);
  }
  return fine;
}

export const fine: Verdict = { outcome: 'ok', reason: null };

export function bad(outcome: 'invalid' | 'mismatch', code: string, message: string): Verdict {
  return { outcome, reason: { code, operation: 'sample', path: null, errno: null, message, remedy: null } };
}

/** From start to complete; of the whole where the child tells it, since a loader may read on between two phases. */
export function issuedBytes({ effective }: Pick<Measurement, 'effective'>, phases: Phases): number | null {
  const issued = effective['issuedBytes'];
  if (typeof issued === 'number') return issued;
  return sumOfReads([phases.open, phases.acquire, phases.firstToken, phases.complete]);
}

const UNREADABLE = '/proc/self/io cannot be read here, so the state cannot be certified by bytes read';

/** Without the right to see residency, a cold sample must have read this share of the bytes that it needs. */
export const CERTIFYING_SHARE = 0.95;
/** Of the bytes of a ceiling that bypasses the page cache, what may be in it afterwards: edges, and what others read. */
const LEFT_SHARE = 0.05;
/** The headers are read through the page cache, and the kernel reads on behind them. */
const READ_AHEAD = 2 ** 20;
