import test, { type ExecutionContext } from 'ava';
import { median } from '../../src/statistics/order.js';
import { permutationTest } from '../../src/statistics/permutation-test.js';
import { random, reordered } from './random.js';

function near(t: ExecutionContext, value: number, wanted: number): void {
  t.true(Math.abs(value - wanted) < 1e-9, `${value}, not ${wanted}`);
}

test('values that lie wholly apart: of all 252 divisions few are as extreme', (t) => {
  const { pSlower, pFaster, ratio } = permutationTest([20, 24, 28, 32, 36], [1, 2, 3, 4, 5]);
  // Head must hold 28, 32 and 36, base 1, 2 and 3; of the other four any two may be head's.
  near(t, pSlower, 6 / 252);
  near(t, pFaster, 1);
  t.is(ratio.toFixed(10), (28 / 3).toFixed(10));
});

test('small ones as counted by hand: of the 6 ways to divide 1 2 4 8, those whose medians are as far apart', (t) => {
  // Log2 medians of {4, 8} less {1, 2}: 2.5 − 0.5 = 2; of the others 1, 0, 0, −1, −2.
  const wide = permutationTest([4, 8], [1, 2]);
  near(t, wide.pSlower, 1 / 6);
  near(t, wide.pFaster, 1);
  const mixed = permutationTest([2, 8], [1, 4]);
  near(t, mixed.pSlower, 2 / 6);
  near(t, mixed.pFaster, 5 / 6);
});

test('order and unit do not matter, and to trade places swaps the tails', (t) => {
  const draw = random(9);
  const head = Array.from({ length: 8 }, () => Math.exp(0.1 + 0.1 * draw.normal()));
  const base = Array.from({ length: 7 }, () => Math.exp(0.1 * draw.normal()));
  const there = permutationTest(head, base);
  const again = permutationTest(reordered(head, draw), reordered(base, draw));
  near(t, again.pSlower, there.pSlower);
  const seconds = permutationTest(
    head.map((v) => v * 1e9),
    base.map((v) => v * 1e9),
  );
  near(t, seconds.pSlower, there.pSlower);
  const back = permutationTest(base, head);
  near(t, back.pFaster, there.pSlower);
  t.true(Math.abs(back.ratio * there.ratio - 1) < 1e-12);
});

/** All ways tried one by one. */
function tried(head: readonly number[], base: readonly number[]): readonly [slower: number, faster: number] {
  const values = [...head, ...base].map(Math.log);
  const apart = (isHead: (index: number) => boolean): number =>
    median(values.filter((_, index) => isHead(index))) - median(values.filter((_, index) => !isHead(index)));
  const observed = apart((index) => index < head.length);
  let [ways, slower, faster] = [0, 0, 0];
  for (let division = 0; division < 2 ** values.length; division += 1) {
    const isHead = (index: number): boolean => ((division >> index) & 1) === 1;
    if (values.filter((_, index) => isHead(index)).length !== head.length) continue;
    const difference = apart(isHead);
    ways += 1;
    if (difference >= observed - 1e-12) slower += 1;
    if (difference <= observed + 1e-12) faster += 1;
  }
  return [slower / ways, faster / ways];
}

test('what is counted is what trying all divisions gives, of even and odd counts, with and without equals', (t) => {
  const draw = random(4);
  for (let head = 1; head <= 6; head += 1) {
    for (let base = 1; base <= 6; base += 1) {
      for (const [shift, steps] of [
        [0, 1e9],
        [1, 1e9],
        [0.5, 3],
      ] as const) {
        const value = (more: number): number => Math.round(steps * Math.exp(0.4 * draw.normal() + more) + 1) / steps;
        const mine = Array.from({ length: head }, () => value(shift));
        const theirs = Array.from({ length: base }, () => value(0));
        const { pSlower, pFaster } = permutationTest(mine, theirs);
        const [slower, faster] = tried(mine, theirs);
        t.true(
          Math.abs(pSlower - slower) < 1e-9 && Math.abs(pFaster - faster) < 1e-9,
          `${mine.join(' ')} against ${theirs.join(' ')}`,
        );
      }
    }
  }
});

test('p can be as small as many values make it, and both tails hold all divisions', (t) => {
  const sample = (n: number, shift: number): number[] =>
    Array.from({ length: n }, (_, index) => 100 + shift + index / n);
  t.true(permutationTest(sample(40, 9), sample(40, 0)).pSlower < 1e-8);
  for (const n of [39, 40, 200]) {
    const { pSlower, pFaster } = permutationTest(sample(40, 0.1), sample(n, 0));
    t.true(pSlower + pFaster >= 1 - 1e-9 && pSlower < 0.5, `${n}`);
  }
});

test('equals are called slower at 5 % in 5 of 100 cases or fewer', (t) => {
  const draw = random(6);
  let alarms = 0;
  for (let run = 0; run < 400; run += 1) {
    const values = Array.from({ length: 12 }, () => Math.exp(draw.heavy()));
    if (permutationTest(values.slice(0, 6), values.slice(6)).pSlower <= 0.05) alarms += 1;
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
    t.throws(() => permutationTest(head, base), { instanceOf: RangeError });
  }
});
