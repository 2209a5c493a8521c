import test from 'ava';
import type { Sample } from '../../src/samples/record.js';
import { pairsOf } from '../../src/statistics/pairs.js';
import { arm, excluded, ok, reason, without, type Position } from './ledger-builder.js';

const head = arm('mmap-shared');
const base = arm('cxx-stream');

const ttft = (pairs: ReturnType<typeof pairsOf>): (number | null)[][] =>
  pairs.map((pair) => [pair.head.ttftNs, pair.base.ttftNs]);

const at = (of: typeof head, ttftNs: number, where: Partial<Position> = {}): Sample =>
  ok({ arm: of, ...where }, { ttftNs });

test('samples of one block are a pair, in the order of the head', (t) => {
  const heads = [at(head, 1, { round: 2 }), at(head, 2, { round: 1 })];
  const bases = [at(base, 10, { round: 1 }), at(base, 20, { round: 2 })];
  t.deepEqual(ttft(pairsOf(heads, bases)), [
    [1, 20],
    [2, 10],
  ]);
});

const apart: readonly { readonly what: string; readonly where: Partial<Position> }[] = [
  { what: 'blocks', where: { block: 2 } },
  { what: 'rounds', where: { round: 2 } },
  { what: 'attempts', where: { attempt: 1 } },
  { what: 'states', where: { state: 'cold' } },
  { what: 'memory states', where: { memoryState: 'returned' } },
];

for (const { what, where } of apart) {
  test(`never across ${what}`, (t) => {
    t.deepEqual(pairsOf([at(head, 1)], [at(base, 10, where)]), []);
  });
}

test('never across models, nor across loads', (t) => {
  t.deepEqual(pairsOf([at(head, 1)], [at(arm('cxx-stream', { model: 'model-b' }), 10)]), []);
  t.deepEqual(pairsOf([ok({ arm: head }, {}, { load: 2 })], [at(base, 10)]), []);
});

test('never from the memory pass', (t) => {
  t.deepEqual(pairsOf([ok({ arm: head, pass: 'memory' })], [ok({ arm: base, pass: 'memory' })]), []);
});

test('a retried pair replaces the earlier one, whatever their order in the ledger', (t) => {
  const heads = [at(head, 1), at(head, 2, { attempt: 1 })];
  const bases = [at(base, 10), at(base, 20, { attempt: 1 })];
  t.deepEqual(ttft(pairsOf(heads, bases)), [[2, 20]]);
  t.deepEqual(ttft(pairsOf(heads.toReversed(), bases.toReversed())), [[2, 20]]);
});

test('a retry that failed leaves the earlier pair', (t) => {
  const heads = [at(head, 1), excluded('invalid', { arm: head, attempt: 1 }, {}, reason('warm-read'))];
  const bases = [at(base, 10), at(base, 20, { attempt: 1 })];
  t.deepEqual(ttft(pairsOf(heads, bases)), [[1, 10]]);
});

test('an ok sample whose partner was excluded has no pair until both are retried', (t) => {
  const invalid = excluded('invalid', { arm: head }, { ttftNs: 1 }, reason('warm-read'));
  t.deepEqual(pairsOf([invalid], [at(base, 10)]), []);
  t.deepEqual(pairsOf([invalid, at(head, 2, { attempt: 1 })], [at(base, 10)]), []);
  t.deepEqual(ttft(pairsOf([invalid, at(head, 2, { attempt: 1 })], [at(base, 10), at(base, 20, { attempt: 1 })])), [
    [2, 20],
  ]);
  t.deepEqual(pairsOf([without('failed', { arm: head }, reason('signal'))], [at(base, 10)]), []);
});
