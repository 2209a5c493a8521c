import test from 'ava';
import { binomialAtLeast } from '../../src/statistics/binomial.js';
import { pairsForVerdict, signTest } from '../../src/statistics/sign-test.js';
import { random, reordered } from './random.js';

test('one comparison can be decided at ten pairs: 2^-10 is below a third of 1 %', (t) => {
  t.is(pairsForVerdict({ comparisons: 1 }), 10);
});

test('three comparisons still at ten, four at twenty', (t) => {
  t.is(pairsForVerdict({ comparisons: 3 }), 10);
  t.is(pairsForVerdict({ comparisons: 4 }), 20);
});

test('a threshold just met is met', (t) => {
  t.is(pairsForVerdict({ comparisons: 1, alpha: 2 ** -10, looks: [10] }), 10);
  t.is(pairsForVerdict({ comparisons: 1, alpha: 2 ** -10 * 0.999, looks: [10] }), null);
});

test('no look suffices for too many comparisons', (t) => {
  t.is(pairsForVerdict({ comparisons: 100, looks: [5, 8] }), null);
  t.throws(() => pairsForVerdict({ comparisons: 0 }), { instanceOf: RangeError });
});

// Triola, Elementary Statistics, table A-7: the most of the less frequent sign that is significant, one tail, at 0.005,
// 0.01, 0.025 and 0.05; null where none is.
const criticalValues: readonly (readonly [n: number, ...values: readonly (number | null)[]])[] = [
  [5, null, null, null, 0],
  [7, null, 0, 0, 0],
  [8, 0, 0, 0, 1],
  [10, 0, 0, 1, 1],
  [12, 1, 1, 2, 2],
  [15, 2, 2, 3, 3],
  [18, 3, 3, 4, 5],
  [20, 3, 4, 5, 5],
  [25, 5, 6, 7, 7],
];

for (const [n, ...values] of criticalValues) {
  test(`published critical values of ${n} signs`, (t) => {
    for (const [index, level] of [0.005, 0.01, 0.025, 0.05].entries()) {
      const most = Array.from({ length: n }, (_, few) => few).filter((few) => binomialAtLeast(n - few, n) <= level);
      t.is(most.at(-1) ?? null, values[index] ?? null, `at ${level}`);
    }
  });
}

test('published p-values: Lane, HyperStat (7 of 8), Stephens, Beginning Statistics, example 14.2 (3 of 10)', (t) => {
  t.is(binomialAtLeast(7, 8).toFixed(5), '0.03516');
  t.is((1 - binomialAtLeast(4, 10)).toFixed(4), '0.1719');
});

test('a difference of zero is dropped: 25 blood pressures against 120 mmHg (R, BSDA::SIGN.test: s = 10, p = 0.2706)', (t) => {
  const pressures = [
    ...[125, 123, 117, 123, 115, 112, 128, 118, 124, 111, 116, 109, 125],
    ...[120, 113, 123, 112, 118, 121, 118, 122, 115, 105, 118, 131],
  ];
  const below = signTest(pressures.map((pressure) => 120 - pressure));
  t.deepEqual([below.signs, below.signs - below.positive], [24, 10]);
  t.is(below.p.toFixed(4), '0.2706');
});

test('two treatments of 12 patients (R, BSDA::SIGN.test of x and y: S = 3, two-sided p = 0.146)', (t) => {
  const x = [2.0, 3.6, 2.6, 2.6, 7.3, 3.4, 14.9, 6.6, 2.3, 2.0, 6.8, 8.5];
  const y = [3.5, 5.7, 2.9, 2.4, 9.9, 3.3, 16.7, 6.0, 3.8, 4.0, 9.1, 20.9];
  const { positive, p } = signTest(y.map((value, index) => value - (x[index] ?? 0)));
  t.is(positive, 9);
  t.is((2 * p).toFixed(3), '0.146');
});

test('both tails of an even split are as likely, and no sign says nothing', (t) => {
  t.is(signTest([1, -1]).p, 0.75);
  t.is(signTest([]).p, 1);
  t.is(signTest([0, 0, 0]).p, 1);
  t.is(binomialAtLeast(4, 3), 0);
  t.throws(() => binomialAtLeast(1.5, 3), { instanceOf: RangeError });
  t.throws(() => signTest([1, Number.NaN]), { instanceOf: RangeError });
  for (const n of [1, 2, 7, 40, 2000]) {
    for (const k of [0, 1, n >> 1, n]) {
      t.true(Math.abs(binomialAtLeast(k, n) + binomialAtLeast(n - k + 1, n) - 1) < 1e-12);
    }
  }
});

test('neither order nor scale matters, and zeros may be anywhere', (t) => {
  const draw = random(3);
  const differences = Array.from({ length: 20 }, () => draw.normal() + 0.3);
  const { p } = signTest(differences);
  t.is(signTest(reordered(differences, draw)).p, p);
  t.is(signTest(differences.map((difference) => 1e-6 * difference)).p, p);
  t.is(signTest([0, ...differences, 0]).p, p);
});
