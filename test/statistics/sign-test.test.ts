import test from 'ava';
import { pairsForVerdict } from '../../src/statistics/sign-test.js';

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
