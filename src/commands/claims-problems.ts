/** What went wrong among the samples of the claims, whatever the verdicts. */
import { counted } from '../report/format.js';
import type { WeighedPart } from './claims-parts.js';

/** A line a part. */
export function problemsOf(weighed: readonly Pick<WeighedPart, 'plan' | 'result'>[]): readonly string[] {
  return weighed.flatMap(({ plan, result }) => {
    const { mismatch = 0 } = result?.summary.samples ?? {};
    const failures = failuresOf(plan, result);
    return mismatch + failures === 0
      ? []
      : [`${plan.name}: ${counted(failures, 'sample')} failed, ${mismatch} gave other logits`];
  });
}

/** That the kernel kills a copy under the limit is what the part about harm is to show, and no problem of it. */
function failuresOf({ name }: WeighedPart['plan'], result: WeighedPart['result']): number {
  if (result === null) return 0;
  const { ledger, summary } = result;
  if (name !== 'harm') return summary.samples.failed;
  return ledger.samples.filter(({ outcome, reason }) => outcome === 'failed' && reason?.code !== 'out-of-memory')
    .length;
}
