import test from 'ava';
import type { Limit } from '../../src/samples/limit-types.js';
import type { Arm, Measurement, Sample } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { Binding } from '../../src/statistics/summary-types.js';
import { arm, deviceCeiling, ledger, memory, MODEL, model, ok, peak, phase } from './ledger-builder.js';

const MIB = 2 ** 20;

function limit(name: Limit['name'], value: number | null, rest: Partial<Limit> = {}): Limit {
  const unit = name === 'minor-fault' ? 'ns' : 'bytes/s';
  return {
    name,
    value,
    unit,
    threads: 1,
    pageBytes: null,
    memoryState: null,
    path: null,
    method: '',
    reason: null,
    ...rest,
  };
}

/** Speeds that give round times: a byte a nanosecond is 1e9 bytes/s. */
const limits: readonly Limit[] = [
  limit('copy', 2e9),
  limit('copy', 4e9, { threads: 2 }),
  limit('first-touch', 1e9, { pageBytes: 4096, memoryState: 'backed' }),
  limit('first-touch', 8e9, { pageBytes: 2 * MIB, memoryState: 'backed' }),
  limit('first-touch', 0.5e9, { pageBytes: 2 * MIB, memoryState: 'returned' }),
  limit('minor-fault', 1000),
  limit('memory-read-mapping', 10e9),
];

const nothing = { minorFaults: 0, majorFaults: 0, readBytes: 0 };
const phasesOf = (
  each: Partial<Record<'open' | 'acquire' | 'firstToken' | 'complete' | 'decode', Partial<typeof nothing>>>,
): Measurement['phases'] => ({
  setup: phase(1),
  open: phase(1, { ...nothing, ...each.open }),
  acquire: phase(1, { ...nothing, ...each.acquire }),
  firstToken: phase(1, { ...nothing, ...each.firstToken }),
  complete: phase(1, { ...nothing, ...each.complete }),
  prefill: null,
  decode: each.decode === undefined ? null : phase(1, { ...nothing, ...each.decode }),
  release: phase(1),
});

const grown = (by: Partial<Record<'anonymous' | 'hugeAnonymous' | 'hugetlb', number>>): Measurement['memory'] => ({
  baseline: memory({ anonymous: 0, hugeAnonymous: 0, hugetlb: 0 }),
  loaded: null,
  firstToken: null,
  end: memory({ anonymous: 0, hugeAnonymous: 0, hugetlb: 0, ...by }),
  peak: peak(null),
  kvCacheBytes: 0,
  scratchBytes: 0,
});

/** A loader that does nothing but what a test says: 1 MB model (as the builder has it), complete after 1 ms. */
const idle: Partial<Measurement> = {
  phases: phasesOf({}),
  memory: grown({}),
  untouchedBytes: 0,
  tokens: { prompt: 0, generated: 0, perTokenNs: [1] },
};

function bindingOf(
  of: Arm,
  overrides: Partial<Measurement>,
  where: { readonly state?: 'cold' | 'warm'; readonly memoryState?: 'backed' | 'returned' } = {},
  more: readonly Sample[] = [],
  measured: readonly Limit[] = limits,
): Binding | null {
  const { state = 'warm', memoryState = 'backed' } = where;
  const times = { ttftNs: 900_000, completeNs: 1_000_000 };
  const sample = ok({ arm: of, state, memoryState }, times, { ...idle, ...overrides });
  const contents = ledger({
    arms: [of, ...(state === 'cold' ? [deviceCeiling()] : [])],
    states: [state],
    memoryStates: [memoryState],
    samples: [sample, ...more],
    run: { limits: measured },
  });
  return summarize(contents).cells.find((cell) => cell.arm.id === of.id)?.binding ?? null;
}

test('a cold map is device-bound: issued bytes at the pace of the ceiling of its own block', (t) => {
  const mapped = arm('mmap-shared', { mechanism: 'mmap' });
  // 990,000 bytes in 0.5 ms: 1.98 bytes a nanosecond. 1,584,000 issued would take 0.8 ms of 1 ms.
  const ceiling = ok({ arm: deviceCeiling(), state: 'cold' }, { completeNs: 500_000 });
  const elsewhere = ok({ arm: deviceCeiling(), state: 'cold', block: 2 }, { completeNs: 5 });
  const phases = phasesOf({ open: { readBytes: 4000 }, firstToken: { readBytes: 1_580_000 } });
  const binding = bindingOf(mapped, { phases }, { state: 'cold' }, [ceiling, elsewhere]);
  t.is(binding?.name, 'device');
  t.is(Math.round(binding!.share! * 1000), 800);
  t.is(binding?.limits[0]?.ns, 800_000);
});

test('a warm reader is copy-bound, at the speed of as many threads as it has', (t) => {
  // 1,000,000 bytes at 2 bytes a nanosecond are half of 1 ms, with two threads a quarter.
  t.like(bindingOf(arm('read'), {}), { name: 'copy', share: 0.5 });
  t.like(bindingOf(arm('pread', { options: { threads: 2 } }), {}), {
    name: 'unexplained',
    share: null,
    limits: [{ name: 'copy', ns: 250_000, credible: true }],
  });
  t.like(bindingOf(arm('mmap-shared', { mechanism: 'mmap' }), {}), { name: 'unexplained', limits: [] });
  t.like(bindingOf(arm('uring', { options: { direct: false } }), {}), { name: 'copy' });
  t.like(bindingOf(arm('uring', { options: { direct: true } }), {}), { name: 'unexplained' });
});

test('memory gained is paid at the first touch of its page size and memory state', (t) => {
  const direct = arm('direct');
  const small = bindingOf(direct, { memory: grown({ anonymous: 700_000 }) });
  t.like(small, { name: 'first-touch', share: 0.7 });
  const huge = { memory: grown({ anonymous: 800_000, hugeAnonymous: 800_000 }) };
  t.like(bindingOf(direct, huge), { name: 'unexplained', limits: [{ name: 'first-touch', ns: 100_000 }] });
  const less = { memory: grown({ anonymous: 400_000, hugeAnonymous: 400_000 }) };
  t.like(bindingOf(direct, less, { memoryState: 'returned' }), { name: 'first-touch', share: 0.8 });
  // No speed was measured for 4 KiB pages in returned memory: nothing is made up.
  const unknown = bindingOf(direct, { memory: grown({ anonymous: 700_000 }) }, { memoryState: 'returned' });
  t.like(unknown, { name: 'unexplained', limits: [] });
});

test('a speed that one arm has beaten explains no other arm of the run', (t) => {
  const [direct, read, huge] = [arm('direct'), arm('read'), arm('read-thp', { options: { arena: 'thp' } })];
  const touched = { ...idle, memory: grown({ anonymous: 700_000 }) };
  const of = (quick: number): Record<string, Binding | null> => {
    const samples = [
      ok({ arm: direct }, { ttftNs: 1, completeNs: quick }, touched),
      ok({ arm: read }, { ttftNs: 1, completeNs: 1_000_000 }, touched),
      ok({ arm: huge }, { ttftNs: 1, completeNs: 1_000_000 }, touched),
    ];
    const { cells } = summarize(ledger({ arms: [direct, read, huge], samples, run: { limits } }));
    return Object.fromEntries(cells.map(({ arm: { label }, binding }) => [label, binding]));
  };
  // 700,000 bytes are 0.7 ms.
  t.like(of(800_000)['read'], { name: 'first-touch', share: 0.7 });
  // By a fifth: that of direct does not hold, and for read it may be scatter.
  t.like(of(580_000)['direct'], { name: 'unexplained' });
  t.like(of(580_000)['read'], { name: 'first-touch' });
  const beaten = of(400_000);
  t.like(beaten['direct'], { name: 'unexplained' });
  t.like(beaten['read'], { name: 'copy', share: 0.5 });
  t.false(beaten['read']?.limits.find(({ name }) => name === 'first-touch')?.credible);
  t.like(beaten['read-thp'], { name: 'first-touch' }, 'other pages have a speed of their own');
});

test('where none takes half, they are several if together they do, and unexplained if not', (t) => {
  // A copy is half of the time of one thread, a quarter of two; first touch of 300,000 bytes is 0.3.
  const two = arm('pread', { options: { threads: 2 } });
  const copying = bindingOf(two, { memory: grown({ anonymous: 300_000 }) });
  t.like(copying, { name: 'several', share: null });
  t.deepEqual(
    copying?.limits.map(({ name, share }) => [name, share]),
    [
      ['first-touch', 0.3],
      ['copy', 0.25],
    ],
  );
  // The same memory gained in half the time, and nothing else: no contradiction.
  t.like(bindingOf(arm('direct'), { memory: grown({ anonymous: 600_000 }) }), { name: 'first-touch', share: 0.6 });
  t.like(bindingOf(two, { memory: grown({ anonymous: 200_000 }) }), { name: 'unexplained' });
});

test('faults count by the threads that take them', (t) => {
  const mapped = arm('mmap-shared', { mechanism: 'mmap', threads: 2 });
  const phases = phasesOf({ acquire: { minorFaults: 300 }, firstToken: { minorFaults: 500, majorFaults: 100 } });
  t.like(bindingOf(mapped, { phases }), { name: 'fault', share: 0.6, limits: [{ name: 'fault', ns: 600_000 }] });
});

test('a map that is there already is compute-bound: a decode step and what it leaves unread', (t) => {
  const mapped = arm('mmap-shared', { mechanism: 'mmap' });
  const tokens = { prompt: 0, generated: 3, perTokenNs: [900_000, 850_000, 800_000, 950_000] };
  // 1,000,000 bytes at 10 bytes a nanosecond on top of 850,000 ns.
  const binding = bindingOf(mapped, { tokens, untouchedBytes: 1_000_000 });
  t.like(binding, { name: 'compute', share: 0.95, limits: [{ name: 'compute', ns: 950_000 }] });
});

test('the largest limit binds; the others are told with their times', (t) => {
  const tokens = { prompt: 0, generated: 1, perTokenNs: [1, 600_000] };
  const binding = bindingOf(arm('read'), { tokens, memory: grown({ anonymous: 900_000 }) });
  t.deepEqual(binding?.limits, [
    { name: 'first-touch', ns: 900_000, share: 0.9, credible: true },
    { name: 'compute', ns: 600_000, share: 0.6, credible: true },
    { name: 'copy', ns: 500_000, share: 0.5, credible: true },
  ]);
  t.is(binding?.name, 'first-touch');
});

test('ceilings, bounds and arms without a time have no binding', (t) => {
  t.is(bindingOf(arm('stream-discard', { kind: 'bound', mechanism: 'discard', work: 'read' }), {}), null);
  t.is(bindingOf(arm('read'), { completeNs: null }), null);
});

test('faults that fill an arena are paid at first touch, and the rest as a mapping’s', (t) => {
  // 100 small pages and one huge one: 101 of the faults of load, and of the 300 in all 199 are left.
  const memoryGrown = grown({ anonymous: 409_600 + 2 * MIB, hugeAnonymous: 2 * MIB });
  const phases = phasesOf({ acquire: { minorFaults: 201 }, firstToken: { minorFaults: 99 } });
  const one = arm('direct', { threads: 1 });
  const binding = bindingOf(one, { phases, memory: memoryGrown });
  t.is(binding?.limits.find(({ name }) => name === 'fault')?.ns, 199_000);
  // Where a crew fills it behind the first token, its faults are among those of the first token.
  const late = phasesOf({ acquire: { minorFaults: 1 }, firstToken: { minorFaults: 150 } });
  t.is(bindingOf(one, { phases: late, memory: memoryGrown })?.limits.find(({ name }) => name === 'fault')?.ns, 50_000);
  // Fewer faults than pages: nothing is left, and nothing is negative.
  const few = phasesOf({ acquire: { minorFaults: 50 } });
  t.false(bindingOf(one, { phases: few, memory: memoryGrown })?.limits.some(({ name }) => name === 'fault'));
  const pool = { phases: phasesOf({ acquire: { minorFaults: 1 } }), memory: grown({ hugetlb: 2 * MIB }) };
  t.false(bindingOf(one, pool)?.limits.some(({ name }) => name === 'fault'));
});

test('memory whose page sizes are unknown is not priced, nor are the faults that brought it', (t) => {
  const phases = phasesOf({ acquire: { minorFaults: 800 } });
  const known = grown({ anonymous: 600_000 });
  const unknown = known === null ? null : { ...known, end: { ...known.end, hugeAnonymous: null } };
  t.deepEqual(bindingOf(arm('direct'), { phases, memory: unknown })?.limits, []);
});

test('a limit that was beaten does not bind: the largest credible one does, or none', (t) => {
  const tokens = { prompt: 0, generated: 1, perTokenNs: [1, 1_110_000] };
  const next = bindingOf(arm('read'), { tokens });
  t.like(next, { name: 'copy', share: 0.5 });
  t.deepEqual(next?.limits, [
    { name: 'compute', ns: 1_110_000, share: 1.11, credible: false },
    { name: 'copy', ns: 500_000, share: 0.5, credible: true },
  ]);
  const mapped = arm('mmap-shared', { mechanism: 'mmap' });
  t.like(bindingOf(mapped, { tokens }), { name: 'unexplained', share: null });
  const within = { tokens: { ...tokens, perTokenNs: [1, 1_090_000] } };
  t.like(bindingOf(mapped, within), { name: 'compute', share: 1.09 });
});

test('decode steps that read storage do not tell what computing takes', (t) => {
  const mapped = arm('mmap-shared', { mechanism: 'mmap' });
  const tokens = { prompt: 0, generated: 1, perTokenNs: [1, 800_000] };
  const having = (decode: Partial<typeof nothing>): Binding | null =>
    bindingOf(mapped, { tokens, phases: phasesOf({ decode }) });
  t.like(having({}), { name: 'compute', share: 0.8 });
  t.like(having({ readBytes: 4096 }), { name: 'unexplained', limits: [] });
  t.like(having({ majorFaults: 1 }), { name: 'unexplained', limits: [] });
});

test('a count of threads that was not measured has the speed of the fastest of more, or else of the most', (t) => {
  const counts = [limit('copy', 1e9), limit('copy', 4e9, { threads: 4 }), limit('copy', 2e9, { threads: 8 })];
  const withThreads = (threads: number): number | undefined =>
    bindingOf(arm('pread', { options: { threads } }), {}, {}, [], counts)?.limits[0]?.ns;
  t.is(withThreads(1), 1_000_000);
  t.is(withThreads(2), 250_000);
  t.is(withThreads(8), 500_000);
  t.is(withThreads(16), 500_000);
});

test('what was measured with one model’s file explains no other model', (t) => {
  const other = model({ path: '/models/b.gguf', parts: [{ path: '/models/b.gguf', bytes: 1_000_500 }] });
  const [reader, stranger] = [arm('read'), arm('read', { model: 'model-b' })];
  const overrides = { ...idle, memory: grown({ anonymous: 300_000 }) };
  const contents = ledger({
    arms: [reader, stranger],
    samples: [reader, stranger].map((each) => ok({ arm: each }, { completeNs: 1_000_000 }, overrides)),
    run: {
      models: { [MODEL]: model(), 'model-b': other },
      limits: limits.map((each) => (each.pageBytes === null ? { ...each, path: '/models/a.gguf' } : each)),
    },
  });
  const { cells } = summarize({
    ...contents,
    run: { ...contents.run, plan: { ...contents.run.plan, models: [MODEL, 'model-b'] } },
  });
  const of = (id: string): Binding | null | undefined => cells.find((cell) => cell.arm.id === id)?.binding;
  t.like(of(reader.id), { name: 'copy', share: 0.5 });
  t.deepEqual(of(stranger.id)?.limits, [{ name: 'first-touch', ns: 300_000, share: 0.3, credible: true }]);
});

test('nobody is charged a copy that is not made, is not known, or that nobody waits for', (t) => {
  const copies = (of: Arm): boolean => bindingOf(of, {})?.limits.some(({ name }) => name === 'copy') ?? false;
  const mapped = (options: Arm['options']): Arm => arm('map', { mechanism: 'mmap', options });
  t.true(copies(mapped({ bring: 'read' })));
  t.false(copies(mapped({ bring: 'read', pipelined: true })));
  t.true(copies(mapped({ dirtied: true })));
  t.false(copies(arm('hybrid')));
  t.true(copies(arm('node-fs', { mechanism: 'callback' })));
  t.false(copies(arm('theirs', { mechanism: 'callback', origin: 'external', module: '/theirs.js' })));
  t.false(copies(arm('library', { mechanism: 'external', origin: 'external' })));
});

test('issued bytes are those of the whole sample where the child tells them', (t) => {
  const mapped = arm('mmap-shared', { mechanism: 'mmap' });
  const ceiling = ok({ arm: deviceCeiling(), state: 'cold' }, { completeNs: 500_000 });
  const phases = phasesOf({ firstToken: { readBytes: 990_000 } });
  const told = { phases, effective: { issuedBytes: 1_584_000 } };
  t.is(bindingOf(mapped, { phases }, { state: 'cold' }, [ceiling])?.limits[0]?.ns, 500_000);
  t.is(bindingOf(mapped, told, { state: 'cold' }, [ceiling])?.limits[0]?.ns, 800_000);
});

test('what works against a sample has no ceilings, and so no limit that binds it', (t) => {
  const mapped = arm('mmap-shared', { mechanism: 'mmap' });
  const free = { phases: phasesOf({ firstToken: { readBytes: 1_000_000 } }) };
  t.not(bindingOf(mapped, free), null);
  t.is(bindingOf({ ...mapped, memoryLimit: 1_000_000 }, free), null);
  t.is(bindingOf({ ...mapped, pressure: { kind: 'memory', bytes: 1, path: null } }, free), null);
});
