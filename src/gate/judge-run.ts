/** The verdicts of a run on what its plan registered. Pure: equal ledgers, equal verdicts. */
import type { Enough } from '../samples/stopping.js';
import type { Gate, Ledger, RegisteredComparison, RunRecord } from '../samples/record.js';
import { outcomesOf, roundsOf } from '../statistics/comparison.js';
import { judge, type Judgement, type Verdict } from '../statistics/verdict.js';

export interface Judged {
  readonly comparison: RegisteredComparison;
  readonly verdict: Verdict;
}

/** In the order in which they were registered. Throws RangeError where the run registered none, or must not be judged. */
export function judgeRun(ledger: Ledger): readonly Judged[] {
  const gate = gateOf(ledger.run);
  const { verdicts } = judgement(gate, ledger, true);
  return gate.comparisons.flatMap((comparison, index) => {
    const verdict = verdicts[index];
    return verdict === undefined ? [] : [{ comparison, verdict }];
  });
}

/** Whether the rounds so far decide all that was registered; null for a run that is not judged. */
export function decisionRule(run: RunRecord): Enough | null {
  const gate = run.plan.gate ?? null;
  return gate === null ? null : (weighed) => judgement(gate, { run, ...weighed }, false).next === null;
}

function gateOf({ plan }: RunRecord): Gate {
  if ((plan.precision ?? null) !== null) {
    throw new RangeError('the run could stop by the precision of its ratios: it explores, and no gate takes it');
  }
  const gate = plan.gate ?? null;
  if (gate === null) throw new RangeError('the run registered no comparison before its first sample');
  return gate;
}

function judgement(
  { alpha, looks, comparisons }: Gate,
  ledger: Pick<Ledger, 'run' | 'samples' | 'groups'>,
  stopped: boolean,
): Judgement {
  const seen = comparisons.map((comparison) => ({
    rounds: outcomesOf(roundsOf(ledger, comparison), comparison.metric),
    threshold: comparison.threshold,
    noiseFloors: comparison.noiseFloors,
  }));
  return judge(seen, { family: comparisons.length, alpha, looks }, stopped);
}
