import test from 'ava';
import { abVerdict } from '../../src/gate/ab-verdict.js';
import { decisionRule, judgeRun } from '../../src/gate/judge-run.js';
import { verdictView } from '../../src/gate/verdict-view.js';
import { looksFor, register, usualThresholds } from '../../src/gate/register.js';
import { arm, ledger, ok, reason, without } from '../statistics/ledger-builder.js';
import { base, gateLedger, head, pairs } from './gate-ledger.js';

test('the looks double from 10 on, and the last is of all pairs', (t) => {
  t.deepEqual(looksFor(10, 1), [10]);
  t.deepEqual(looksFor(20, 1), [10, 20]);
  t.deepEqual(looksFor(30, 1), [10, 20, 30]);
  t.deepEqual(looksFor(40, 1), [10, 20, 40]);
  t.deepEqual(looksFor(100, 1), [10, 20, 40, 80, 100]);
});

test('a look at which no comparison could be decided is none', (t) => {
  // With three looks, ten signs alike (p 1/1024) suffice for three comparisons, and no more.
  t.deepEqual(looksFor(40, 3), [10, 20, 40]);
  t.deepEqual(looksFor(40, 4), [20, 40]);
  t.deepEqual(looksFor(40, 14), [20, 40]);
  t.deepEqual(looksFor(12, 40), [12]);
  for (const comparisons of [1, 5, 50, 5000]) {
    const looks = looksFor(320, comparisons);
    t.true(2 ** -looks[0]! <= 0.01 / looks.length / comparisons, `${comparisons}: ${looks.join(' ')}`);
  }
});

const verdicts = [
  { name: 'a slower head', samples: pairs(40, 0.2), verdict: 'regressed' },
  { name: 'a faster head', samples: pairs(40, -0.2), verdict: 'improved' },
  { name: 'equals', samples: pairs(40, 0), verdict: 'unchanged' },
  { name: 'less than the threshold', samples: pairs(40, 0.03), verdict: 'unchanged' },
  { name: 'scatter beyond it', samples: pairs(40, 0, [head, base], 0.3), verdict: 'inconclusive' },
  { name: 'four pairs', samples: pairs(4, 0.5), verdict: 'inconclusive' },
  { name: 'no pair', samples: [], verdict: 'inconclusive' },
] as const;

for (const { name, samples, verdict } of verdicts) {
  test(`${name}: ${verdict}, with the smallest change that could have been seen`, (t) => {
    const file = abVerdict(gateLedger({ samples }));
    t.is(file.verdict, verdict);
    t.is(file.comparisons.length, 1);
    const [only] = file.comparisons;
    t.is(only?.verdict, verdict);
    if (samples.length >= 80) t.true((only?.smallestChange ?? 0) >= 0.05);
    else t.is(only?.smallestChange, null);
    t.true((only?.reason ?? '').length > 0);
  });
}

test('a noise floor above the threshold is what a change must pass', (t) => {
  const samples = pairs(40, 0.2);
  t.is(abVerdict(gateLedger({ samples, floor: 0.1 })).verdict, 'regressed');
  t.is(abVerdict(gateLedger({ samples, floor: 0.3 })).verdict, 'unchanged');
  t.regex(abVerdict(gateLedger({ samples })).notes.join('\n'), /weighbridge aa MODEL --loader read/);
  t.notRegex(abVerdict(gateLedger({ samples, floor: 0.1 })).notes.join('\n'), /weighbridge aa/);
});

test('what stays open is told the pairs that would decide it, and what needs fewer', (t) => {
  const notes = (scatter: number, count = 40): string =>
    abVerdict(gateLedger({ samples: pairs(count, 0, [head, base], scatter) })).notes.join('\n');
  t.notRegex(notes(0.005), /takes about/);
  t.regex(notes(0.3), /No number of pairs would show .*--threshold/);
  const samples = Array.from({ length: 40 }, (_, round) => [
    ok({ arm: base, round }, { ttftNs: 20_000_000 }),
    ok({ arm: head, round }, { ttftNs: round % 3 === 0 ? 26_000_000 : 20_000_000 + round }),
  ]).flat();
  const [, n] =
    /about (\d+) pairs of first token warm.*--pairs \1;/.exec(abVerdict(gateLedger({ samples })).notes.join('\n')) ??
    [];
  t.true(Number(n) > 40 && Number(n) < 1000, n);
  t.notRegex(notes(0.3, 5), /pairs would|takes about/, 'five pairs tell nothing of scatter');
  t.notRegex(abVerdict(gateLedger({ samples: [], stopped: 'interrupted' })).notes.join('\n'), /number of pairs/);
});

test('what is unchanged within a noise floor is not said to be within its threshold', (t) => {
  const headline = (floor: number | null): string =>
    verdictView(abVerdict(gateLedger({ samples: pairs(40, 0), floor }))).headline;
  t.regex(headline(null), /^Unchanged: nothing is worse by more than its threshold\.$/);
  t.regex(headline(0.3), /^Unchanged: .* threshold, or its noise floor where that is higher\.$/);
});

test('medians are of the rounds that the verdict is of, not of those that others needed', (t) => {
  const slower = Array.from({ length: 20 }, (_, index) =>
    [base, head].map((side) => ok({ arm: side, round: index + 11 }, { ttftNs: 90_000_000 })),
  ).flat();
  const file = abVerdict(gateLedger({ samples: [...pairs(10, 0), ...slower] }));
  t.like(file.comparisons[0], { n: 10, base: 20_000_000 });
});

test('a head that fails twice where base never does has regressed', (t) => {
  const failing = [1, 2].map((round) => without('failed', { arm: head, round }, reason('crashed')));
  const good = [1, 2].map((round) => ok({ arm: base, round }));
  const file = abVerdict(gateLedger({ samples: [...failing, ...good] }));
  t.is(file.verdict, 'regressed');
  t.regex(file.comparisons[0]?.reason ?? '', /failed or gave other logits in 2 rounds, base in none/);
});

test('the run ends at the look that decides everything, and not before one', (t) => {
  const rule = (samples: readonly ReturnType<typeof ok>[] | ReturnType<typeof pairs>): boolean => {
    const { run } = gateLedger({ samples: [] });
    return decisionRule(run)?.({ samples, groups: [] }) ?? false;
  };
  t.false(rule(pairs(9, 0.5)));
  t.true(rule(pairs(10, 0.5)));
  t.true(rule(pairs(10, 0)));
  t.false(rule(pairs(10, 0, [head, base], 0.3)));
  t.true(rule(pairs(40, 0, [head, base], 0.3)));
  t.is(decisionRule(ledger({ arms: [base, head], samples: [] }).run), null);
});

test('what both sides tell is registered, of each state that both have, before anything is seen', (t) => {
  const planned = (arms: readonly ReturnType<typeof arm>[]) => {
    const { run } = ledger({ arms, samples: [], states: ['cold', 'warm'] });
    return { plan: { ...run.plan, arms: arms.map(({ id }) => id) }, arms: run.arms };
  };
  const registered = (arms: readonly ReturnType<typeof arm>[], metrics: readonly 'ttft'[] | null = null) =>
    register(planned(arms), { metrics, thresholds: usualThresholds(0.05), pairs: 40, floorOf: () => null }).comparisons;
  t.is(registered([base, head]).length, 14);
  t.is(registered([base, head], ['ttft']).length, 2);
  const direct = arm('direct', { options: {} });
  t.deepEqual([...new Set(registered([base, direct]).map(({ state }) => state))], ['cold']);
  const silent = arm('mute', { generate: 0 });
  t.false(registered([base, silent]).some(({ metric }) => metric === 'decode'));
  const command = { argv: ['true'], output: 'first-byte', pattern: null } as const;
  const programs = ['base', 'head'].map((name) => arm(name, { kind: 'command', work: 'command', command }));
  t.deepEqual(
    registered(programs).flatMap(({ metric, state }) => (state === 'cold' ? [metric] : [])),
    ['wall', 'first-byte', 'read-bytes', 'faults', 'peak-memory'],
  );
  t.throws(() => registered([base]), { instanceOf: RangeError });
});

test('a counter that grew by a little is a regression, whatever the times do', (t) => {
  const withTables = (of: typeof head, round: number, tables: number) => {
    const sample = ok({ arm: of, round });
    const { memory } = sample;
    if (memory === null) throw new Error('no memory');
    return {
      ...sample,
      memory: { ...memory, end: { ...memory.end, pageTables: memory.baseline.pageTables! + tables } },
    };
  };
  const samples = Array.from({ length: 40 }, (_, index) => [
    withTables(base, index + 1, 2 ** 22),
    withTables(head, index + 1, 1.2 * 2 ** 22),
  ]).flat();
  const file = abVerdict(gateLedger({ samples, metrics: ['ttft', 'page-tables'] }));
  t.is(file.comparisons.find(({ metric }) => metric === 'page-tables')?.verdict, 'regressed');
  t.is(file.comparisons.find(({ metric }) => metric === 'ttft')?.verdict, 'unchanged');
  const few = Array.from({ length: 40 }, (_, index) => [
    withTables(base, index + 1, 0),
    withTables(head, index + 1, 4096),
  ]).flat();
  t.is(abVerdict(gateLedger({ samples: few, metrics: ['page-tables'] })).verdict, 'unchanged', 'a page is nothing');
});

test('a run that could stop by its precision, and one that registered nothing, is never judged', (t) => {
  const judged = gateLedger({ samples: pairs(40, 0) });
  const exploring = { ...judged, run: { ...judged.run, plan: { ...judged.run.plan, precision: 0.05 } } };
  t.throws(() => judgeRun(exploring), { instanceOf: RangeError, message: /explores/ });
  t.throws(() => judgeRun(ledger({ arms: [base, head], samples: pairs(40, 0) })), { instanceOf: RangeError });
});

test('an interrupted run says so, and what its pairs say stays open', (t) => {
  const file = abVerdict(gateLedger({ samples: pairs(7, 0.5), stopped: 'interrupted' }));
  t.is(file.verdict, 'inconclusive');
  t.regex(file.notes[0] ?? '', /interrupted/);
});
