import test from 'ava';
import type { Sample } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { CellSummary, Summary } from '../../src/statistics/summary-types.js';
import {
  MODEL,
  arm,
  deviceCeiling,
  excluded,
  ledger,
  memory,
  memoryCeiling,
  model,
  nullArm,
  ok,
  peak,
  reason,
  without,
} from './ledger-builder.js';

const stream = arm('cxx-stream');
const shared = arm('mmap-shared');

function cellOf(
  summary: Summary,
  loader: string,
  where: Partial<Pick<CellSummary, 'state' | 'memoryState'>> = {},
): CellSummary {
  return summary.cells.find(
    (cell) =>
      cell.arm.loader === loader &&
      cell.state === (where.state ?? cell.state) &&
      cell.memoryState === (where.memoryState ?? cell.memoryState),
  )!;
}

test('load is open and acquire; throughput is tensor bytes over complete', (t) => {
  const samples = [1, 2, 3].map((round) =>
    ok({ arm: stream, round }, { loadNs: round * 1000, completeNs: round * 1e6 }),
  );
  const cell = cellOf(summarize(ledger({ arms: [stream], samples })), 'cxx-stream');
  t.deepEqual(cell.loadNs, { n: 3, median: 2000, min: 1000, max: 3000, values: [1000, 2000, 3000] });
  t.is(cell.bytesPerSecond!.median, 1_000_000 / 0.002);
  t.is(cell.decodeTokensPerSecond!.median, 12);
});

test('ratios stay within blocks: drift between blocks does not touch them', (t) => {
  const samples = [1, 10, 3].flatMap((drift, index) => [
    ok({ arm: stream, round: index }, { loadNs: 1000 * drift, ttftNs: 4000 * drift, completeNs: 5000 * drift }),
    ok({ arm: shared, round: index }, { loadNs: 10 * drift, ttftNs: 2000 * drift, completeNs: 4000 * drift }),
  ]);
  const summary = summarize(ledger({ arms: [stream, shared], samples }));
  const { ratio } = cellOf(summary, 'mmap-shared');
  t.deepEqual(ratio!.ttft, {
    pairs: 3,
    median: 0.5,
    spread: 'range',
    low: 0.5,
    high: 0.5,
    confidence: null,
    values: [0.5, 0.5, 0.5],
  });
  t.is(ratio!.load!.median, 0.01);
  t.is(ratio!.complete!.median, 0.8);
  t.is(cellOf(summary, 'cxx-stream').ratio, null);
  t.true(cellOf(summary, 'cxx-stream').isReference);
});

test('six pairs have an exact interval', (t) => {
  const samples = [0.5, 0.7, 0.6, 0.9, 0.8, 0.4].flatMap((ratio, round) => [
    ok({ arm: stream, round }, { ttftNs: 1000 }),
    ok({ arm: shared, round }, { ttftNs: 1000 * ratio }),
  ]);
  const { ttft } = cellOf(summarize(ledger({ arms: [stream, shared], samples })), 'mmap-shared').ratio!;
  t.like(ttft, { pairs: 6, spread: 'interval', low: 0.4, high: 0.9, confidence: 0.96875 });
  t.deepEqual(ttft!.values, [0.5, 0.7, 0.6, 0.9, 0.8, 0.4]);
});

test('states, memory states and models are cells of their own', (t) => {
  const other = arm('cxx-stream', { model: 'model-b' });
  const samples = [
    ok({ arm: stream, state: 'cold' }, { ttftNs: 1 }),
    ok({ arm: stream, state: 'warm' }, { ttftNs: 2 }),
    ok({ arm: stream, state: 'cold', memoryState: 'returned' }, { ttftNs: 3 }),
    ok({ arm: other, state: 'cold' }, { ttftNs: 4 }),
  ];
  const { cells } = summarize(
    ledger({
      arms: [stream, other],
      samples,
      states: ['cold', 'warm'],
      memoryStates: ['backed', 'returned'],
      models: { [MODEL]: model(), 'model-b': model({ path: '/models/b.gguf' }) },
    }),
  );
  t.deepEqual(
    cells.map((cell) => [cell.arm.model, cell.memoryState, cell.state, cell.ttftNs?.values ?? null]),
    [
      [MODEL, 'backed', 'cold', [1]],
      [MODEL, 'backed', 'warm', [2]],
      [MODEL, 'returned', 'cold', [3]],
      [MODEL, 'returned', 'warm', null],
      ['model-b', 'backed', 'cold', [4]],
      ['model-b', 'backed', 'warm', null],
      ['model-b', 'returned', 'cold', null],
      ['model-b', 'returned', 'warm', null],
    ],
  );
});

test('loaders come by paired ratio, then those without a pair, those without first token, null, the ceiling', (t) => {
  const direct = arm('direct');
  const read = arm('read');
  const arms = [nullArm(), stream, direct, read, shared, memoryCeiling()];
  const samples = [
    ok({ arm: nullArm() }),
    without('unsupported', { arm: direct }, reason('no-direct')),
    ok({ arm: stream }, { ttftNs: 30 }),
    ok({ arm: shared }, { ttftNs: 20 }),
    ok({ arm: read, block: 7 }, { ttftNs: 1 }),
    ok({ arm: memoryCeiling() }),
  ];
  const { cells } = summarize(ledger({ arms, samples }));
  t.deepEqual(
    cells.map((cell) => cell.arm.loader),
    ['mmap-shared', 'cxx-stream', 'read', 'direct', 'null', 'memory'],
  );
});

test('a loader that ran in a fast block is not ranked before one that beats the reference by more', (t) => {
  const read = arm('read');
  const slow = arm('direct');
  const samples = [1, 2, 3].flatMap((round) => [
    ok({ arm: stream, round, block: 1 }, { ttftNs: 1000 }),
    ok({ arm: slow, round, block: 1 }, { ttftNs: 1100 }),
    ok({ arm: shared, round, block: 1 }, { ttftNs: 900 }),
    ok({ arm: stream, round, block: 2 }, { ttftNs: 2000 }),
    ok({ arm: read, round, block: 2 }, { ttftNs: 1000 }),
  ]);
  const { cells } = summarize(ledger({ arms: [stream, slow, shared, read], samples }));
  t.deepEqual(
    cells.map((cell) => [cell.arm.loader, cell.ttftNs!.median]),
    [
      ['read', 1000],
      ['mmap-shared', 900],
      ['cxx-stream', 1500],
      ['direct', 1100],
    ],
  );
});

test('without any pair loaders come by median', (t) => {
  const samples = [
    ok({ arm: stream, block: 1 }, { ttftNs: 30 }),
    ok({ arm: shared, block: 2 }, { ttftNs: 20 }),
    ok({ arm: arm('read'), block: 3 }, { ttftNs: 25 }),
  ];
  t.deepEqual(
    summarize(ledger({ arms: [stream, shared, arm('read')], samples })).cells.map((cell) => cell.arm.loader),
    ['mmap-shared', 'read', 'cxx-stream'],
  );
});

test('the order of blocks in the ledger changes no figure', (t) => {
  const samples = [3, 1, 2, 5, 4, 7].flatMap((value, round) => [
    ok({ arm: stream, round }, { ttftNs: 10 * value }),
    ok({ arm: shared, round }, { ttftNs: value * value }),
    ok({ arm: memoryCeiling(), round }, { completeNs: 5 + value }),
  ]);
  const figures = (of: readonly Sample[]): unknown =>
    summarize(ledger({ arms: [stream, shared, memoryCeiling()], samples: of })).cells.map(
      ({ ttftNs, ratio, ceilingShare }) => [
        ttftNs?.median,
        ratio?.ttft?.low,
        ratio?.ttft?.median,
        ratio?.ttft?.high,
        ceilingShare?.median,
      ],
    );
  t.deepEqual(figures(samples.toReversed()), figures(samples));
});

test('null has a load, and neither ratio nor share nor throughput', (t) => {
  const samples = [
    ok({ arm: stream }),
    ok({ arm: nullArm() }, { loadNs: 100 }, { ttftNs: 100 }),
    ok({ arm: memoryCeiling() }),
  ];
  const cell = cellOf(summarize(ledger({ arms: [stream, nullArm(), memoryCeiling()], samples })), 'null');
  t.is(cell.loadNs!.median, 100);
  t.is(cell.ttftNs, null);
  t.is(cell.ratio, null);
  t.is(cell.ceilingShare, null);
  t.is(cell.bytesPerSecond, null);
});

test('the share of the ceiling is its time over the loader’s, by state and block', (t) => {
  const samples = [
    ok({ arm: stream, state: 'cold' }, { completeNs: 400 }),
    ok({ arm: stream, state: 'warm' }, { completeNs: 200 }),
    ok({ arm: deviceCeiling(), state: 'cold' }, { completeNs: 100 }),
    ok({ arm: memoryCeiling(), state: 'warm' }, { completeNs: 20 }),
    ok({ arm: memoryCeiling(), state: 'warm', block: 2 }, { completeNs: 199 }),
  ];
  const summary = summarize(
    ledger({ arms: [stream, deviceCeiling(), memoryCeiling()], samples, states: ['cold', 'warm'] }),
  );
  t.deepEqual(cellOf(summary, 'cxx-stream', { state: 'cold' }).ceilingShare!.values, [0.25]);
  t.deepEqual(cellOf(summary, 'cxx-stream', { state: 'warm' }).ceilingShare!.values, [0.1]);
  const ceiling = cellOf(summary, 'device');
  t.is(ceiling.completeNs!.median, 100);
  t.is(ceiling.bytesPerSecond!.median, 1e13);
  t.is(ceiling.loadNs, null);
  t.is(ceiling.ratio, null);
});

test('what is not ok is counted, with its reasons, and is in no figure', (t) => {
  const samples = [
    ok({ arm: stream }, { ttftNs: 100 }),
    excluded('invalid', { arm: stream, round: 2 }, { ttftNs: 1 }, reason('warm-read')),
    excluded('invalid', { arm: stream, round: 3 }, { ttftNs: 1 }, reason('warm-read')),
    excluded('mismatch', { arm: stream, round: 4 }, { ttftNs: 1 }, reason('hash')),
    without('failed', { arm: stream, round: 5 }, reason('signal')),
    without('unsupported', { arm: shared }, reason('no-map')),
  ];
  const summary = summarize(ledger({ arms: [stream, shared], samples }));
  const cell = cellOf(summary, 'cxx-stream');
  t.deepEqual(cell.ttftNs!.values, [100]);
  t.deepEqual(cell.outcomes, { ok: 1, unsupported: 0, invalid: 2, mismatch: 1, failed: 1 });
  t.deepEqual(
    cell.reasons.map((each) => [each.outcome, each.reason.code, each.count]),
    [
      ['invalid', 'warm-read', 2],
      ['mismatch', 'hash', 1],
      ['failed', 'signal', 1],
    ],
  );
  t.deepEqual(summary.samples, { total: 6, invalid: 2, failed: 1, mismatch: 1 });
  t.is(cellOf(summary, 'mmap-shared').outcomes.unsupported, 1);
  t.is(cellOf(summary, 'mmap-shared').loadNs, null);
});

test('the memory pass gives footprints and no times', (t) => {
  const weighed = (held: number, tables: number): Sample =>
    ok(
      { arm: stream, pass: 'memory', round: held },
      { loadNs: 1 },
      {
        memory: {
          baseline: memory({
            pssAnonymous: 1000,
            pssShmem: 10,
            hugetlb: 5,
            swap: 1,
            pageTables: 100,
            anonymous: 2000,
            shmem: 10,
          }),
          loaded: memory({ pssAnonymous: 9_999_999 }),
          firstToken: memory({
            pssAnonymous: 1000 + held,
            pssShmem: 30,
            hugetlb: 8,
            swap: 2,
            pageTables: 100 + tables,
          }),
          end: memory(),
          peak: peak(2000 + 10 + 5 + 1 + 100 + 7777),
          kvCacheBytes: 1,
          scratchBytes: 1,
        },
        residency: { before: 0, opened: 0, loaded: 1, firstToken: 640, after: 2, size: 700 },
      },
    );
  const cell = cellOf(
    summarize(ledger({ arms: [stream], samples: [weighed(500, 7), weighed(300, 7), weighed(400, 7)] })),
    'cxx-stream',
  );
  t.deepEqual(cell.footprint, {
    n: 3,
    unreclaimable: 400 + 20 + 3 + 1 + 7,
    peakUnreclaimable: 7777,
    lockedCache: 0,
    reclaimable: 640,
  });
  t.is(cell.loadNs, null);
  t.is(cell.completeNs, null);
});

/** A sample of the memory pass: what was held after the first token, beside a plain baseline. */
function footprintOf(
  firstToken: ReturnType<typeof memory> | null,
  residency: { firstToken: number | null; after: number | null } = { firstToken: null, after: null },
): CellSummary['footprint'] {
  const sample = ok(
    { arm: stream, pass: 'memory' },
    {},
    {
      memory: {
        baseline: memory({ swap: 1000 }),
        loaded: memory({ pssAnonymous: 99_000_000 }),
        firstToken,
        end: memory(),
        peak: peak(null),
        kvCacheBytes: 1,
        scratchBytes: 1,
      },
      residency: { before: null, opened: null, loaded: null, size: 700, ...residency },
    },
  );
  return cellOf(summarize(ledger({ arms: [stream], samples: [sample] })), 'cxx-stream').footprint;
}

test('a footprint is never negative, and what is unknown stays unknown', (t) => {
  t.deepEqual(footprintOf(memory({ pssAnonymous: 1 })), {
    n: 1,
    unreclaimable: 0,
    peakUnreclaimable: null,
    lockedCache: null,
    reclaimable: null,
  });
  t.is(footprintOf(memory({ swap: null })), null);
});

test('locked page cache cannot be taken back, and locked memory of the process itself counts once', (t) => {
  const cached = { firstToken: 640_000, after: null };
  const locked = footprintOf(memory({ swap: 1000, locked: 600_000 }), cached)!;
  t.like(locked, { unreclaimable: 600_000, lockedCache: 600_000, reclaimable: 40_000 });
  const arena = memory({ swap: 1000, locked: 500_000, pssAnonymous: 30_500_000 });
  t.like(footprintOf(arena, cached)!, { unreclaimable: 500_000, lockedCache: 0, reclaimable: 640_000 });
  t.like(footprintOf(memory({ swap: 1000, locked: null }), cached)!, {
    ...{ unreclaimable: 0, lockedCache: null, reclaimable: 640_000 },
  });
});

test('what moved from one kind of memory to another is no growth', (t) => {
  t.is(footprintOf(memory({ swap: 0, pssAnonymous: 30_001_000 }))!.unreclaimable, 0);
  t.is(footprintOf(memory({ swap: 0, pageTables: 400_000 + 1500 }))!.unreclaimable, 500);
});

test('a footprint is that after the first token: no other moment stands in for it', (t) => {
  t.is(footprintOf(null), null);
  t.is(footprintOf(memory(), { firstToken: null, after: 700 })!.reclaimable, null);
  t.is(footprintOf(memory(), { firstToken: 640, after: 700 })!.reclaimable, 640);
});

test('an empty ledger has a cell for each arm, without figures', (t) => {
  const summary = summarize(ledger({ arms: [stream, shared], samples: [], ledger: { end: null } }));
  t.is(summary.cells.length, 2);
  t.is(summary.stopped, null);
  t.true(summary.cells.every(({ ttftNs, ratio }) => ttftNs === null && (ratio === null || ratio.ttft === null)));
});
