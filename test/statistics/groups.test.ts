import test from 'ava';
import type { Sample } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { unitsOf } from '../../src/statistics/units.js';
import { armOf, group, ledgerOf, memoryOf, MIB } from './group-builder.js';
import { ok, reason, without } from './ledger-builder.js';

const [stdio, map] = [armOf('stdio', 3), armOf('mmap-shared', 3)];

test('a group counts as one, its slowest process for its time, the speed of all together', (t) => {
  const of = ledgerOf(
    [stdio, map],
    [],
    [group({ arm: stdio }, [10e6, 40e6, 20e6]), group({ arm: map }, [5e6, 10e6, 8e6])],
  );
  const [first, second] = summarize(of).cells;
  t.like(first, { arm: { label: 'mmap-shared' }, ttftNs: { n: 1, median: 10e6 } });
  t.is(first?.ratio?.ttft?.pairs, 1);
  t.is(first?.ratio?.ttft?.median, 0.25);
  t.is(first?.decodeTokensPerSecond?.median, 24);
  t.is(second?.outcomes.ok, 1);
  t.is(summarize(of).samples.total, 2);
});

test('the footprint of a group is what all hold beyond their baseline, the page cache once', (t) => {
  const of = ledgerOf([stdio], [], [group({ arm: stdio, pass: 'memory' }, [1, 1, 1], { memory: memoryOf(24 * MIB) })]);
  const [cell] = summarize(of).cells;
  t.deepEqual(cell?.footprint, {
    ...{ n: 1, unreclaimable: 24 * MIB, peakUnreclaimable: 24 * MIB, lockedCache: null, reclaimable: 8 * MIB },
  });
  const { baseline, firstToken, ...rest } = memoryOf(0);
  const memory = { ...rest, baseline: { ...baseline, locked: 0 }, firstToken: { ...firstToken, locked: 6 * MIB } };
  const locked = ledgerOf([stdio], [], [group({ arm: stdio, pass: 'memory' }, [1, 1, 1], { memory })]);
  t.deepEqual(summarize(locked).cells[0]?.footprint, {
    ...{ n: 1, unreclaimable: 6 * MIB, peakUnreclaimable: 6 * MIB, lockedCache: 6 * MIB, reclaimable: 2 * MIB },
  });
});

test('a failed group counts once and names why, and none of its processes pairs', (t) => {
  const broken = group({ arm: map }, [5e6, 6e6, 7e6], {
    ...{ outcome: 'failed', reason: reason('killed-by-signal'), ttftNs: null, completeNs: null, tokensPerSecond: null },
  });
  const [one, ...others] = broken.samples;
  const dead = { ...without('failed', { arm: map }, reason('killed-by-signal')), group: broken.group.id };
  t.truthy(one);
  const of = ledgerOf(
    [stdio, map],
    [],
    [group({ arm: stdio }, [10e6, 40e6, 20e6]), { samples: [dead, ...others], group: broken.group }],
  );
  const summary = summarize(of);
  const cell = summary.cells.find((each) => each.arm.label === 'mmap-shared');
  t.is(summary.samples.failed, 1);
  t.is(cell?.outcomes.failed, 1);
  t.is(cell?.ratio?.ttft, null);
  t.is(cell?.reasons[0]?.reason.code, 'killed-by-signal');
});

test('a group that never ran is counted with its reason, without any sample', (t) => {
  const refused = group({ arm: map }, [], {
    ...{ outcome: 'unsupported', reason: reason('memory-short'), processes: 3, ttftNs: null, completeNs: null },
    tokensPerSecond: null,
  });
  const of = ledgerOf([stdio, map], [], [group({ arm: stdio }, [1e6, 2e6, 3e6]), refused]);
  const cell = summarize(of).cells.find((each) => each.arm.label === 'mmap-shared');
  t.is(cell?.outcomes.unsupported, 1);
  t.is(cell?.ttftNs, null);
});

test('samples of processes of a group are no unit of their own, and the order is that of the run', (t) => {
  const single = armOf('stdio', 1);
  const alone = [ok({ arm: single }), { ...ok({ arm: single }), startedAt: '2026-01-02T03:04:09.000Z' }];
  const units = unitsOf(ledgerOf([single, stdio], alone, [group({ arm: stdio }, [1e6, 2e6, 3e6])]));
  t.deepEqual(
    units.map(({ group: of }) => of !== null),
    [false, true, false],
  );
});

test('what one more process costs is the median slope of the totals between counts', (t) => {
  const counts = [1, 2, 4];
  const arms = counts.map((count) => armOf('stdio', count));
  const entries = arms.slice(1).map((each) =>
    group(
      { arm: each, pass: 'memory' },
      Array.from({ length: each.processes }, () => 1),
      {
        memory: memoryOf(each.processes * 8 * MIB),
      },
    ),
  );
  const [single] = arms;
  const base = ok({ arm: single!, pass: 'memory' });
  const { memory } = base;
  const held =
    memory === null ? null : { ...memory.baseline, pssAnonymous: (memory.baseline.pssAnonymous ?? 0) + 8 * MIB };
  const one: Sample = {
    ...base,
    memory: memory === null ? null : { ...memory, firstToken: held },
    residency: { ...base.residency, firstToken: 8 * MIB },
  };
  const { scaling } = summarize(ledgerOf(arms, [one], entries));
  t.is(scaling.length, 1);
  t.is(scaling[0]?.bytesPerProcess, 8 * MIB);
  t.deepEqual(
    scaling[0]?.points.map(({ processes, total, shared }) => [processes, total, shared]),
    [
      [1, 16 * MIB, null],
      [2, 24 * MIB, 8 * MIB],
      [4, 40 * MIB, 8 * MIB],
    ],
  );
});

test('a loader with one count of processes has no slope', (t) => {
  t.deepEqual(summarize(ledgerOf([stdio], [], [group({ arm: stdio }, [1e6, 2e6, 3e6])])).scaling, []);
});
