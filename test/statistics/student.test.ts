import test from 'ava';
import { predictionReach, studentQuantile } from '../../src/statistics/student.js';
import { random } from './random.js';

test('quantiles are those of published tables', (t) => {
  for (const [p, degrees, quantile] of [
    [0.95, 1, 6.314],
    [0.99, 2, 6.965],
    [0.99, 5, 3.365],
    [0.975, 10, 2.228],
    [0.995, 30, 2.75],
    [0.9995, 4, 8.61],
    [0.9, 120, 1.289],
  ] as const) {
    t.true(Math.abs(studentQuantile(p, degrees) - quantile) < 0.001, `${p} ${degrees}`);
  }
  t.throws(() => studentQuantile(0.5, 3), { instanceOf: RangeError });
  t.throws(() => studentQuantile(0.99, 0), { instanceOf: RangeError });
});

test('the next value lies within the reach as often as is said, and two values have none', (t) => {
  t.is(predictionReach([1, 2], 0.99), null);
  const draw = random(3);
  let beyond = 0;
  for (let trial = 0; trial < 4000; trial += 1) {
    const values = Array.from({ length: 4 }, () => draw.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / 4;
    if (draw.normal() - mean > (predictionReach(values, 0.95) ?? 0)) beyond += 1;
  }
  t.true(Math.abs(beyond / 4000 - 0.05) < 0.015, `${beyond} of 4000`);
});
