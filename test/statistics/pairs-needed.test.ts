import test from 'ava';
import { pairsForUnchanged } from '../../src/statistics/pairs-needed.js';
import { judge } from '../../src/statistics/verdict.js';
import { random } from './random.js';

test('fewer values within the tolerance need more pairs, and half of them no number of pairs', (t) => {
  const of = (within: number): number | null => pairsForUnchanged({ tested: 40, within, error: 0.01 / 3 / 14 });
  t.is(of(20), null);
  t.is(of(5), null);
  const needed = [40, 36, 32, 28, 24].map((within) => of(within) ?? Infinity);
  t.deepEqual(
    needed,
    needed.toSorted((a, b) => a - b),
  );
  t.true((needed[0] ?? 0) >= 12, 'the bound takes that many pairs at this error');
});

test('with as many pairs about nine of ten runs of equals come out unchanged, with a third of them few do', (t) => {
  const draw = random(31);
  // A third of the values lies beyond 5 %.
  const sd = Math.log1p(0.05) / 0.43;
  const error = 0.01 / 3;
  const needed = pairsForUnchanged({ tested: 3000, within: 2000, error }) ?? 0;
  const unchanged = (n: number): number => {
    let found = 0;
    for (let run = 0; run < 300; run += 1) {
      const rounds = Array.from({ length: n }, () => ({ kind: 'pair', difference: sd * draw.normal() }) as const);
      const comparison = { rounds, threshold: 0.05, noiseFloors: [null] };
      const [verdict] = judge([comparison], { family: 1, looks: [n], alpha: error }).verdicts;
      if (verdict?.kind === 'unchanged') found += 1;
    }
    return found / 300;
  };
  t.true(unchanged(needed) > 0.75, `${needed}`);
  t.true(unchanged(Math.ceil(needed / 3)) < 0.6);
});
