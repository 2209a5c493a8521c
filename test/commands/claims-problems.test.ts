import test from 'ava';
import { partPlans } from '../../src/commands/claims-plan.js';
import { problemsOf } from '../../src/commands/claims-problems.js';
import type { WeighedPart } from '../../src/commands/claims-parts.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { ClaimPart } from '../../src/statistics/claims-types.js';
import { arm, ledger, ok, reason, without } from '../statistics/ledger-builder.js';

const copy = arm('stdio');

/** A part with a sample that is ok, and one that failed so. */
function part(name: ClaimPart, code: string): Pick<WeighedPart, 'plan' | 'result'> {
  const plan = partPlans(10).find((each) => each.name === name);
  if (plan === undefined) throw new Error(`no part ${name}`);
  const samples = [ok({ arm: copy, round: 1 }), without('failed', { arm: copy, round: 2 }, reason(code))];
  const made = ledger({ arms: [copy], samples });
  return { plan, result: { ledger: made, summary: summarize(made) } as WeighedPart['result'] };
}

test('a copy that is killed under the limit is what the part about harm shows, and no problem', (t) => {
  t.deepEqual(problemsOf([part('harm', 'out-of-memory')]), []);
});

test('any other failure is a problem, in the part about harm as well', (t) => {
  t.deepEqual(problemsOf([part('harm', 'io-error'), part('warm', 'out-of-memory')]), [
    'harm: 1 sample failed, 0 gave other logits',
    'warm: 1 sample failed, 0 gave other logits',
  ]);
});

test('a part that was not weighed has no problems of its own', (t) => {
  t.deepEqual(problemsOf([{ ...part('harm', 'io-error'), result: null }]), []);
});
