import test from 'ava';
import { averagedNeighbours, lagOne } from '../../src/statistics/autocorrelation.js';
import { random } from './random.js';

// Luteinizing hormone every 10 minutes (Diggle 1990), R's data set lh.
const lh = [
  ...[2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2, 2.7, 2.2, 2.2, 1.9, 1.9, 1.8],
  ...[2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3, 2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6],
  ...[2.1, 3.4, 3.0, 2.9],
];

test('as R computes it: acf(lh) has 0.576 at lag 1', (t) => {
  t.is(lagOne(lh)?.toFixed(3), '0.576');
});

test('shift and scale do not matter, reversal neither', (t) => {
  const expected = lagOne(lh) ?? 0;
  for (const changed of [lh.map((value) => 7 - 3 * value), lh.toReversed()]) {
    t.true(Math.abs((lagOne(changed) ?? 0) - expected) < 1e-12);
  }
});

test('two values, and equal ones, have none', (t) => {
  t.is(lagOne([1, 2]), null);
  t.is(lagOne([3, 3, 3, 3]), null);
  t.is(lagOne([]), null);
});

test('long series have the autocorrelation that they were made with', (t) => {
  for (const wanted of [0, 0.3, 0.8, -0.5]) {
    t.true(Math.abs((lagOne(random(17).series(20_000, wanted)) ?? 9) - wanted) < 0.03);
  }
});

test('each two neighbours are averaged, an odd last one stays', (t) => {
  t.deepEqual(averagedNeighbours([1, 3, 10, 20, 7]), [2, 15, 7]);
  t.deepEqual(averagedNeighbours([]), []);
});
