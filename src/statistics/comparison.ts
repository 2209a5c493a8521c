/** From a ledger to the rounds of one registered comparison: two arms, one state, one metric. */
import type { GateMetric, Ledger, MemoryState, Sample, State } from '../samples/record.js';
import { costOf } from './metrics.js';
import { pairsOf, type Pair } from './pairs.js';
import { unitsOf } from './units.js';
import type { RoundOutcome } from './verdict.js';

/** Two arms in one place. */
export interface Versus {
  /** Arm ids. */
  readonly head: string;
  readonly base: string;
  readonly state: State;
  readonly memoryState: MemoryState;
}

/** A round of the time pass as a comparison sees it: the samples of both sides in the block that head ran in. */
export interface VersusRound {
  readonly pair: Pair | null;
  readonly headFailed: boolean;
  readonly baseFailed: boolean;
}

/**
 * The rounds that have samples of head, in run order. Its block holds the partner; a pair is that of the block's highest
 * attempt. A side has failed where a sample of it did, or gave other logits, and no attempt of it was ok. Of several
 * processes the group is the sample. Throws RangeError for a run that could stop by its own ratios.
 */
export function roundsOf(
  ledger: Pick<Ledger, 'run' | 'samples' | 'groups'>,
  { head, base, state, memoryState }: Versus,
): readonly VersusRound[] {
  if ((ledger.run.plan.precision ?? null) !== null) {
    throw new RangeError('the run could stop by the precision of its ratios: such a run explores, and judges nothing');
  }
  const here = unitsOf(ledger).filter(
    (sample) => sample.pass === 'time' && sample.state === state && sample.memoryState === memoryState,
  );
  const heads = here.filter((sample) => sample.arm.id === head);
  const bases = here.filter((sample) => sample.arm.id === base);
  const pairs = new Map(pairsOf(heads, bases).map((pair) => [blockOf(pair.head), pair]));
  return [...new Set(heads.map(blockOf))].map((block) => {
    const failed = (side: readonly Sample[]): boolean => hasFailed(side.filter((sample) => blockOf(sample) === block));
    return { pair: pairs.get(block) ?? null, headFailed: failed(heads), baseFailed: failed(bases) };
  });
}

const blockOf = ({ round, block, load }: Sample): string => `${round} ${block} ${load}`;

function hasFailed(samples: readonly Sample[]): boolean {
  return (
    samples.some(({ outcome }) => outcome === 'failed' || outcome === 'mismatch') &&
    !samples.some(({ outcome }) => outcome === 'ok')
  );
}

/** The rounds in one metric, for `judge`. */
export function outcomesOf(rounds: readonly VersusRound[], metric: GateMetric): readonly RoundOutcome[] {
  return rounds.map(({ pair, headFailed, baseFailed }) => {
    if (headFailed || baseFailed) return { kind: 'failed', head: headFailed, base: baseFailed };
    const difference = pair === null ? null : logRatio(pair, metric);
    return difference === null ? { kind: 'dropped' } : { kind: 'pair', difference };
  });
}

/** log(head ÷ base) of each complete pair, in run order. */
export function logRatiosOf(rounds: readonly VersusRound[], metric: GateMetric): readonly number[] {
  return outcomesOf(rounds, metric).flatMap((round) => (round.kind === 'pair' ? [round.difference] : []));
}

function logRatio({ head, base }: Pair, metric: GateMetric): number | null {
  const [above, below] = [costOf(head, metric), costOf(base, metric)];
  return above === null || below === null ? null : Math.log(above / below);
}
