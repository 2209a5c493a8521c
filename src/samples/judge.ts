/** What a child's end and its measurement mean: the outcome, and what deserves a warning. */
import type { Cell } from '../plan/blocks.js';
import type { Arm, Measurement, Reason } from './record.js';
import type { ChildEnd } from './spawn.js';

/** The key of a run's reference hashes. */
export function referenceKey(arm: Arm): string {
  return `${arm.model} ${arm.isa} p${arm.prompt} g${arm.generate}`;
}

/** Whether a loader threw because the machine does not offer what its name says, rather than because something broke. */
export function meansUnsupported({ code }: Reason): boolean {
  return /(^|-)unsupported(-|$)/.test(code) || code === 'not-permitted';
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
  const stderr = end.kind === 'died' && end.stderr !== '' ? `: ${end.stderr.split('\n').at(-1) ?? ''}` : '';
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

export function warningsOf(arm: Arm, measured: Measurement): string[] {
  const warnings: string[] = [];
  if (measured.effective['leftCacheCold'] === false) {
    warnings.push(
      `${arm.loader} should bypass the page cache, but left ${measured.residency.after} bytes of the model in it`,
    );
  }
  if (arm.kind === 'ceiling' && arm.loader === 'device' && measured.effective['hugePages'] === false) {
    warnings.push('the device ceiling had no 2 MiB pages for its buffers: it may read lower than the device can do');
  }
  return warnings;
}

export type Verdict =
  | { readonly outcome: 'ok'; readonly reason: null }
  | { readonly outcome: 'invalid' | 'mismatch'; readonly reason: Reason };

/** `expected` is the reference hash of the arm's work; undefined where there is none. */
export function judge(arm: Arm, cell: Cell, measured: Measurement, expected: string | undefined): Verdict {
  const bad = (outcome: 'invalid' | 'mismatch', code: string, message: string): Verdict => ({
    outcome,
    reason: { code, operation: 'sample', path: null, errno: null, message, remedy: null },
  });
  if (arm.work === 'infer' && expected !== undefined && measured.logitsHash !== expected) {
    return bad('mismatch', 'logits-differ', `logits hash ${measured.logitsHash}, the reference has ${expected}`);
  }
  const { phases } = measured;
  if (phases === null || arm.work !== 'infer') return { outcome: 'ok', reason: null };
  const beforeToken = [phases.open, phases.acquire, phases.firstToken].map((phase) => phase.readBytes ?? 0);
  const read = beforeToken.reduce((sum, bytes) => sum + bytes, 0);
  if (cell.state === 'warm' && read > 0) {
    return bad(
      'invalid',
      'read-while-warm',
      `${read} bytes were read from storage before the first token of a warm sample`,
    );
  }
  const all = read + (phases.complete.readBytes ?? 0);
  if (cell.state === 'cold' && measured.residency.before === null && all < CERTIFYING_SHARE * measured.bytesNeeded) {
    return bad('invalid', 'not-cold', `only ${all} bytes were read from storage of ${measured.bytesNeeded} needed`);
  }
  return { outcome: 'ok', reason: null };
}

/** Without the right to see residency, a cold sample must have read this share of the bytes that it needs. */
const CERTIFYING_SHARE = 0.95;
