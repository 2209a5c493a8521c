import test from 'ava';
import { notesOf } from '../../src/commands/claims-notes.js';
import type { WeighedPart } from '../../src/commands/claims-parts.js';
import { partPlans } from '../../src/commands/claims-plan.js';
import type { RunResult } from '../../src/pipeline.js';
import type { ClaimResult } from '../../src/statistics/claims-types.js';
import { arm, ledger, ok } from '../statistics/ledger-builder.js';

const [warm, cold, ...others] = partPlans(9);
const needs = {
  ...{ modelBytes: 1e6, writeTo: null, outDirectory: '/runs', bystanderBytes: 1e6, availableBytes: null },
  ...{ sessionBytes: 1e6, budgetSeconds: 60 },
};

/** A claim of which two values are known, and six are wanted. */
const bounds = { median: 2, low: 1, high: 3, confidence: null, n: 2, values: [1, 3] };
const short = { number: 1, measures: [{ decides: true, bounds }] } as unknown as ClaimResult;

/** Two rounds of five seconds each, in a part that took 15 s, and that the budget ended. */
function ran(plan: WeighedPart['plan']): WeighedPart {
  const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString();
  const read = arm('read');
  const end = { kind: 'end', endedAt: at(15), stopped: 'time-budget', message: null } as const;
  const samples = [5, 10].map((second, index) => ({ ...ok({ arm: read, round: index + 1 }), startedAt: at(second) }));
  const made = ledger({ arms: [read], samples, ledger: { end } });
  const result = { ledger: made, stopped: 'time-budget' } as unknown as RunResult;
  const outcome = { kind: 'ran', ledger: made } as const;
  return { plan, directory: '', outcome, result, seconds: 15, failure: null, interrupted: false, hadShare: true };
}

const refused =
  (hadShare: boolean) =>
  (plan: WeighedPart['plan']): WeighedPart => ({
    ...{ plan, directory: '', outcome: { kind: 'cannot', why: 'no groups' }, result: null, seconds: 0 },
    ...{ failure: null, interrupted: false, hadShare },
  });

function budgetOf(parts: readonly WeighedPart[]): number {
  const [note = ''] = notesOf({ rounds: 9, needs, interrupted: false }, parts, [short]);
  return Number(/--time-budget (\d+)/.exec(note)?.[1]);
}

test('the budget that would do keeps no time for parts that this machine cannot weigh', (t) => {
  const weighed = [ran(warm!), ran(cold!)];
  const least = budgetOf(weighed);
  t.true(least > 60, String(least));
  t.is(budgetOf([...weighed, ...others.map(refused(false))]), least);
  t.true(budgetOf([...weighed, ...others.map(refused(true))]) > least);
});
