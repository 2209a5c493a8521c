import test from 'ava';
import { noiseOf } from '../../src/statistics/noise.js';
import { aaLedger, base, copy } from './aa-ledger.js';
import { arm, ledger } from './ledger-builder.js';

test('an A/A run gives one record a state, keyed by machine, model, arm and state', (t) => {
  const records = noiseOf(aaLedger({ rounds: 40, states: ['cold', 'warm'] }), '/runs/aa');
  t.deepEqual(
    records.map(({ key }) => key),
    (['cold', 'warm'] as const).map((state) => ({
      fingerprint: 'feedfacecafebeef',
      model: '0123456789abcdef',
      arm: base.id,
      state,
      memoryState: 'backed' as const,
    })),
  );
  t.like(records[0]?.provenance, { run: '/runs/aa', loader: 'mmap-shared', seed: 1, tool: 'weighbridge 0.1.0' });
  t.is(records[0]?.family, 6);
  for (const { metrics, rounds } of records) {
    t.is(rounds, 40);
    for (const metric of ['ttft', 'complete', 'decode'] as const) {
      const { pairs, looks } = metrics[metric];
      t.is(pairs, 40);
      t.deepEqual(
        looks.map((look) => look.pairs),
        [10, 20, 40],
      );
      const [ten, twenty, forty] = looks.map(({ noiseFloor }) => noiseFloor ?? 0);
      t.true(ten! > twenty! && twenty! > forty! && forty! > 0);
      // Six comparisons cannot be decided by ten pairs.
      t.is(looks[0]?.smallestInFamily, null);
      t.true((looks[1]?.smallestAlone ?? 0) > (looks[2]?.smallestAlone ?? 1));
      t.true((looks[2]?.smallestInFamily ?? 0) >= (looks[2]?.smallestAlone ?? 1));
    }
  }
});

test('equal ledgers give equal records', (t) => {
  t.deepEqual(noiseOf(aaLedger({ rounds: 45 }), '/a'), noiseOf(aaLedger({ rounds: 45 }), '/a'));
});

test('drift is seen in the times and not in the pairs', (t) => {
  const [still] = noiseOf(aaLedger({ rounds: 60 }), '/a');
  const [drifting] = noiseOf(aaLedger({ rounds: 60, drift: 1 }), '/a');
  const [before, after] = [still!.metrics.ttft, drifting!.metrics.ttft];
  // Twice as slow after ten minutes: 7.2 % a minute.
  t.true(Math.abs((after.driftPerMinute ?? 0) - (2 ** 0.1 - 1)) < 0.01);
  t.true(Math.abs(before.driftPerMinute ?? 1) < 0.01);
  t.true((after.lastToFirst ?? 0) > 1.5 && Math.abs((before.lastToFirst ?? 0) - 1) < 0.05);
  t.true((after.looks[2]?.noiseFloor ?? 1) < 1.5 * (before.looks[2]?.noiseFloor ?? 0));
});

test('too few pairs give no floors, and no rounds nothing at all', (t) => {
  const [few] = noiseOf(aaLedger({ rounds: 39 }), '/a');
  t.true(
    few!.metrics.ttft.looks.every(({ noiseFloor, smallestAlone }) => noiseFloor === null && smallestAlone === null),
  );
  const [none] = noiseOf(aaLedger({ rounds: 0 }), '/a');
  t.like(none!.metrics.ttft, { pairs: 0, lagOne: null, driftPerMinute: null, lastToFirst: null, modes: null });
});

test('a run of two different loaders is no A/A', (t) => {
  const arms = [arm('stdio'), arm('mmap-shared')];
  t.throws(() => noiseOf(ledger({ arms, samples: [] }), '/a'), { message: /not the same arm/ });
  t.throws(() => noiseOf(ledger({ arms: arms.slice(1), samples: [] }), '/a'), { message: /named twice/ });
});

test('copies that differ in more than their names are no A/A', (t) => {
  const { run, ...rest } = aaLedger({ rounds: 1 });
  const other = (overrides: Partial<typeof base>) => {
    const arms = { ...run.arms, [copy.id]: { ...copy, ...overrides } };
    return (): unknown => noiseOf({ ...rest, run: { ...run, arms } }, '/a');
  };
  t.notThrows(other({}));
  const differences = [{ loadThreads: 4, options: { threads: 4 } }, { threads: 1 }, { moduleDigest: 'ab' }];
  for (const overrides of differences) t.throws(other(overrides), { message: /not the same arm/ });
});

test('a drift a minute is told of no run that lasted less', (t) => {
  // Six rounds, one every ten seconds, are 52 seconds.
  const [short] = noiseOf(aaLedger({ rounds: 6, drift: 1 }), '/a');
  t.is(short!.metrics.ttft.driftPerMinute, null);
  t.true((short!.metrics.ttft.lastToFirst ?? 0) > 1.2, 'what was seen is told');
  t.not(noiseOf(aaLedger({ rounds: 8, drift: 1 }), '/a')[0]!.metrics.ttft.driftPerMinute, null);
});
