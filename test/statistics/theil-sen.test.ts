import test from 'ava';
import { theilSen } from '../../src/statistics/theil-sen.js';
import { random } from './random.js';

const line = (n: number, slope: number): { x: number; y: number }[] =>
  Array.from({ length: n }, (_, x) => ({ x, y: 5 + slope * x }));

test('a line has its slope, and a quarter of wild points does not move it', (t) => {
  t.is(theilSen(line(20, 0.25)), 0.25);
  const wild = line(40, 0.25).map((point, index) => (index % 4 === 1 ? { ...point, y: 1000 } : point));
  t.true(Math.abs((theilSen(wild) ?? 0) - 0.25) < 0.2);
});

test('the order of points does not matter, and scale carries over', (t) => {
  const draw = random(8);
  const points = line(30, 1).map(({ x, y }) => ({ x, y: y + draw.normal() }));
  const slope = theilSen(points) ?? 0;
  t.is(theilSen(points.toReversed()), slope);
  t.true(Math.abs((theilSen(points.map(({ x, y }) => ({ x: x / 60, y }))) ?? 0) - 60 * slope) < 1e-9);
});

test('points at one place have no slope', (t) => {
  t.is(theilSen([]), null);
  t.is(theilSen([{ x: 1, y: 1 }]), null);
  t.is(
    theilSen([
      { x: 1, y: 1 },
      { x: 1, y: 2 },
    ]),
    null,
  );
});
