import test from 'ava';
import type { Sample } from '../../src/samples/record.js';
import { logRatiosOf, outcomesOf, roundsOf } from '../../src/statistics/comparison.js';
import { armOf, group, ledgerOf } from './group-builder.js';
import { arm, excluded, ledger, ok, reason, without, type Position } from './ledger-builder.js';

const base = arm('stdio');
const head = arm('mmap-shared');
const versus = { head: head.id, base: base.id, state: 'warm', memoryState: 'backed' } as const;

const at = (of: typeof head, round: number, ttftNs: number, where: Partial<Position> = {}): Sample =>
  ok({ arm: of, round, ...where }, { ttftNs, completeNs: 2 * ttftNs });
const outcomes = (samples: readonly Sample[], metric: 'ttft' | 'complete' | 'decode' = 'ttft') =>
  outcomesOf(roundsOf(ledger({ arms: [base, head], samples }), versus), metric);

test('each round of head gives the log ratio of its pair, in run order, of any metric', (t) => {
  const samples = [at(base, 1, 100), at(head, 1, 200), at(head, 2, 50), at(base, 2, 100)];
  t.deepEqual(outcomes(samples), [
    { kind: 'pair', difference: Math.log(2) },
    { kind: 'pair', difference: Math.log(0.5) },
  ]);
  t.deepEqual(outcomes(samples, 'complete'), outcomes(samples));
});

test('of tokens a second less is worse', (t) => {
  const fast = ok({ arm: base }, {}, { tokensPerSecond: { prefill: 1, decode: 20 } });
  const slow = ok({ arm: head }, {}, { tokensPerSecond: { prefill: 1, decode: 10 } });
  const [round] = outcomes([fast, slow], 'decode');
  t.is(round?.kind, 'pair');
  t.true(round?.kind === 'pair' && Math.abs(round.difference - Math.log(2)) < 1e-12);
});

test('a round whose sample stayed invalid is dropped, a retried one is not', (t) => {
  const invalid = (round: number, attempt: number): Sample =>
    excluded('invalid', { arm: head, round, attempt }, {}, reason('warm-read'));
  t.deepEqual(outcomes([at(base, 1, 100), invalid(1, 0), invalid(1, 1), invalid(1, 2)]), [{ kind: 'dropped' }]);
  const retried = [at(base, 1, 100), invalid(1, 0), at(base, 1, 100, { attempt: 1 }), at(head, 1, 110, { attempt: 1 })];
  t.is(outcomes(retried)[0]?.kind, 'pair');
});

test('a metric that a sample does not have drops its round', (t) => {
  t.deepEqual(outcomes([at(base, 1, 100), ok({ arm: head, round: 1 }, { ttftNs: null })]), [{ kind: 'dropped' }]);
});

test('a side that failed or gave other logits has failed, whichever it is', (t) => {
  const failing = (of: typeof head): Sample => without('failed', { arm: of }, reason('crashed'));
  t.deepEqual(outcomes([at(base, 1, 100), failing(head)]), [{ kind: 'failed', head: true, base: false }]);
  t.deepEqual(outcomes([failing(base), at(head, 1, 100)]), [{ kind: 'failed', head: false, base: true }]);
  const mismatch = excluded('mismatch', { arm: head }, {}, reason('logits'));
  t.deepEqual(outcomes([at(base, 1, 100), mismatch]), [{ kind: 'failed', head: true, base: false }]);
});

test('other states, the memory pass and other arms are no rounds', (t) => {
  const samples = [
    ...[at(base, 1, 100), at(head, 1, 100)],
    ...[at(base, 2, 100, { state: 'cold' }), at(head, 2, 100, { state: 'cold' })],
    ...[at(base, 3, 100, { pass: 'memory' }), at(head, 3, 100, { pass: 'memory' })],
    at(arm('direct'), 4, 100),
  ];
  t.is(outcomes(samples).length, 1);
  t.is(logRatiosOf(roundsOf(ledger({ arms: [base, head], samples }), versus), 'ttft').length, 1);
});

test('of several processes the groups pair, the slowest of each for its time', (t) => {
  const [stdio, map] = [armOf('stdio', 3), armOf('mmap-shared', 3)];
  // The last process of each is not the slowest.
  const of = ledgerOf(
    [stdio, map],
    [],
    [group({ arm: stdio }, [10e6, 40e6, 20e6]), group({ arm: map }, [80e6, 30e6, 20e6])],
  );
  const rounds = roundsOf(of, { head: map.id, base: stdio.id, state: 'warm', memoryState: 'backed' });
  t.deepEqual(logRatiosOf(rounds, 'ttft'), [Math.log(2)]);
});

test('a run that could stop by its own ratios is never taken', (t) => {
  const { run, ...rest } = ledger({ arms: [base, head], samples: [at(base, 1, 100), at(head, 1, 200)] });
  const precise = { ...rest, run: { ...run, plan: { ...run.plan, precision: 0.05 } } };
  t.throws(() => roundsOf(precise, versus), { instanceOf: RangeError, message: /explores/ });
});
