import test from 'ava';
import type { Limit } from '../../src/samples/limit-types.js';
import type { Arm, Measurement, Sample } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { Binding } from '../../src/statistics/summary-types.js';
import { arm, deviceCeiling, ledger, memory, ok, peak, phase } from './ledger-builder.js';

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
  each: Partial<Record<'open' | 'acquire' | 'firstToken' | 'complete', Partial<typeof nothing>>>,
): Measurement['phases'] => ({
  setup: phase(1),
  open: phase(1, { ...nothing, ...each.open }),
  acquire: phase(1, { ...nothing, ...each.acquire }),
  firstToken: phase(1, { ...nothing, ...each.firstToken }),
  complete: phase(1, { ...nothing, ...each.complete }),
  prefill: null,
  decode: null,
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
): Binding | null {
  const { state = 'warm', memoryState = 'backed' } = where;
  const times = { ttftNs: 900_000, completeNs: 1_000_000 };
  const sample = ok({ arm: of, state, memoryState }, times, { ...idle, ...overrides });
  const contents = ledger({
    arms: [of, ...(state === 'cold' ? [deviceCeiling()] : [])],
    states: [state],
    memoryStates: [memoryState],
    samples: [sample, ...more],
    run: { limits },
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
    limits: [{ name: 'copy', ns: 250_000 }],
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
  t.like(bindingOf(direct, huge, { memoryState: 'returned' }), { name: 'first-touch', share: 1.6 });
  // No speed was measured for 4 KiB pages in returned memory: nothing is made up.
  const unknown = bindingOf(direct, { memory: grown({ anonymous: 700_000 }) }, { memoryState: 'returned' });
  t.like(unknown, { name: 'unexplained', limits: [] });
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
    { name: 'first-touch', ns: 900_000 },
    { name: 'compute', ns: 600_000 },
    { name: 'copy', ns: 500_000 },
  ]);
  t.is(binding?.name, 'first-touch');
});

test('ceilings, bounds and arms without a time have no binding', (t) => {
  t.is(bindingOf(arm('stream-discard', { kind: 'bound', mechanism: 'discard', work: 'read' }), {}), null);
  t.is(bindingOf(arm('read'), { completeNs: null }), null);
});
