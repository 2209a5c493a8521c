import test from 'ava';
import { budgetFor, leastSeconds, paceOf, roomFor, shareOf, type Pace } from '../../src/commands/claims-budget.js';
import { partPlans } from '../../src/commands/claims-plan.js';
import { arm, ledger, ok } from '../statistics/ledger-builder.js';

const plans = partPlans(10);
const [warm, cold] = plans;

test('what takes time at least grows with the model, and not with the rounds that may be left out', (t) => {
  t.is(leastSeconds(partPlans(10), 1e8), leastSeconds(partPlans(100), 1e8));
  const own = plans.filter(({ isExtra }) => !isExtra);
  t.true(own.length < plans.length);
  t.is(leastSeconds(plans, 1e8), leastSeconds(own, 1e8), 'nor with parts that may be left out');
  t.true(leastSeconds(plans, 1e9) > 1.5 * leastSeconds(partPlans(10), 1e8));
});

test('the pace of a part is that of its complete rounds; what is left was before them', (t) => {
  const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString();
  const map = arm('mmap-shared');
  const made = ledger({
    arms: [map],
    samples: [
      { ...ok({ arm: map, round: 1 }), startedAt: at(10) },
      { ...ok({ arm: map, round: 1, pass: 'memory' }), startedAt: at(14) },
      { ...ok({ arm: map, round: 2 }), startedAt: at(20) },
      { ...ok({ arm: map, round: 3 }), startedAt: at(24) },
    ],
  });
  const end = { kind: 'end', endedAt: at(28), stopped: 'time-budget', message: null } as const;
  t.like(paceOf(warm!, { ...made, end }, 30), { rounds: 3, roundSeconds: 4, firstSeconds: 22 });
  t.is(paceOf(warm!, { ...made, samples: [], end }, 30), null);
});

test('the budget that would suffice gives each part the rounds that it needs, and little more', (t) => {
  const paces = [warm!, cold!].map((plan): Pace => ({ plan, rounds: 1, firstSeconds: 10, roundSeconds: 5 }));
  const budget = budgetFor(paces, 20);
  // Seven rounds of each are 40 s, and shares go by weight.
  t.true(budget >= 80 && budget <= 160, String(budget));
  const first = shareOf(budget, warm!, [warm!, cold!]);
  t.true(first >= 40, String(first));
  t.is(budgetFor(paces, 1000), 1000);
});

test('parts that no verdict rests on take what the others leave, and nothing of theirs', (t) => {
  const [first, extra] = [plans[0]!, plans.find(({ isExtra }) => isExtra)!];
  const own = plans.filter(({ isExtra }) => !isExtra);
  t.is(shareOf(100, first, plans), shareOf(100, first, own));
  t.is(shareOf(100, plans.at(-1)!, plans), 100);
  t.true(
    own.every((plan) => roomFor(600, plan, plans) < 0),
    'what verdicts rest on is weighed in any case',
  );
  const wanted = roomFor(600, extra, plans);
  t.true(wanted > 1 && wanted < 300, String(wanted));
});
