import test from 'ava';
import { boundsOf, judge, type Comparison, type RoundOutcome, type Verdict } from '../../src/statistics/verdict.js';
import { random, reordered } from './random.js';

const pairs = (differences: readonly number[]): RoundOutcome[] =>
  differences.map((difference) => ({ kind: 'pair', difference }));
const comparison = (rounds: readonly RoundOutcome[], overrides: Partial<Comparison> = {}): Comparison => ({
  rounds,
  threshold: 0.05,
  noiseFloors: [null, null, null],
  ...overrides,
});
/** Scatter of ±spread around a change, alternating, so that neighbours are not alike. */
const around = (n: number, change: number, spread = 0.001): number[] =>
  Array.from({ length: n }, (_, index) => Math.log1p(change) + spread * (index % 2 === 0 ? 1 : -1) * (1 + (index % 5)));
const one = (rounds: readonly RoundOutcome[], overrides: Partial<Comparison> = {}, stopped = false): Verdict => {
  const [verdict] = judge([comparison(rounds, overrides)], { family: 1 }, stopped).verdicts;
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
};
const dropped: RoundOutcome = { kind: 'dropped' };
const failed = (head: boolean, base: boolean): RoundOutcome => ({ kind: 'failed', head, base });

test('ten pairs all slower by a tenth are a regression at once', (t) => {
  const verdict = one(pairs(around(10, 0.1)));
  t.like(verdict, { kind: 'regressed', because: 'cost' });
  t.is(verdict.evidence.pSlower, 2 ** -10);
  t.is(judge([comparison(pairs(around(10, 0.1)))], { family: 1 }).next, null);
});

test('a significant change within the threshold is no regression', (t) => {
  t.is(one(pairs(around(10, 0.03))).kind, 'unchanged');
});

test('the noise floor of as many pairs raises the threshold, and only those pairs', (t) => {
  t.is(one(pairs(around(10, 0.1)), { noiseFloors: [0.2, 0.05, 0.05] }).kind, 'open');
  t.is(one(pairs(around(20, 0.1)), { noiseFloors: [0.2, 0.05, 0.05] }).kind, 'regressed');
});

test('unchanged is held against the floor of the last look: few pairs concede nothing that more would find', (t) => {
  const verdict = one(pairs(around(10, 0.1)), { noiseFloors: [0.5, 0.2, 0.02] });
  t.is(verdict.kind, 'open');
  t.is(one(pairs(around(10, 0.01)), { noiseFloors: [0.5, 0.2, 0.02] }).kind, 'unchanged');
});

test('to trade head and base turns what a look calls regressed into improved', (t) => {
  const draw = random(12);
  for (const n of [10, 20, 40]) {
    const atOneLook = (differences: readonly number[]): Verdict | undefined =>
      judge([comparison(pairs(differences))], { family: 1, looks: [n], alpha: 0.01 / 3 }).verdicts[0];
    for (const change of [0.04, 0.08, 0.12, 0.3]) {
      const differences = Array.from({ length: n }, () => Math.log1p(change) + 0.04 * draw.normal());
      const there = atOneLook(differences);
      const back = atOneLook(differences.map((difference) => -difference));
      t.is(back?.kind === 'improved', there?.kind === 'regressed');
      t.is(back?.evidence.pFaster, there?.evidence.pSlower);
      t.true(Math.abs((back?.evidence.ratio ?? 0) * (there?.evidence.ratio ?? 0) - 1) < 1e-12);
    }
  }
});

test('what is faster by more than the threshold is improved, not merely unchanged', (t) => {
  t.is(one(pairs(around(10, -0.1))).kind, 'improved');
});

test('looks come at 10, 20 and 40 rounds; until then more are wanted', (t) => {
  const noisy = (n: number): number[] => around(n, 0.05, 0.1);
  for (const [n, next] of [
    [0, 10],
    [7, 10],
    [10, 20],
    [19, 20],
    [20, 40],
    [39, 40],
  ] as const) {
    t.is(judge([comparison(pairs(noisy(n)))], { family: 1 }).next, next, `${n}`);
    t.is(one(pairs(noisy(n))).kind, 'open');
  }
  t.is(judge([comparison(pairs(noisy(40)))], { family: 1 }).next, null);
  t.is(one(pairs(noisy(40))).kind, 'inconclusive');
});

test('what a look decided stands, whatever comes later', (t) => {
  t.is(one(pairs([...around(10, 0.1), ...around(30, -0.2)])).kind, 'regressed');
  t.is(one(pairs([...around(10, 0), ...around(30, 0.3)])).kind, 'unchanged');
});

test('failures count whenever they come, also after what a look decided of costs', (t) => {
  const later = [...pairs(around(10, 0)), ...pairs(around(4, 0)), failed(true, false), failed(true, false)];
  t.is(one(later).kind, 'unchanged', 'more may come');
  t.like(one(later, {}, true), { kind: 'regressed', because: 'failures', evidence: { headFailures: 2, rounds: 16 } });
  const better = [...pairs(around(10, -0.2)), ...pairs(around(28, -0.2)), failed(true, false), failed(true, false)];
  t.like(one(better, {}, true), { kind: 'regressed', because: 'failures' });
  t.is(one([...later, failed(false, true)], {}, true).kind, 'unchanged', 'base fails as well');
});

test('one decided comparison does not end another', (t) => {
  const { verdicts, next } = judge([comparison(pairs(around(20, 0.2))), comparison(pairs(around(20, 0.05, 0.1)))], {
    family: 2,
  });
  t.deepEqual(
    verdicts.map(({ kind }) => kind),
    ['regressed', 'open'],
  );
  t.is(next, 40);
});

test('Holm: with four comparisons ten pairs prove nothing, and three that are proven make the fourth cheaper', (t) => {
  const all = (n: number, change: number): Comparison => comparison(pairs(around(n, change)));
  t.is(judge([all(10, 0.1)], { family: 4 }).verdicts[0]?.kind, 'open');
  // 17 of 20 signs have p = 0.0013: above a third of 1 % ÷ 4, below a third of 1 % ÷ 1.
  const weak = comparison(
    pairs(around(20, 0.1).map((difference, index) => (index % 7 === 3 ? -difference : difference))),
  );
  const kinds = judge([all(20, 0.1), all(20, 0.1), all(20, 0.1), weak], { family: 4 }).verdicts.map(({ kind }) => kind);
  t.deepEqual(kinds, ['regressed', 'regressed', 'regressed', 'regressed']);
  t.is(judge([weak], { family: 4 }).verdicts[0]?.kind, 'open');
});

test('unchanged is as dear as regressed: ten pairs show it of three comparisons, not of four', (t) => {
  const equals = comparison(pairs(around(10, 0)));
  t.is(judge([equals], { family: 3 }).verdicts[0]?.kind, 'unchanged');
  t.is(judge([equals], { family: 4 }).verdicts[0]?.kind, 'open');
});

test('a family smaller than its comparisons is refused', (t) => {
  t.throws(() => judge([comparison([]), comparison([])], { family: 1 }), { instanceOf: RangeError });
});

test('neighbours that are alike are averaged, so that ten pairs are five and prove nothing', (t) => {
  const slow = Array.from({ length: 10 }, (_, index) => Math.log1p(0.1) + (index < 5 ? 0.01 : -0.01));
  const verdict = one(pairs(slow));
  t.is(verdict.kind, 'open');
  t.is(verdict.evidence.tested, 5);
  t.true((verdict.evidence.lagOne ?? 0) > 0.2);
});

test('a fifth of the rounds dropped is borne, more is not', (t) => {
  const lost = (n: number): RoundOutcome[] => Array.from({ length: n }, () => dropped);
  // Of the first ten rounds four are lost, of twenty they are a fifth.
  t.like(one([...lost(4), ...pairs(around(16, 0.1))]), { kind: 'regressed', evidence: { rounds: 20, dropped: 4 } });
  const many = [...lost(5), ...pairs(around(15, 0.1))];
  t.is(one(many).kind, 'open');
  t.like(one(many, {}, true), { kind: 'inconclusive', because: 'dropped', smallestChange: null });
  t.like(one([...lost(9), ...pairs(around(31, 0.1))]), { kind: 'inconclusive', because: 'dropped' });
  t.like(one([...lost(8), ...pairs(around(32, 0.1))]), { kind: 'regressed', evidence: { rounds: 40, pairs: 32 } });
});

test('two failures of head and none of base are a regression, at once', (t) => {
  t.like(one([failed(true, false), ...pairs(around(2, 0)), failed(true, false)]), {
    kind: 'regressed',
    because: 'failures',
  });
  t.is(one([failed(true, false), ...pairs(around(9, 0))]).kind, 'unchanged');
  t.is(one([failed(true, false), failed(true, true), ...pairs(around(2, 0))]).kind, 'open');
});

test('failures of base prove nothing of head', (t) => {
  t.is(one([failed(false, true), failed(false, true), ...pairs(around(8, 0.5))]).kind, 'open');
});

test('an end before the last look leaves what is open inconclusive', (t) => {
  t.like(one(pairs(around(3, 0.5)), {}, true), { kind: 'inconclusive', because: 'spread', smallestChange: null });
  t.like(one(pairs(around(25, 0.05, 0.1)), {}, true), { kind: 'inconclusive', because: 'spread' });
  t.is(one(pairs(around(25, 0.2)), {}, true).kind, 'regressed');
});

test('the smallest change that could have been seen is just that: with it added the verdict is a regression', (t) => {
  const draw = random(21);
  let seen = 0;
  for (let run = 0; run < 60; run += 1) {
    const differences = Array.from({ length: 40 }, () => Math.log1p(0.05) + 0.3 * draw.normal());
    const verdict = one(pairs(differences));
    if (verdict.kind !== 'inconclusive' || verdict.smallestChange === null) continue;
    seen += 1;
    const centre = Math.log(verdict.evidence.ratio ?? 1);
    const shifted = (change: number): string | undefined => {
      const moved = comparison(pairs(differences.map((difference) => difference - centre + Math.log1p(change))));
      return judge([moved], { family: 1, looks: [40], alpha: 0.01 / 3 }).verdicts[0]?.kind;
    };
    t.is(shifted(verdict.smallestChange * 1.0001), 'regressed');
    t.not(shifted(verdict.smallestChange * 0.999), 'regressed');
  }
  t.true(seen > 20);
});

test('upper and lower bounds are those of tables: 25 blood pressures (R, BSDA::SIGN.test, one-sided)', (t) => {
  const pressures = [
    ...[125, 123, 117, 123, 115, 112, 128, 118, 124, 111, 116, 109, 125],
    ...[120, 113, 123, 112, 118, 121, 118, 122, 115, 105, 118, 131],
  ];
  // At 94.61 % the upper bound is 122, at 97.84 % it is 123.
  t.is(boundsOf(pressures, 0.054)?.high, 122);
  t.is(boundsOf(pressures, 0.0217)?.high, 123);
});

test('upper and lower bounds of 12 differences (R, BSDA::SIGN.test: 85.40 % and 96.14 %, two-sided)', (t) => {
  const x = [2.0, 3.6, 2.6, 2.6, 7.3, 3.4, 14.9, 6.6, 2.3, 2.0, 6.8, 8.5];
  const y = [3.5, 5.7, 2.9, 2.4, 9.9, 3.3, 16.7, 6.0, 3.8, 4.0, 9.1, 20.9];
  const differences = x.map((value, index) => Number((value - (y[index] ?? 0)).toFixed(6)));
  t.deepEqual(boundsOf(differences, 0.0731), { low: -2.1, high: -0.3 });
  t.deepEqual(boundsOf(differences, 0.0194), { low: -2.3, high: 0.1 });
});

test('bounds are wrong no more often than they say, for skewed values too', (t) => {
  const draw = random(33);
  const runs = 4000;
  let wrong = 0;
  for (let run = 0; run < runs; run += 1) {
    const bounds = boundsOf(
      Array.from({ length: 20 }, () => -Math.log(1 - draw.uniform())),
      0.025,
    );
    if ((bounds?.high ?? 0) < Math.LN2) wrong += 1;
  }
  t.true(wrong / runs < 0.025 + 0.008, `${wrong} of ${runs}`);
});

test('a whole verdict does not depend on the unit, nor on the order of the comparisons', (t) => {
  const draw = random(40);
  const comparisons = Array.from({ length: 5 }, (_, index) =>
    comparison(pairs(Array.from({ length: 40 }, () => 0.03 * index + 0.05 * draw.normal()))),
  );
  const kinds = judge(comparisons, { family: 5 }).verdicts.map(({ kind }) => kind);
  t.deepEqual(
    judge(comparisons.toReversed(), { family: 5 }).verdicts.map(({ kind }) => kind),
    kinds.toReversed(),
  );
});

test('where neighbours are not alike, order within the rounds of a look does not matter', (t) => {
  const draw = random(41);
  const differences = around(10, 0.1, 0.002);
  const { evidence } = one(pairs(differences));
  for (let run = 0; run < 20; run += 1) {
    const other = one(pairs(reordered(differences, draw)));
    if (other.evidence.tested === 10) t.is(other.evidence.pSlower, evidence.pSlower);
  }
});

interface Setting {
  readonly runs: number;
  readonly family: number;
  readonly lagOne: number;
  readonly sd: number;
  readonly shift: number;
  readonly threshold: number;
  readonly noiseFloors?: Comparison['noiseFloors'];
  readonly heavy?: boolean;
}

/** Share of gates with a regression, and of comparisons that had one. */
function simulate(seed: number, setting: Setting): { readonly gates: number; readonly comparisons: number } {
  const { runs, family, lagOne, sd, shift, threshold, noiseFloors = [null, null, null], heavy = false } = setting;
  const draw = random(seed);
  let gates = 0;
  let found = 0;
  for (let run = 0; run < runs; run += 1) {
    const comparisons = Array.from({ length: family }, () => {
      const noise = heavy ? Array.from({ length: 40 }, () => draw.heavy()) : draw.series(40, lagOne);
      return comparison(pairs(noise.map((value) => shift + sd * value)), { threshold, noiseFloors });
    });
    const regressed = judge(comparisons, { family }).verdicts.filter(({ kind }) => kind === 'regressed').length;
    found += regressed;
    if (regressed > 0) gates += 1;
  }
  return { gates: gates / runs, comparisons: found / runs / family };
}

/** 99th percentiles of |median| of 10, 20 and 40 normal values, by 2.58 standard errors of 1.2533 sd ÷ √n. */
const normalFloors = (sd: number): number[] => [10, 20, 40].map((n) => Math.expm1((2.58 * 1.2533 * sd) / Math.sqrt(n)));

const settings = [1, 6].flatMap((family) => [0, 0.3].map((lagOne) => ({ family, lagOne })));

for (const { family, lagOne } of settings) {
  const bound = lagOne === 0 ? 0.004 : 0.02;
  const runs = family === 1 ? 5000 : 1000;
  test(`false alarms of ${family} equal comparisons, lag-1 ${lagOne}: at most ${bound * 100} % of gates`, (t) => {
    const equals = { runs, family, lagOne, sd: 0.05, shift: 0, threshold: 0.001 };
    const { gates } = simulate(50 + family, { ...equals, noiseFloors: normalFloors(0.05) });
    t.true(gates <= bound, `${gates}`);
    // The sign test alone, without noise floor and with hardly a threshold: 0.45 % and 1.5 % in long simulations.
    const bare = simulate(60 + family, equals).gates;
    t.true(bare <= (lagOne === 0 ? 0.01 : 0.02), `${bare}`);
  });

  test(`a change of twice the threshold is found by ${family} comparisons, lag-1 ${lagOne}, in 95 %`, (t) => {
    const changed = { runs: runs / 5, family, lagOne, sd: 0.05, shift: Math.log1p(0.1), threshold: 0.05 };
    t.true(simulate(70 + family, changed).comparisons >= 0.95);
  });
}

test('heavy tails do no harm: a change of twice the threshold is found in 95 %, equals are not', (t) => {
  const setting = { runs: 1000, family: 1, lagOne: 0, sd: 0.05 / Math.sqrt(3), threshold: 0.05, heavy: true };
  t.true(simulate(80, { ...setting, shift: Math.log1p(0.1) }).comparisons >= 0.95);
  t.true(simulate(81, { ...setting, shift: 0 }).gates <= 0.004);
});

test('failures of head after the last look that a stopped run reached are a regression all the same', (t) => {
  const noisy = pairs(around(10, 0.05, 0.1));
  const late = [...noisy, failed(true, false), failed(true, false), ...pairs(around(2, 0))];
  t.is(one(late).kind, 'open');
  t.like(one(late, {}, true), { kind: 'regressed', because: 'failures' });
  t.is(one([...noisy, failed(true, false), failed(true, true)], {}, true).kind, 'inconclusive');
});

test('p-values are adjusted over the family before the first look as well', (t) => {
  const { verdicts } = judge([comparison(pairs(around(5, 0.5)))], { family: 4 }, true);
  t.is(verdicts[0]?.evidence.pSlower, 4 * 2 ** -5);
});
