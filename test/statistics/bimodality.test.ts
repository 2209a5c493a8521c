import test from 'ava';
import { dipOf, modesOf } from '../../src/statistics/bimodality.js';
import { random, reordered } from './random.js';

// Quality of statistics faculties (Scully 1982), the example of Hartigan & Hartigan 1985.
const faculties = [
  ...[30, 33, 35, 36, 37, 37, 39, 39, 39, 39, 39, 40, 40, 40, 40, 41, 42, 43, 43, 43, 44, 44, 45, 45, 46, 46, 47, 47],
  ...[48, 48, 48, 49, 50, 50, 51, 52, 52, 53, 53, 53, 53, 53, 54, 54, 57, 57, 59, 60, 60, 60, 61, 61, 61, 61, 62, 62],
  ...[62, 62, 63, 66, 70, 72, 72],
];

test('the dip of 63 statistics faculties is 0.059524 (R, diptest: D = 0.059524, p = 0.087), which is no two modes', (t) => {
  t.is(dipOf(faculties).toFixed(6), '0.059524');
  t.is(modesOf(faculties), null);
});

test('dips of small samples, as in the tests of R package diptest', (t) => {
  const close = (values: readonly number[], dip: number): void => {
    t.true(Math.abs(dipOf(values) - dip) < 1e-12, values.join(' '));
  };
  close([1, 1, 2, 2], 1 / 4);
  close([0, 1, 3, 6], 1 / 8);
  close([0, 2, 3, 5, 6], 2 / 15);
  close([0, 1, 3, 4, 6], 2 / 15);
  close([1, ...Array.from({ length: 9 }, () => 2)], 1 / 20);
});

test('neither order, nor shift, scale or reversal matters', (t) => {
  const draw = random(5);
  const values = Array.from({ length: 40 }, () => draw.normal() + (draw.uniform() < 0.5 ? 4 : 0));
  for (const changed of [reordered(values, draw), values.map((value) => 2 ** 20 * value), values.map((v) => -v)]) {
    t.true(Math.abs(dipOf(changed) - dipOf(values)) < 1e-9);
  }
});

test('a sample and its mirror image have the same dip, with many equal values too', (t) => {
  const draw = random(55);
  for (let run = 0; run < 300; run += 1) {
    const values = Array.from({ length: 4 + (run % 9) }, () => Math.floor(12 * draw.uniform() ** 2));
    const mirrored = dipOf(values.map((value) => -value));
    t.true(Math.abs(dipOf(values) - mirrored) < 1e-12, values.join(' '));
  }
});

const shapes: readonly { readonly shape: string; readonly one: (draw: ReturnType<typeof random>) => number }[] = [
  { shape: 'uniform', one: (draw) => draw.uniform() },
  { shape: 'normal', one: (draw) => draw.normal() },
  { shape: 'log-normal', one: (draw) => Math.exp(draw.normal()) },
  { shape: 'exponential', one: (draw) => -Math.log(1 - draw.uniform()) },
  { shape: 'heavy-tailed', one: (draw) => draw.heavy() },
];

for (const { shape, one } of shapes) {
  test(`${shape} values are flagged in at most 2 of 100 cases, from n = 10 on`, (t) => {
    const draw = random(101);
    const runs = 1500;
    for (const n of [10, 11, 15, 40]) {
      let flagged = 0;
      for (let run = 0; run < runs; run += 1) {
        if (modesOf(Array.from({ length: n }, () => one(draw))) !== null) flagged += 1;
      }
      t.true(flagged / runs <= 0.02, `${n}: ${flagged} of ${runs}`);
    }
  });
}

test('two modes far apart are flagged, most of the time at 20 and nearly always at 40, and both are described', (t) => {
  const draw = random(7);
  const mixture = (n: number): number[] =>
    Array.from({ length: n }, (_, index) => (index % 2 === 0 ? 30 : 42) + draw.normal());
  const rate = (n: number): number =>
    Array.from({ length: 200 }, () => modesOf(mixture(n))).filter((modes) => modes !== null).length / 200;
  t.true(rate(20) > 0.8);
  t.true(rate(40) > 0.98);
  const modes = modesOf(mixture(60));
  t.is(modes?.low.n, 30);
  t.is(modes?.high.n, 30);
  t.true(Math.abs((modes?.low.median ?? 0) - 30) < 1 && Math.abs((modes?.high.median ?? 0) - 42) < 1);
});

test('fewer than ten values are never flagged', (t) => {
  t.is(modesOf([1, 1.1, 1.2, 1.3, 9, 9.1, 9.2, 9.3, 9.4]), null);
});
