import test from 'ava';
import { noiseFloor, smallestChange } from '../../src/statistics/noise-floor.js';
import { blockResample, quantile } from '../../src/statistics/resample.js';
import { judge } from '../../src/statistics/verdict.js';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { random } from './random.js';

const seed = 1;
const normal = (n: number, sd: number, lagOne = 0): number[] =>
  random(2)
    .series(n, lagOne)
    .map((value) => sd * value);

test('a resample is made of runs of three neighbours, the last run cut short, and draws each value equally often', (t) => {
  const generator = xoroshiro128plus(3);
  const counts = Array.from({ length: 7 }, () => 0);
  for (let draw = 0; draw < 4000; draw += 1) {
    const indices = blockResample(7, 8, generator);
    t.is(indices.length, 8);
    for (const at of [0, 3]) {
      const [first = 0, second, third] = indices.slice(at, at + 3);
      if (second !== (first + 1) % 7 || third !== (first + 2) % 7) t.fail(indices.join(' '));
    }
    for (const index of indices) counts[index] = (counts[index] ?? 0) + 1;
  }
  const expected = (4000 * 8) / 7;
  t.true(
    counts.every((count) => Math.abs(count - expected) < 0.06 * expected),
    counts.join(' '),
  );
});

test('a quantile is the smallest figure that enough do not exceed', (t) => {
  const ascending = Float64Array.from({ length: 100 }, (_, index) => index + 1);
  t.is(quantile(ascending, 0.99), 99);
  t.is(quantile(ascending, 0.95), 95);
  t.is(quantile(ascending, 0.991), 100);
});

test('fewer than 40 pairs have no noise floor', (t) => {
  t.is(noiseFloor(normal(39, 0.05), 10, { seed }), null);
  t.is(smallestChange(normal(39, 0.05), 10, { seed, family: 1, tolerance: 0.05 }), null);
  t.not(noiseFloor(normal(40, 0.05), 10, { seed }), null);
});

test('the floor of normal noise is near 2.58 standard errors of a median, and falls with n', (t) => {
  const ratios = normal(4000, 0.02);
  for (const n of [10, 20, 40]) {
    // Of a median: 1.2533 sd ÷ √n for large n.
    const expected = Math.expm1((2.576 * 1.2533 * 0.02) / Math.sqrt(n));
    const floor = noiseFloor(ratios, n, { seed }) ?? 0;
    t.true(Math.abs(floor / expected - 1) < 0.12, `${n}: ${floor} against ${expected}`);
  }
});

test('equal seeds give equal floors; which copy is head, and the unit of the ratios, do not matter', (t) => {
  const ratios = normal(60, 0.05);
  const floor = noiseFloor(ratios, 20, { seed });
  t.is(noiseFloor(ratios, 20, { seed }), floor);
  t.is(
    noiseFloor(
      ratios.map((ratio) => -ratio),
      20,
      { seed },
    ),
    floor,
  );
  const half =
    noiseFloor(
      ratios.map((ratio) => ratio / 2),
      20,
      { seed },
    ) ?? 0;
  t.true(Math.abs(Math.log1p(half) - Math.log1p(floor ?? 0) / 2) < 1e-12);
});

test('neighbours that are alike raise the floor: they are drawn together', (t) => {
  const alike = normal(4000, 0.02, 0.6);
  const apart = normal(4000, 0.02);
  t.true((noiseFloor(alike, 20, { seed }) ?? 0) > 1.25 * (noiseFloor(apart, 20, { seed }) ?? 1));
});

test('medians of other pairs of the same machine lie within the floor 97 times in 100 or more', (t) => {
  const draw = random(14);
  let outside = 0;
  let all = 0;
  for (let machine = 0; machine < 40; machine += 1) {
    const floor =
      noiseFloor(
        Array.from({ length: 60 }, () => 0.03 * draw.heavy()),
        10,
        { seed, resamples: 2000 },
      ) ?? 0;
    for (let later = 0; later < 50; later += 1) {
      const sorted = Array.from({ length: 10 }, () => 0.03 * draw.heavy()).sort((a, b) => a - b);
      const median = ((sorted[4] ?? 0) + (sorted[5] ?? 0)) / 2;
      all += 1;
      if (Math.abs(median) > Math.log1p(floor)) outside += 1;
    }
  }
  t.true(outside / all <= 0.03, `${outside} of ${all}`);
});

test('the smallest change that pairs see is one that a verdict finds in about 95 of 100 cases', (t) => {
  const draw = random(15);
  const recorded = Array.from({ length: 2000 }, () => 0.04 * draw.normal());
  for (const [n, family] of [
    [20, 1],
    [40, 1],
    [40, 6],
  ] as const) {
    const change = smallestChange(recorded, n, { seed, family, tolerance: 0.02 }) ?? 0;
    let found = 0;
    for (let run = 0; run < 400; run += 1) {
      const rounds = Array.from({ length: n }, () => ({
        kind: 'pair' as const,
        difference: Math.log1p(change) + 0.04 * draw.normal(),
      }));
      const rule = { family, alpha: 0.01 / 3, looks: [n] };
      const [verdict] = judge([{ rounds, threshold: 0.02, noiseFloors: [null] }], rule).verdicts;
      if (verdict?.kind === 'regressed') found += 1;
    }
    t.true(found / 400 > 0.92 && found / 400 < 0.99, `${n} pairs, ${change}: ${found} of 400`);
  }
});

test('more comparisons than so many pairs can decide see nothing of any size', (t) => {
  const recorded = normal(60, 0.01);
  t.not(smallestChange(recorded, 40, { seed, family: 6, tolerance: 0 }), null);
  t.is(smallestChange(recorded, 10, { seed, family: 4, tolerance: 0 }), null);
  // Of ten independent pairs one in seven looks alike by chance, is averaged to five, and proves nothing.
  t.is(smallestChange(recorded, 10, { seed, family: 1, tolerance: 0 }), null);
});
