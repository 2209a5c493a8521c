import test from 'ava';
import { claimOf, pairsForClaim } from '../../src/statistics/claim.js';

const all = (n: number, value: number): readonly number[] => Array.from({ length: n }, () => value);

test('fewer than six pairs prove nothing, however clear they look', (t) => {
  for (const n of [1, 2, 3, 4, 5]) t.deepEqual(claimOf(all(n, 0.01), 1), { kind: 'too-few', pairsNeeded: 6 });
});

test('six pairs on one side of 1 prove one comparison: 1 − 2 ÷ 64', (t) => {
  t.deepEqual(claimOf([0.5, 0.4, 0.9, 0.6, 0.7, 0.8], 1), {
    kind: 'faster',
    interval: { low: 0.4, high: 0.9, confidence: 0.96875 },
  });
  t.is(claimOf(all(6, 1.1), 1).kind, 'slower');
  t.is(claimOf([0.5, 0.5, 0.5, 0.5, 0.5, 1], 1).kind, 'open');
});

// 1 − 2^(1−n) ≥ 1 − 0.05 ÷ m, by hand: 2^-5 ≤ 0.05, 2^-6 ≤ 0.025, 2^-8 ≤ 0.05 ÷ 8, 2^-9 ≤ 0.05 ÷ 24.
for (const [comparisons, pairs] of [
  [1, 6],
  [2, 7],
  [3, 7],
  [4, 8],
  [8, 9],
  [24, 10],
] as const) {
  test(`${comparisons} comparisons at once take ${pairs} pairs`, (t) => {
    t.is(pairsForClaim(comparisons), pairs);
    t.deepEqual(claimOf(all(pairs - 1, 0.5), comparisons), { kind: 'too-few', pairsNeeded: pairs });
    t.is(claimOf(all(pairs, 0.5), comparisons).kind, 'faster');
  });
}

test('one pair against the others is forgiven only where the confidence allows', (t) => {
  // 9 pairs without the outermost two: 1 − 2 × 10 ÷ 512 = 96.1 %, enough for one comparison, not for two.
  const ratios = [...all(8, 0.5), 1.5];
  t.is(claimOf(ratios, 1).kind, 'faster');
  t.is(claimOf(ratios, 2).kind, 'open');
});

test('no comparisons is a mistake', (t) => {
  t.throws(() => claimOf([1], 0), { instanceOf: RangeError });
});
