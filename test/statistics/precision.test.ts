import test from 'ava';
import type { Sample } from '../../src/samples/record.js';
import { precisionOf, precisionRule, relativeHalfWidth } from '../../src/statistics/precision.js';
import { summarize } from '../../src/statistics/summarize.js';
import { arm, ledger, memoryCeiling, nullArm, ok, reason, without } from './ledger-builder.js';

const base = arm('stdio');
const head = arm('mmap-shared');
const third = arm('direct');

/** A pair a round: the reference takes 1000 ns. */
function paired(ratios: readonly number[], of = head): Sample[] {
  return ratios.flatMap((ratio, index) => [
    ok({ arm: base, round: index + 1 }, { ttftNs: 1000 }),
    ok({ arm: of, round: index + 1 }, { ttftNs: 1000 * ratio }),
  ]);
}

const runWith = (precision: number | null, arms = [base, head]) => {
  const made = ledger({ arms, samples: [] });
  return { ...made.run, plan: { ...made.run.plan, precision } };
};
const enough = (samples: readonly Sample[], precision: number, arms = [base, head]): boolean | undefined =>
  precisionRule(runWith(precision, arms))?.({ samples, groups: [] });

// With 6 to 8 pairs the 95 % interval goes from the lowest to the highest; with 9 from the second to the last but one.
const cases: readonly (readonly [string, readonly number[], number, boolean])[] = [
  ['five equal pairs have no interval', [0.5, 0.5, 0.5, 0.5, 0.5], 0.05, false],
  ['six equal pairs have one of no width', [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 0.05, true],
  ['six pairs within ±4 %', [0.48, 0.49, 0.5, 0.5, 0.51, 0.52], 0.05, true],
  ['six pairs within ±4 %, asked for ±3 %', [0.48, 0.49, 0.5, 0.5, 0.51, 0.52], 0.03, false],
  ['six pairs and one far away', [0.5, 0.5, 0.5, 0.5, 0.5, 1.5], 0.05, false],
  ['nine pairs forgive one far away', [0.5, 0.5, 0.5, 0.5, 0.5, 1.5, 0.5, 0.5, 0.5], 0.05, true],
];

for (const [name, ratios, precision, expected] of cases) {
  test(`${name}: ${expected ? 'enough' : 'go on'}`, (t) => {
    t.is(enough(paired(ratios), precision), expected);
  });
}

const even = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
const wide = [0.5, 0.7, 0.9, 1.1, 1.3, 1.5];

test('every compared cell must be narrow', (t) => {
  const arms = [base, head, third];
  t.false(enough([...paired(even), ...paired(wide, third)], 0.05, arms));
  t.true(enough([...paired(even), ...paired(even, third)], 0.05, arms));
});

test('what never was ok, bounds nothing: not the unsupported, the null loader or a ceiling', (t) => {
  const arms = [base, head, third, nullArm(), memoryCeiling()];
  const never = even.map((_, index) => without('unsupported', { arm: third, round: index + 1 }, reason('no-direct')));
  t.true(enough([...paired(even), ...never], 0.05, arms));
  t.is(precisionOf(summarize(ledger({ arms, samples: [...paired(even), ...never] })), 0.05).comparisons, 1);
});

test('with nothing to compare no precision is reached', (t) => {
  t.deepEqual(precisionOf({ cells: [] }, 0.5), { reached: false, comparisons: 0, halfWidth: null });
  t.false(enough([], 0.5));
});

test('a run without it has no rule', (t) => {
  t.is(precisionRule(runWith(null)), null);
  t.is(precisionRule(ledger({ arms: [base], samples: [] }).run), null);
});

test('the half width is that of the interval beside the median', (t) => {
  const of = { pairs: 9, median: 2, low: 1.8, high: 2.4, confidence: 0.96, values: [] };
  t.is(relativeHalfWidth({ ...of, spread: 'interval' })?.toFixed(3), '0.150');
  t.is(relativeHalfWidth({ ...of, spread: 'range' }), null);
});
