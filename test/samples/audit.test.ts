import test from 'ava';
import { auditOf } from '../../src/samples/audit.js';
import type { Arm, Measurement, Memory, State } from '../../src/samples/record.js';
import type { OkSample } from '../../src/statistics/pairs.js';
import { arm, deviceCeiling, memory, memoryCeiling, model, ok, peak } from '../statistics/ledger-builder.js';

const MB = 1_000_000;
const BYTES = 100 * MB;
const weights = model({ bytes: BYTES + 500, tensorBytes: BYTES });

const loader = (mechanism: string, options: Arm['options']): Arm => arm(`${mechanism}-x`, { mechanism, options });

/** A sample of the memory pass in which loading changed memory and page cache so. */
function loaded(
  of: Arm,
  change: { readonly loaded?: Partial<Memory>; readonly resident?: number | null; readonly after?: number | null },
  overrides: Partial<OkSample> = {},
): Measurement {
  const sample = ok({ arm: of, pass: 'memory' });
  const { resident = BYTES, after = BYTES } = change;
  return {
    ...sample,
    bytesNeeded: 95 * MB,
    untouchedBytes: 5 * MB,
    memory: {
      baseline: memory(),
      loaded: memory(change.loaded),
      firstToken: memory(change.loaded),
      end: memory(change.loaded),
      peak: peak(null),
      kvCacheBytes: 0,
      scratchBytes: 0,
    },
    residency: { before: 0, opened: 0, loaded: resident, firstToken: resident, after, size: BYTES + 500 },
    ...overrides,
  };
}

const mapped = (bytes: number): Partial<Memory> => ({ file: 20 * MB + bytes, pssFile: 10 * MB + bytes });
const shared = { file: 20 * MB + BYTES, pssFile: 10 * MB + BYTES / 2 };

type Case = readonly [string, Arm, State, Measurement, RegExp | null, Measurement['effective']?];

const populate = loader('mmap', { sharing: 'shared', populate: true });
const populateRead = loader('mmap', { sharing: 'shared', bring: 'populate-read' });
const willneed = loader('mmap', { sharing: 'shared', bring: 'willneed', chunkBytes: MB });
const behind = loader('mmap', { sharing: 'shared', bring: 'touch', pipelined: true });
const dontCache = loader('pread', { dontCache: true });
const thp = loader('read', { arena: 'thp' });
const hugetlb = loader('read', { arena: 'hugetlb' });
const locked = loader('mmap', { sharing: 'shared', lock: 'all' });
const direct = loader('direct', {});

const cases: readonly Case[] = [
  ['a populated map that is mapped', populate, 'cold', loaded(populate, { loaded: mapped(BYTES) }), null],
  ['a populated map that others map too', populate, 'cold', loaded(populate, { loaded: shared }), null],
  ['a populated map that is half there', populate, 'cold', loaded(populate, { loaded: mapped(50 * MB) }), /MAP_POP/],
  ['a prefault that is mapped', populateRead, 'cold', loaded(populateRead, { loaded: mapped(BYTES) }), null],
  ['a prefault that only read', populateRead, 'cold', loaded(populateRead, { loaded: mapped(0) }), /POPULATE_READ/],
  ['a read-ahead that brought all', willneed, 'cold', loaded(willneed, {}), null],
  ['a read-ahead cut short', willneed, 'cold', loaded(willneed, { resident: 8 * MB }), /willneed .* 8000000 bytes/],
  ['a read-ahead of which nothing may be known', willneed, 'cold', loaded(willneed, { resident: null }), null],
  [
    'a read-ahead of which the loader has warned',
    willneed,
    'cold',
    loaded(willneed, { resident: 8 * MB }),
    null,
    { bringCallCapBytes: 1000 },
  ],
  ['a toucher that still runs', behind, 'cold', loaded(behind, { resident: 8 * MB }), null],
  ['dropped pages', dontCache, 'cold', loaded(dontCache, { after: 4096 }), null],
  ['pages that were not dropped', dontCache, 'cold', loaded(dontCache, {}), /dropped behind/],
  ['pages that were there before', dontCache, 'warm', loaded(dontCache, {}), null],
  ['a huge arena', thp, 'cold', loaded(thp, {}, { effective: { hugeAnonymousBytes: 96 * MB } }), null],
  ['an arena of small pages', thp, 'cold', loaded(thp, {}, { effective: { hugeAnonymousBytes: 0 } }), /huge pages/],
  [
    'an arena of small pages of which the loader tells',
    thp,
    'cold',
    loaded(thp, {}, { effective: { hugeAnonymousBytes: 0 } }),
    null,
    { hugePageBytes: 0 },
  ],
  ['a pool that gave all', hugetlb, 'cold', loaded(hugetlb, {}, { effective: { hugetlbBytes: 102 * MB } }), null],
  ['a pool that gave half', hugetlb, 'cold', loaded(hugetlb, {}, { effective: { hugetlbBytes: 50 * MB } }), /reserved/],
  ['locked pages', locked, 'cold', loaded(locked, {}, { effective: { lockedBytes: BYTES } }), null],
  ['pages that are not locked', locked, 'cold', loaded(locked, {}, { effective: { lockedBytes: 0 } }), /locked/],
  ['direct reads', direct, 'cold', loaded(direct, {}, { effective: { leftCacheCold: true } }), null],
  [
    'direct reads that were buffered',
    direct,
    'cold',
    loaded(direct, {}, { effective: { leftCacheCold: false } }),
    /by/,
  ],
];

for (const [name, of, state, measured, expected, own = {}] of cases) {
  test(`${name}: ${expected === null ? 'no warning' : 'one warning'}`, (t) => {
    const warnings = auditOf(of, weights, state, measured, own);
    t.is(warnings.length, expected === null ? 0 : 1, warnings.join('; '));
    if (expected !== null) t.regex(warnings[0] ?? '', expected);
  });
}

test('what is only seen in the memory pass is not asked of the time pass', (t) => {
  const timed = ok({ arm: populate });
  t.deepEqual(auditOf(populate, weights, 'cold', timed, {}), []);
});

test('a ceiling of the device without huge buffers says so; memory needs none', (t) => {
  const small = { effective: { hugePages: false } };
  const device = deviceCeiling();
  const ofMemory = memoryCeiling();
  t.regex(auditOf(device, weights, 'cold', ok({ arm: device }, {}, small), {})[0] ?? '', /2 MiB pages/);
  t.deepEqual(auditOf(ofMemory, weights, 'warm', ok({ arm: ofMemory }, {}, small), {}), []);
});
