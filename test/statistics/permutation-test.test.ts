import test from 'ava';
import { permutationTest } from '../../src/statistics/permutation-test.js';
import { random, reordered } from './random.js';

test('values that lie wholly apart: all 252 divisions are tried, and few are as extreme', (t) => {
  const { pSlower, pFaster, exact, tried, ratio } = permutationTest([20, 24, 28, 32, 36], [1, 2, 3, 4, 5], 1);
  t.true(exact);
  t.is(tried, 252);
  // Head must hold 28, 32 and 36, base 1, 2 and 3; of the other four any two may be head's.
  t.is(pSlower, 6 / 252);
  t.is(pFaster, 1);
  t.is(ratio.toFixed(10), (28 / 3).toFixed(10));
});

test('small ones as counted by hand: of the 6 ways to divide 1 2 4 8, those whose medians are as far apart', (t) => {
  // Log2 medians of {4, 8} less {1, 2}: 2.5 − 0.5 = 2; of the others 1, 0, 0, −1, −2.
  t.like(permutationTest([4, 8], [1, 2], 1), { pSlower: 1 / 6, pFaster: 1, exact: true, tried: 6 });
  t.like(permutationTest([2, 8], [1, 4], 1), { pSlower: 2 / 6, pFaster: 5 / 6 });
  t.like(permutationTest([3], [1, 2, 4, 8], 1), { exact: true, tried: 5 });
});

test('order and unit do not matter, and to trade places swaps the tails', (t) => {
  const draw = random(9);
  const head = Array.from({ length: 8 }, () => Math.exp(0.1 + 0.1 * draw.normal()));
  const base = Array.from({ length: 7 }, () => Math.exp(0.1 * draw.normal()));
  const there = permutationTest(head, base, 1);
  const again = permutationTest(reordered(head, draw), reordered(base, draw), 2);
  t.is(again.pSlower, there.pSlower);
  const seconds = permutationTest(
    head.map((v) => v * 1e9),
    base.map((v) => v * 1e9),
    1,
  );
  t.is(seconds.pSlower, there.pSlower);
  const back = permutationTest(base, head, 1);
  t.is(back.pFaster, there.pSlower);
  t.true(Math.abs(back.ratio * there.ratio - 1) < 1e-12);
});

test('too many divisions are drawn at random: seeded, never 0, and near the exact answer', (t) => {
  const draw = random(4);
  const sample = (n: number, shift: number): number[] =>
    Array.from({ length: n }, () => Math.exp(shift + 0.1 * draw.normal()));
  const [head, base] = [sample(30, 0.2), sample(30, 0)];
  const drawn = permutationTest(head, base, 5);
  t.false(drawn.exact);
  t.deepEqual(permutationTest(head, base, 5), drawn);
  t.true(drawn.pSlower > 0 && drawn.pSlower < 0.001);
});

test('equals are called slower at 5 % in 5 of 100 cases or fewer', (t) => {
  const draw = random(6);
  let alarms = 0;
  for (let run = 0; run < 400; run += 1) {
    const values = Array.from({ length: 12 }, () => Math.exp(draw.heavy()));
    if (permutationTest(values.slice(0, 6), values.slice(6), 1).pSlower <= 0.05) alarms += 1;
  }
  t.true(alarms / 400 < 0.08, `${alarms} of 400`);
});

test('nothing, and what has no logarithm, is refused', (t) => {
  for (const [head, base] of [
    [[], [1]],
    [[1], []],
    [[0], [1]],
    [[1], [-1]],
  ] as const) {
    t.throws(() => permutationTest(head, base, 1), { instanceOf: RangeError });
  }
});
