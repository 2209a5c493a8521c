/** When an exploring run knows its ratios well enough. Pure; the intervals of a run that stopped so are optimistic. */
import type { Ledger, RunRecord } from '../samples/record.js';
import { summarize } from './summarize.js';
import type { CellSummary, PairedRatio, Summary } from './summary-types.js';

export interface Precision {
  /** Whether there is a comparison, and the interval of each is narrow enough. */
  readonly reached: boolean;
  readonly comparisons: number;
  /** The widest interval's; null where a comparison has none yet. */
  readonly halfWidth: number | null;
}

/** Half the width of an interval ÷ its median; null for a range, which too few pairs have. */
export function relativeHalfWidth({ spread, low, high, median }: PairedRatio): number | null {
  return spread === 'interval' ? (high - low) / 2 / median : null;
}

/**
 * Of the first-token ratio of each cell that is compared with the reference. A cell without an ok sample is left out: more
 * rounds cannot make narrower what was unsupported or failed until now.
 */
export function precisionOf({ cells }: Pick<Summary, 'cells'>, wanted: number): Precision {
  const compared = cells.filter(isCompared).map(({ ratio }) => {
    const ttft = ratio?.ttft ?? null;
    return ttft === null ? null : relativeHalfWidth(ttft);
  });
  const known = compared.filter((width) => width !== null);
  const all = compared.length > 0 && known.length === compared.length;
  const halfWidth = all ? Math.max(...known) : null;
  return { reached: halfWidth !== null && halfWidth <= wanted, comparisons: compared.length, halfWidth };
}

function isCompared({ ratio, outcomes }: CellSummary): boolean {
  return ratio !== null && outcomes.ok > 0;
}

/** The rule of a run that stops by precision: a function of what was weighed alone. Null where it does not. */
export function precisionRule(run: RunRecord): ((weighed: Pick<Ledger, 'samples' | 'groups'>) => boolean) | null {
  const wanted = run.plan.precision ?? null;
  if (wanted === null) return null;
  return ({ samples, groups }) =>
    precisionOf(summarize({ run, samples, groups, resumes: [], waits: [], end: null, warnings: [] }), wanted).reached;
}
