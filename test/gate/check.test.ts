import test from 'ava';
import type { BaselineEntry, BaselineMetric } from '../../src/gate/baseline-types.js';
import { checkAgainst, type CheckRequest } from '../../src/gate/check.js';
import { ceilingFigures, entriesOf } from '../../src/gate/figures.js';
import { usualThresholds } from '../../src/gate/register.js';
import type { ComparisonResult } from '../../src/gate/verdict-types.js';
import { arm, ledger, memoryCeiling, ok, reason, without } from '../statistics/ledger-builder.js';
import { random } from '../statistics/random.js';

const draw = random(17);

interface Made {
  readonly level?: number;
  readonly n?: number;
  readonly sd?: number;
  readonly ceiling?: number | null;
  readonly pageTables?: readonly number[];
  readonly failed?: number;
  readonly key?: string;
}

/** A day on which the machine runs at a speed of its own, which the ceiling shares. */
function day({ level = 1, n = 12, sd = 0.01, ceiling = null, failed = 0, key = 'k', pageTables }: Made): BaselineEntry {
  const values = Array.from({ length: n }, () => 1e7 * level * (ceiling ?? 1) * Math.exp(sd * draw.normal()));
  const ttft: BaselineMetric = {
    values,
    median: values.toSorted((a, b) => a - b)[n >> 1] ?? 0,
    normalized: ceiling === null ? null : values.map((value) => value / (1e7 * ceiling)),
  };
  const tables = { values: pageTables ?? [], median: pageTables?.[0] ?? 0, normalized: null };
  return {
    ...{ key, label: 'read', model: 'm', modelBytes: 1, state: 'warm', memoryState: 'backed', ok: n, failed },
    metrics: { ...(n === 0 ? {} : { ttft }), ...(pageTables === undefined ? {} : { 'page-tables': tables }) },
  };
}

function checked(head: Made, bases: readonly Made[], more: Partial<CheckRequest> = {}): readonly ComparisonResult[] {
  return checkAgainst({
    entries: [day(head)],
    baselines: bases.map((base) => [day(base)]),
    metrics: null,
    thresholds: usualThresholds(0.05),
    noiseOf: () => null,
    acrossMachines: false,
    ...more,
  });
}
const one = (...args: Parameters<typeof checked>): ComparisonResult | undefined => checked(...args)[0];

test('against one day alone nothing is concluded, however plain it looks', (t) => {
  for (const level of [1, 1.5, 0.5]) {
    const result = one({ level }, [{}]);
    t.is(result?.verdict, 'inconclusive');
    t.regex(result?.reason ?? '', /nothing tells how far runs of two days differ/);
  }
});

test('several days tell how far days differ: beyond that is a regression, within it none', (t) => {
  const days = [0.99, 1.005, 1, 0.995, 1.01].map((level) => ({ level }));
  t.is(one({ level: 1.3 }, days)?.verdict, 'regressed');
  t.is(one({ level: 0.7 }, days)?.verdict, 'improved');
  t.is(one({ level: 1 }, days)?.verdict, 'unchanged');
  const restless = [0.8, 1.1, 1.3, 0.9, 1.2].map((level) => ({ level }));
  const result = one({ level: 1.3 }, restless);
  t.not(result?.verdict, 'regressed');
  t.true((result?.tolerance ?? 0) > 0.3);
});

test('the noise that is stored for the machine does as well, and is the tolerance where it is greater', (t) => {
  const noiseOf = (): number => 0.08;
  t.is(one({ level: 1.3 }, [{}], { noiseOf })?.verdict, 'regressed');
  t.is(one({ level: 1 }, [{}], { noiseOf })?.verdict, 'unchanged');
  t.is(one({ level: 1.3 }, [{}], { noiseOf })?.tolerance, 0.08);
  t.is(one({ level: 1.07 }, [{}], { noiseOf: () => 0.2 })?.verdict, 'unchanged');
});

test('too few samples decide nothing, and say so', (t) => {
  const result = one({ level: 2, n: 3 }, [{ n: 3 }], { noiseOf: () => 0.02 });
  t.is(result?.verdict, 'inconclusive');
  t.is(result?.smallestChange, null);
  t.regex(result?.reason ?? '', /too few samples \(3 against 3\)/);
});

test('costs are divided by the ceilings of their own day where all have them', (t) => {
  const noiseOf = (): number => 0.02;
  t.is(one({ ceiling: 2 }, [{ ceiling: 1 }], { noiseOf })?.verdict, 'unchanged', 'the machine alone was slower');
  const slower = one({ ceiling: 2, level: 1.3 }, [{ ceiling: 1 }], { noiseOf });
  t.is(slower?.verdict, 'regressed');
  t.true(slower?.byCeiling, 'the ratio is none of the times beside it');
  t.is(one({ level: 1.3 }, [{}], { noiseOf })?.byCeiling, undefined);
  t.is(one({ level: 2 }, [{ ceiling: 1 }], { noiseOf })?.verdict, 'regressed', 'one side has no ceiling');
});

test("another machine's times say nothing without the ceilings of both", (t) => {
  const noiseOf = (): number => 0.02;
  const across = { noiseOf, acrossMachines: true };
  t.is(one({ level: 2 }, [{}], across)?.verdict, 'inconclusive');
  t.is(one({ level: 2, ceiling: 1 }, [{ ceiling: 3 }], across)?.verdict, 'regressed');
  const tables = checked({ pageTables: [9e6] }, [{ pageTables: [2e6] }], across)[1];
  t.like(tables, { metric: 'page-tables', verdict: 'inconclusive' });
});

test('counters have tight thresholds of their own and need no noise', (t) => {
  const tables = (head: readonly number[], base: readonly number[]): string | undefined =>
    checked({ pageTables: head }, [{ pageTables: base }]).find(({ metric }) => metric === 'page-tables')?.verdict;
  t.is(tables([2e6], [2e6]), 'unchanged');
  t.is(tables([2.4e6, 2.4e6], [2e6, 2e6]), 'regressed');
  t.is(tables([1.5e6], [2e6]), 'improved');
  t.is(tables([1e6, 2.4e6, 2.5e6], [2e6, 2e6, 3e6]), 'inconclusive');
  t.is(tables([4096], [0]), 'unchanged');
});

test('what failed twice and never before has regressed', (t) => {
  const result = one({ n: 0, failed: 2 }, [{}]);
  t.is(result?.verdict, 'regressed');
  t.regex(result?.reason ?? '', /2 samples failed/);
  t.not(one({ n: 6, failed: 1 }, [{}])?.verdict, 'regressed');
  t.not(one({ n: 6, failed: 2 }, [{ failed: 1 }])?.verdict, 'regressed');
});

test('what was weighed and has no ok sample is not taken for as good as before', (t) => {
  for (const [failed, of] of [
    [2, 1],
    [12, 1],
    [1, 0],
    [0, 0],
  ] as const) {
    const results = checked({ n: 0, failed }, [{ failed: of, pageTables: [1] }]);
    t.deepEqual(
      results.map(({ metric, verdict }) => [metric, verdict]),
      [
        ['ttft', 'inconclusive'],
        ['page-tables', 'inconclusive'],
      ],
      `${failed} failed, ${of} in the baseline`,
    );
  }
  t.regex(one({ n: 0, failed: 12 }, [{ failed: 1 }])?.reason ?? '', /12 samples failed .* none was ok/);
  t.regex(one({ n: 0 }, [{}])?.reason ?? '', /no sample of this run has it/);
});

test('of many comparisons a change that each sample shows is found, and what could have been seen is told', (t) => {
  const keys = Array.from({ length: 250 }, (_, index) => `k${index}`);
  const run = (level: number): readonly BaselineEntry[] =>
    keys.map((key, index) => day({ key, n: 20, level: index === 7 ? level : 1 }));
  const results = checkAgainst({
    ...{ entries: run(1.5), baselines: [run(1)], metrics: null, thresholds: usualThresholds(0.05) },
    ...{ noiseOf: () => 0.02, acrossMachines: false },
  });
  t.is(results[7]?.verdict, 'regressed');
  t.true((results[7]?.smallestChange ?? 0) > 0.01);
  t.is(results[8]?.verdict, 'unchanged');
  t.not(results[8]?.smallestChange, null);
});

test('a day is one observation, however many samples it has', (t) => {
  const days = [
    { level: 0.9, n: 60 },
    { level: 1, n: 5 },
    { level: 1.01, n: 5 },
    { level: 0.99, n: 5 },
    { level: 1.1, n: 5 },
  ];
  const result = one({ level: 1 }, days);
  t.true(Math.abs((result?.ratio ?? 0) - 1) < 0.02, `${result?.ratio}`);
});

test('unchanged says no more than the days allow: what a change made worse a good day may hide', (t) => {
  const noiseOf = (): number => 0.2;
  t.regex(one({ level: 1 }, [{}], { noiseOf })?.reason ?? '', /surely less than 44% more/);
});

test('other work is not compared', (t) => {
  t.deepEqual(checked({ key: 'other' }, [{}]), []);
  t.deepEqual(checked({}, [{}], { metrics: ['decode'] }), []);
});

test('of many days without a change few are called a regression', (t) => {
  let alarms = 0;
  for (let trial = 0; trial < 150; trial += 1) {
    const levels = Array.from({ length: 6 }, () => Math.exp(0.05 * draw.normal()));
    const [head = 1, ...bases] = levels;
    const result = one(
      { level: head, n: 6 },
      bases.map((level) => ({ level, n: 6 })),
    );
    if (result?.verdict === 'regressed') alarms += 1;
  }
  t.true(alarms <= 5, `${alarms} of 150`);
});

test('figures of a run: medians of each arm and state, divided by the ceiling of the same block', (t) => {
  const read = arm('read');
  const limit = memoryCeiling();
  const samples = [1, 2, 3].flatMap((round) => [
    ok({ arm: read, round }, { ttftNs: 100 * round, completeNs: 200 * round }),
    ok({ arm: limit, round }, { completeNs: 50 * round }),
  ]);
  const made = ledger({ arms: [read, limit], samples });
  const [entry, ...others] = entriesOf(made);
  t.deepEqual(others, []);
  t.like(entry, { label: 'read', model: '0123456789abcdef', state: 'warm', ok: 3, failed: 0 });
  t.deepEqual(entry?.metrics.ttft, { values: [100, 200, 300], median: 200, normalized: [2, 2, 2] });
  t.is(entry?.metrics['read-bytes']?.normalized, null);
  t.deepEqual(
    ceilingFigures(made).map(({ limit: name, medianNs, n }) => [name, medianNs, n]),
    [['memory', 100, 3]],
  );
  const failing = ledger({ arms: [read], samples: [without('failed', { arm: read }, reason('crashed'))] });
  t.like(entriesOf(failing)[0], { ok: 0, failed: 1, metrics: {} });
  const gone = ledger({ arms: [read], samples: [without('unsupported', { arm: read }, reason('unsupported'))] });
  t.like(entriesOf(gone)[0], { ok: 0, failed: 0, metrics: {} });
});

test('the build and the contents of a file are not part of the key, the loader and its work are', (t) => {
  const key = (over: Parameters<typeof arm>[1]): string | undefined => {
    const made = arm('mine', over);
    return entriesOf(ledger({ arms: [made], samples: [ok({ arm: made })] }))[0]?.key;
  };
  const plain = key({ id: 'mine m infer t2' });
  t.is(plain, 'mine m infer t2');
  t.is(key({ id: 'mine m infer t2 abcd', module: '/m.ts', moduleDigest: 'abcd' }), plain);
  t.is(key({ id: 'mine m infer t2 build:1-ff', build: '1 ff', buildDirectory: '/b' }), plain);
  t.not(key({ id: 'mine m infer t4' }), plain);
});
