/** What must be known of a run of `claims` beside its figures: what is missing, and what would bring it. */
import { counted, enumeration, size } from '../report/format.js';
import { wantsValues } from '../statistics/claims-bounds.js';
import type { ClaimResult } from '../statistics/claims-types.js';
import { budgetFor, paceOf, type Pace } from './claims-budget.js';
import { fits, warmCopyBytes, type Needs } from './claims-needs.js';
import type { WeighedPart } from './claims-parts.js';

export interface Weighing {
  readonly rounds: number;
  readonly needs: Needs;
  readonly interrupted: boolean;
}

export function notesOf(
  { rounds, needs, interrupted }: Weighing,
  weighed: readonly WeighedPart[],
  results: readonly ClaimResult[],
): readonly string[] {
  return [
    ...(interrupted ? [] : valueNotes(rounds, needs.budgetSeconds, weighed, results)),
    ...(fits(warmCopyBytes(needs), needs)
      ? []
      : [
          `Warm copies were left out: with the file cached they need ${size(warmCopyBytes(needs))}, ${size(needs.availableBytes ?? 0)} are available. The loads in a row (claim 6) show what becomes of a copy and its cached file.`,
        ]),
    ...missingNotes(weighed),
  ];
}

/** Which claims have too few values, and how many rounds, or which budget by what these parts took, would do. */
function valueNotes(
  rounds: number,
  budgetSeconds: number,
  weighed: readonly WeighedPart[],
  results: readonly ClaimResult[],
): readonly string[] {
  const short = results.filter(wantsValues).map(({ number }) => String(number));
  if (short.length === 0) return [];
  const which = `${short.length === 1 ? 'Claim' : 'Claims'} ${enumeration(short)} ${short.length === 1 ? 'has' : 'have'} too few values for a verdict.`;
  const needed = Math.max(...weighed.map(({ plan }) => plan.needed));
  const paces = weighed
    .filter(({ hadShare }) => hadShare)
    .map(({ plan, result, seconds }): Pace => {
      const wanted = { ...plan, rounds: Math.max(plan.rounds, plan.needed) };
      const pace = result === null ? null : paceOf(wanted, result.ledger, seconds);
      // Found out only when its turn came, it has a share of the time and takes nothing of it.
      return pace ?? { plan: { ...plan, needed: 1 }, rounds: 0, firstSeconds: 0, roundSeconds: 0 };
    });
  const cut = weighed.some(({ plan, result }) => !plan.isExtra && result?.stopped === 'time-budget');
  const budget = budgetFor(paces, budgetSeconds);
  const would = [
    ...(rounds < needed ? [`--rounds ${needed}`] : []),
    ...(cut || budget > budgetSeconds + 10 ? [`--time-budget ${budget}`] : []),
  ];
  if (would.length === 0) return [which];
  return [
    `${which} By what the parts took here, ${would.join(' with ')} would suffice (this run had ${counted(rounds, 'round')} and ${Math.round(budgetSeconds)} s).`,
  ];
}

/** Parts that were not weighed, by why. */
function missingNotes(weighed: readonly WeighedPart[]): readonly string[] {
  const reasons = new Map<string, string[]>();
  for (const { plan, outcome } of weighed) {
    if (outcome.kind === 'ran') continue;
    reasons.set(outcome.why, [...(reasons.get(outcome.why) ?? []), plan.name]);
  }
  return [...reasons].map(
    ([why, names]) => `Not weighed: ${names.length === 1 ? 'part' : 'parts'} ${enumeration(names)} (${why}).`,
  );
}
