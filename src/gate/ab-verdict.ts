/** From a judged run of two sides to what `verdict.json` says. */
import { counted } from '../report/format.js';
import { settingsOf } from '../plan/settings.js';
import type { Arm, EndRecord, Ledger, RegisteredComparison } from '../samples/record.js';
import { roundsOf, type VersusRound } from '../statistics/comparison.js';
import { METRICS, isCounter, valueOf } from '../statistics/metrics.js';
import { LEAST_FOR_INTERVAL, medianOfKnown } from '../statistics/order.js';
import { pairsForUnchanged } from '../statistics/pairs-needed.js';
import { smallestChangeOf, type Verdict } from '../statistics/verdict.js';
import { judgeRun, type Judged } from './judge-run.js';
import {
  VERDICT_SCHEMA,
  type ComparisonResult,
  type Side,
  type VerdictFile,
  type VerdictKind,
} from './verdict-types.js';
import { change, gravest, judgedName, metricName, relative, wrongResult } from './words.js';

/** Throws RangeError where the run was not registered to be judged. */
export function abVerdict(ledger: Ledger): VerdictFile {
  const { run, end } = ledger;
  const judged = judgeRun(ledger);
  const gate = run.plan.gate;
  const arms = run.plan.arms.map((id) => run.arms[id]);
  const [base, head] = arms;
  const [setting] = settingsOf(run.plan, run.arms);
  const model = setting === undefined ? undefined : run.models[setting.model];
  if (gate == null || base === undefined || head === undefined) throw new RangeError('the run has no two sides');
  const levels = gate.alpha / gate.looks.length / gate.comparisons.length;
  const comparisons = judged.map(({ comparison, verdict }) =>
    resultOf(ledger, comparison, verdict, { arm: head, confidence: 1 - levels }),
  );
  return {
    ...{ kind: 'verdict', schema: VERDICT_SCHEMA, tool: run.tool, how: 'ab' },
    verdict: gravest(comparisons),
    advisory: null,
    startedAt: run.startedAt,
    fingerprint: run.machine.fingerprint,
    model: model?.path ?? '',
    base: sideOf(base),
    head: sideOf(head),
    alpha: gate.alpha,
    comparisons,
    notes: [
      ...stopNotes(end),
      ...openNotes(judged, levels, base),
      ...floorNotes(gate.comparisons, base),
      ...skippedNotes(ledger),
    ],
  };
}

function sideOf({ command = null, label, module, build, buildDirectory = null }: Arm): Side {
  if (command !== null) return { name: label, detail: command.argv.join(' ') };
  return {
    name: label,
    detail: `${module === null ? '' : `${module}, `}build ${build}${buildDirectory === null ? '' : ` in ${buildDirectory}`}`,
  };
}

function resultOf(
  ledger: Ledger,
  comparison: RegisteredComparison,
  verdict: Verdict,
  { arm, confidence }: { readonly arm: Arm; readonly confidence: number },
): ComparisonResult {
  const { evidence } = verdict;
  const { metric, state, memoryState, threshold, noiseFloors } = comparison;
  // Of the look that decided: later rounds are of comparisons that stayed open.
  const rounds = roundsOf(ledger, comparison).slice(0, evidence.rounds);
  const medianOf = (side: 'head' | 'base'): number | null =>
    medianOfKnown(rounds.map(({ pair }: VersusRound) => (pair === null ? null : valueOf(pair[side], metric))));
  const { ratio, low, high, pairs, dropped, tolerance } = evidence;
  const smallestChange = smallestChangeOf(evidence);
  return {
    ...{ arm: arm.label, state, memoryState, metric },
    ...(arm.work === 'touch' ? { work: arm.work } : {}),
    verdict: kindOf(verdict),
    reason: reasonOf(verdict, judgedName(metric, arm), smallestChange, arm),
    ...{ base: medianOf('base'), head: medianOf('head') },
    ...{ ratio, low, high, confidence: low === null ? null : confidence },
    ...{ n: pairs, baseN: null, dropped, threshold },
    noiseFloor: noiseFloors.at(-1) ?? null,
    tolerance,
    smallestChange,
  };
}

/** What is still open when nothing more will be measured is not known. */
function kindOf({ kind }: Verdict): VerdictKind {
  return kind === 'open' ? 'inconclusive' : kind;
}

function reasonOf(verdict: Verdict, name: string, smallest: number | null, arm: Arm): string {
  const { ratio, high, pairs, tolerance, within, dropped, rounds, headFailures } = verdict.evidence;
  const moved = ratio === null ? '' : change(ratio);
  const of = `${name} is ${moved} over ${counted(pairs, 'pair')}`;
  switch (verdict.kind) {
    case 'regressed':
      return verdict.because === 'failures'
        ? `head failed${arm.kind === 'command' ? '' : ` or gave ${wrongResult(arm)}`} in ${counted(headFailures, 'round')}, base in none`
        : `${of}, beyond ${relative(tolerance)}`;
    case 'improved':
      return `${of}, beyond ${relative(tolerance)}`;
    case 'unchanged':
      return `${of}, and surely less than ${relative(within)} more`;
    case 'open':
    case 'inconclusive':
      if (verdict.kind === 'inconclusive' && verdict.because === 'dropped') {
        return `${dropped} of ${counted(rounds, 'round')} have no valid pair: nothing is concluded from the others`;
      }
      return ratio === null ? `there is no pair of ${name}` : `${of}: ${openSentence(smallest, high)}`;
  }
}

/** What the pairs do say. */
function openSentence(smallest: number | null, high: number | null): string {
  if (smallest === null) return 'too few pairs to show a change of any size';
  return high === null || high <= 1
    ? 'neither a change nor its absence is shown'
    : `only a worsening beyond ${relative(high - 1)} is ruled out`;
}

function stopNotes(end: EndRecord | null): readonly string[] {
  const why: Readonly<Record<EndRecord['stopped'], string>> = {
    complete: '',
    decided: 'Every comparison was decided before the last pair: the run ended there.',
    precision: '',
    'time-budget': 'The time budget was spent before the last pair.',
    interrupted: 'The run was interrupted: this is what its pairs until then say.',
    error: 'An error stopped the run: this is what its pairs until then say.',
  };
  return end === null ? ['The end of the run was not recorded.'] : [why[end.stopped]].filter((note) => note !== '');
}

/** What would decide what stayed open: one sentence, of the comparison that needs the most pairs. */
function openNotes(judged: readonly Judged[], error: number, base: Arm): readonly string[] {
  const open = judged.filter(
    ({ verdict }) =>
      verdict.kind === 'inconclusive' && verdict.because === 'spread' && verdict.evidence.tested >= LEAST_FOR_INTERVAL,
  );
  if (open.length === 0) return [];
  const needs = open.map(({ comparison: { metric, state }, verdict: { evidence } }) => {
    const { tested, belowWithin, pairs } = evidence;
    const values = pairsForUnchanged({ tested, within: belowWithin, error });
    // Where neighbours are alike, two pairs are one value.
    return {
      name: `${metricName(metric, base)} ${state}`,
      pairs: values === null ? null : Math.ceil((values * pairs) / tested),
    };
  });
  const known = needs.filter((need): need is { name: string; pairs: number } => need.pairs !== null);
  const most = known.toSorted((a, b) => b.pairs - a.pairs)[0];
  const less =
    'a wider --threshold, fewer of --metric and --state, a larger model and a quieter machine (--wait-quiet) take fewer';
  if (most === undefined) return [`No number of pairs would show what stayed open as unchanged: ${less}.`];
  return [
    `With such scatter, unchanged takes about ${roundUp(most.pairs)} pairs of ${most.name}, which needs the most: --pairs ${roundUp(most.pairs)}; ${less}.`,
  ];
}

/** To one digit: it is an estimate. */
function roundUp(n: number): number {
  const unit = 10 ** Math.floor(Math.log10(n));
  return Math.ceil(n / unit) * unit;
}

function floorNotes(comparisons: readonly RegisteredComparison[], base: Arm): readonly string[] {
  const timed = comparisons.filter(({ metric }) => !isCounter(metric));
  const unknown = timed.filter(({ noiseFloors }) => noiseFloors.every((floor) => floor === null));
  if (unknown.length === 0) return [];
  if (base.kind === 'command') {
    return ['No noise floor is known of commands: the thresholds alone say what is a change.'];
  }
  const where = [...new Set(unknown.map(({ state, memoryState }) => `${state} (${memoryState})`))].join(', ');
  const what = METRICS.filter((metric) => unknown.some((each) => each.metric === metric)).map((metric) =>
    metricName(metric, base),
  );
  return [
    `No noise floor of ${what.join(', ')} is known here, ${where}: the thresholds alone say what is a change; weighbridge aa MODEL --loader ${base.loader}${base.work === 'touch' ? ' --no-inference' : ''} measures it.`,
  ];
}

/** States that were asked for and not compared. */
function skippedNotes({ run }: Ledger): readonly string[] {
  const compared = run.plan.gate?.comparisons ?? [];
  const missing = run.plan.states.filter((state) => !compared.some((each) => each.state === state));
  return missing.map((state) => `Not compared ${state}: one side reads the device whatever the page cache holds.`);
}
