import test from 'ava';
import { holm } from '../../src/statistics/holm.js';

const rounded = (values: readonly number[]): number[] => values.map((value) => Number(value.toFixed(10)));

test('adjusted as R does: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")', (t) => {
  t.deepEqual(rounded(holm([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02]);
});

test('adjusted as in the manual of pingouin.holm', (t) => {
  t.deepEqual(rounded(holm([0.5, 0.003, 0.32, 0.054, 0.0003])), [0.64, 0.012, 0.64, 0.162, 0.0015]);
});

test('registered tests without a p-value count as well', (t) => {
  t.deepEqual(rounded(holm([0.01, 0.02], 4)), [0.04, 0.06]);
  t.deepEqual(holm([], 3), []);
  t.throws(() => holm([0.1, 0.2], 1), { instanceOf: RangeError });
});

test('equal p-values share their fate, and none exceeds 1', (t) => {
  t.deepEqual(rounded(holm([0.02, 0.02, 0.9])), [0.06, 0.06, 0.9]);
  t.deepEqual(holm([0.7, 0.8]), [1, 1]);
});
