import test from 'ava';
import { changePoints } from '../../src/statistics/change-points.js';
import { random } from './random.js';

const draw = random(11);
const around = (level: number, n: number): number[] =>
  Array.from({ length: n }, () => level * Math.exp(0.02 * draw.normal()));

test('a step is found where it is, with its size', (t) => {
  const found = changePoints([...around(10, 12), ...around(13, 8)], { seed: 1 });
  t.is(found.length, 1);
  t.is(found[0]?.at, 12);
  t.true(Math.abs((found[0]?.ratio ?? 0) - 1.3) < 0.05);
  t.true((found[0]?.p ?? 1) <= 0.01);
});

test('several steps are found, each against its neighbours, in the order of time', (t) => {
  const found = changePoints([...around(10, 15), ...around(20, 15), ...around(12, 15)], { seed: 1 });
  t.deepEqual(
    found.map(({ at }) => at),
    [15, 30],
  );
  t.true((found[0]?.ratio ?? 0) > 1.9 && (found[1]?.ratio ?? 1) < 0.65);
});

test('one odd run is no change, nor are too few runs, nor equals', (t) => {
  const odd = [...around(10, 10), 50, ...around(10, 10)];
  t.deepEqual(changePoints(odd, { seed: 1 }), []);
  t.deepEqual(changePoints([1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9], { seed: 1 }), []);
  t.deepEqual(
    changePoints(
      Array.from({ length: 30 }, () => 5),
      { seed: 1 },
    ),
    [],
  );
  t.deepEqual(changePoints([], { seed: 1 }), []);
});

test('twelve runs are just enough for a plain step', (t) => {
  t.deepEqual(
    changePoints([1, 1.01, 1.02, 1.03, 1.04, 1.05, 2, 2.01, 2.02, 2.03, 2.04, 2.05], { seed: 3 }).map(({ at }) => at),
    [6],
  );
});

test('of series without a change few are said to have one', (t) => {
  let alarms = 0;
  for (let trial = 0; trial < 300; trial += 1) {
    const values = Array.from({ length: 20 }, () => Math.exp(0.1 * draw.heavy()));
    if (changePoints(values, { seed: trial, permutations: 400 }).length > 0) alarms += 1;
  }
  t.true(alarms / 300 <= 0.03, `${alarms} of 300`);
});
