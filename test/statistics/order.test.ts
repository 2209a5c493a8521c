import test from 'ava';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, median, medianInterval } from '../../src/statistics/order.js';

const ranks = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

// Tabulated ranks and confidence of the sign interval of a median at 95 %.
const published = [
  { n: 6, low: 1, high: 6, percent: 96.88 },
  { n: 7, low: 1, high: 7, percent: 98.44 },
  { n: 8, low: 1, high: 8, percent: 99.22 },
  { n: 9, low: 2, high: 8, percent: 96.09 },
  { n: 10, low: 2, high: 9, percent: 97.85 },
  { n: 15, low: 4, high: 12, percent: 96.48 },
  { n: 20, low: 6, high: 15, percent: 95.86 },
  { n: 25, low: 8, high: 18, percent: 95.67 },
  { n: 30, low: 10, high: 21, percent: 95.72 },
  { n: 50, low: 18, high: 33, percent: 96.72 },
  { n: 100, low: 40, high: 61, percent: 96.48 },
];

for (const { n, low, high, percent } of published) {
  test(`the interval of ${n} values is (x${low}, x${high}) at ${percent} %`, (t) => {
    const interval = medianInterval(ranks(n));
    t.is(interval.spread, 'interval');
    t.is(interval.low, low);
    t.is(interval.high, high);
    t.is(Number((interval.confidence! * 100).toFixed(2)), percent);
  });
}

test("Darwin's maize (Fisher 1935): median 24, interval 8 to 49 eighths of an inch at 96.48 %", (t) => {
  const differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
  t.is(median(differences), 24);
  const { low, high, confidence } = medianInterval(differences);
  t.deepEqual([low, high], [8, 49]);
  t.is(confidence!.toFixed(4), '0.9648');
});

test('fewer than six values have a range and no confidence', (t) => {
  for (const n of [1, 2, 3, 4, 5]) {
    t.deepEqual(medianInterval(ranks(n)), { spread: 'range', low: 1, high: n, confidence: null });
  }
});

test('a confidence that the values cannot reach gives their range', (t) => {
  t.is(medianInterval(ranks(7), 0.99).spread, 'range');
  t.is(medianInterval(ranks(8), 0.99).spread, 'interval');
});

test('thousands of values have an interval near the normal approximation', (t) => {
  const n = 5000;
  const { low, high, confidence } = medianInterval(ranks(n));
  const half = (1.96 * Math.sqrt(n)) / 2;
  t.true(Math.abs(low - (n / 2 - half)) < 3 && Math.abs(high - (n / 2 + half)) < 3);
  t.true(confidence! >= 0.95 && confidence! < 0.951);
});

test('the median is the middle of the sorted values, however they lie', (t) => {
  const random = xoroshiro128plus(7);
  const middle = (values: readonly number[]): number => {
    const sorted = Float64Array.from(values).sort();
    const half = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  };
  for (let n = 1; n <= 60; n += 1) {
    const values = Array.from({ length: n }, () => uniformFloat64(random) - 0.5);
    const tied = values.map((value) => Math.round(value * 4) + 0);
    const ascending = values.toSorted((a, b) => a - b);
    for (const each of [values, tied, ascending, ascending.toReversed(), tied.map(() => 1)]) {
      t.is(median(each), middle(each), String(each));
    }
  }
});

test('the median of an even count is the mean of the middle two, and nothing has no median', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([7]), 7);
  t.throws(() => median([]), { instanceOf: RangeError });
  t.is(describe([]), null);
});

test('values are left in their order', (t) => {
  const values = [3, 1, 2];
  t.deepEqual(describe(values), { n: 3, median: 2, min: 1, max: 3, values: [3, 1, 2] });
  medianInterval(values);
  t.deepEqual(values, [3, 1, 2]);
});

test('order of values does not matter, and scale carries over', (t) => {
  const generator = xoroshiro128plus(7);
  for (const n of [1, 2, 5, 6, 9, 20, 33]) {
    const values = Array.from({ length: n }, () => Math.exp(3 * uniformFloat64(generator)));
    const shuffled = values
      .map((value) => ({ value, key: uniformFloat64(generator) }))
      .sort((a, b) => a.key - b.key)
      .map(({ value }) => value);
    t.is(median(shuffled), median(values));
    t.deepEqual(medianInterval(shuffled), medianInterval(values));
    const scaled = medianInterval(values.map((value) => value * 4));
    t.is(median(values.map((value) => value * 4)), 4 * median(values));
    t.is(scaled.low, 4 * medianInterval(values).low);
    t.is(scaled.high, 4 * medianInterval(values).high);
  }
});

test('intervals of skewed values hold the true median as often as they say', (t) => {
  const generator = xoroshiro128plus(20260102);
  const runs = 4000;
  for (const n of [6, 10, 25]) {
    let held = 0;
    let stated = 0;
    for (let run = 0; run < runs; run += 1) {
      const exponential = Array.from({ length: n }, () => -Math.log(1 - uniformFloat64(generator)));
      const { low, high, confidence } = medianInterval(exponential);
      stated = confidence!;
      if (low <= Math.LN2 && Math.LN2 <= high) held += 1;
    }
    const deviation = Math.sqrt((stated * (1 - stated)) / runs);
    t.true(Math.abs(held / runs - stated) < 4 * deviation, `n ${n}: held ${held / runs}, stated ${stated}`);
  }
});
