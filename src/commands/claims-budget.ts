/** How long the parts of the claims take: reckoned before they run, and as they really took. Seconds. */
import type { Ledger } from '../samples/record.js';
import type { PartPlan } from './claims-plan.js';

const LEAST_SHARE = 1;

/**
 * Of what is left of the time, the part that begins may take its share by weight, and no less than a second. Extra parts
 * take what the others leave, and nothing of theirs.
 */
export function shareOf(left: number, plan: PartPlan, plans: readonly PartPlan[]): number {
  const later = plans.slice(plans.indexOf(plan)).filter(({ isExtra }) => isExtra === plan.isExtra);
  return Math.max(LEAST_SHARE, (left * plan.weight) / weightOf(later));
}

/** What must be left for a part to begin: of an extra part as much as would be its share of the whole, of others nothing. */
export function roomFor(budget: number, plan: PartPlan, plans: readonly PartPlan[]): number {
  return plan.isExtra ? (budget * plan.weight) / weightOf(plans) : -Infinity;
}

const weightOf = (plans: readonly PartPlan[]): number => plans.reduce((sum, { weight }) => sum + weight, 0);

/** A process, its states prepared, its memory probed: on a machine of two CPUs 0.3 to 0.5 s. */
const SECONDS_A_PROCESS = 0.4;
/** Read or touched once for each sample, however many processes it has: at 2 GB/s. */
const SECONDS_A_BYTE = 0.5e-9;

/** Of the first round of every part that a verdict rests on, which always runs, memory pass included. */
export function leastSeconds(plans: readonly PartPlan[], modelBytes: number): number {
  const always = plans.filter(({ isExtra }) => !isExtra);
  return always.reduce((sum, { loaders, commands, processes, loads, memoryRounds }) => {
    const each = (loaders.length + commands.length) * (loads + memoryRounds);
    const started = processes.reduce((total, count) => total + count, 0);
    return sum + each * (started * SECONDS_A_PROCESS + processes.length * modelBytes * SECONDS_A_BYTE);
  }, 0);
}

/** What a part took: to the end of its first round, memory pass included, and for each round after it. */
export interface Pace {
  readonly plan: PartPlan;
  readonly rounds: number;
  readonly firstSeconds: number;
  readonly roundSeconds: number;
}

/** Null without a complete round. `seconds` is what all of the part took. */
export function paceOf(plan: PartPlan, { samples, end }: Ledger, seconds: number): Pace | null {
  const spans: number[] = [];
  let began: { readonly round: number; readonly at: number } | null = null;
  const until = (at: number): void => {
    if (began !== null) spans[began.round - 1] = (at - began.at) / 1000;
    began = null;
  };
  for (const { pass, round, startedAt } of samples) {
    const at = Date.parse(startedAt);
    if (began !== null && (pass !== 'time' || round !== began.round)) until(at);
    if (pass === 'time' && began === null) began = { round, at };
  }
  if (end !== null) until(Date.parse(end.endedAt));
  const known = spans.filter((span) => Number.isFinite(span));
  if (known.length === 0) return null;
  const roundSeconds = known.reduce((sum, span) => sum + span, 0) / known.length;
  return { plan, rounds: spans.length, firstSeconds: seconds - (spans.length - 1) * roundSeconds, roundSeconds };
}

/** A budget must suffice on another day as well. */
const SPARE = 1.15;
const STEP = 10;
const MOST = 1e6;

/**
 * The least budget, in tens of seconds, that gives every one of these parts the rounds from which its claims have an
 * interval, were they to take as long again. `budget` is the one that did not.
 */
export function budgetFor(paces: readonly Pace[], budget: number): number {
  let enough = Math.ceil(budget / STEP) * STEP;
  while (enough < MOST && !suffices(paces, enough / SPARE)) enough += STEP;
  return enough;
}

function suffices(paces: readonly Pace[], budget: number): boolean {
  const plans = paces.map(({ plan }) => plan);
  let spent = 0;
  for (const { plan, firstSeconds, roundSeconds } of paces) {
    const more = Math.floor((shareOf(budget - spent, plan, plans) - firstSeconds) / roundSeconds);
    const rounds = 1 + Math.min(plan.rounds - 1, Math.max(0, more));
    if (rounds < Math.min(plan.needed, plan.rounds)) return false;
    spent += firstSeconds + (rounds - 1) * roundSeconds;
  }
  return true;
}
