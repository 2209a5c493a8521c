import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { noiseDirectory, noiseFloorFor, noisePath, readNoise } from '../src/noise-store.js';
import { noiseOf, type NoiseRecord } from '../src/statistics/noise.js';
import { aaLedger } from './statistics/aa-ledger.js';

const folder = mkdtempSync(join(tmpdir(), 'weighbridge-noise-'));
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

const recordOf = (rounds: number): NoiseRecord => {
  const [record] = noiseOf(aaLedger({ rounds }), '/runs/aa');
  if (record === undefined) throw new Error('no record');
  return record;
};
const store = (record: NoiseRecord, text = JSON.stringify(record)): string => {
  const directory = mkdtempSync(join(folder, 'store-'));
  writeFileSync(noisePath(record.key, directory), text);
  return directory;
};

test('it lies where XDG says, the fingerprint first', (t) => {
  t.is(noiseDirectory({ XDG_DATA_HOME: '/data' }), '/data/weighbridge/noise');
  t.regex(noiseDirectory({}), /\/\.local\/share\/weighbridge\/noise$/);
  t.regex(noiseDirectory({ XDG_DATA_HOME: 'relative' }), /\/\.local\/share\/weighbridge\/noise$/);
  const { key } = recordOf(40);
  t.regex(noisePath(key, '/d'), /^\/d\/feedfacecafebeef-[0-9a-f]{16}-warm-backed\.json$/);
  t.not(noisePath({ ...key, arm: 'other' }, '/d'), noisePath(key, '/d'));
  t.not(noisePath({ ...key, model: 'other' }, '/d'), noisePath(key, '/d'));
});

test('a floor is found by its key, for any number of pairs', (t) => {
  const record = recordOf(40);
  const directory = store(record);
  const known = noiseFloorFor(record.key, 'ttft', 20, directory);
  t.is(known.kind, 'known');
  if (known.kind !== 'known') return;
  t.is(known.floor, record.metrics.ttft.looks[1]?.noiseFloor ?? -1);
  t.is(known.pairs, 40);
  const other = noiseFloorFor(record.key, 'ttft', 15, directory);
  t.true(other.kind === 'known' && other.floor > known.floor);
});

test('what was never measured, and what has too few pairs, is unknown with what to do', (t) => {
  const record = recordOf(20);
  const directory = store(record);
  const few = noiseFloorFor(record.key, 'ttft', 20, directory);
  t.true(few.kind === 'unknown' && few.message.includes('needs 40 pairs'));
  const elsewhere = noiseFloorFor({ ...record.key, state: 'cold' }, 'ttft', 20, directory);
  t.is(elsewhere.kind, 'unknown');
  t.true(elsewhere.kind === 'unknown' && /weighbridge aa MODEL --state cold/.test(elsewhere.remedy));
});

const record = recordOf(40);
const changed = (change: (copy: Record<string, unknown>) => void): string => {
  const copy = JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
  change(copy);
  return JSON.stringify(copy);
};
const ttftOf = (copy: Record<string, unknown>): Record<string, unknown> =>
  (copy['metrics'] as Record<string, Record<string, unknown>>)['ttft']!;

const damages: readonly (readonly [what: string, text: string, complaint: RegExp])[] = [
  ['a torn file', JSON.stringify(record).slice(0, 200), /not JSON/],
  ['an empty file', '', /not JSON/],
  ['another kind of file', '{"kind":"run"}', /no record of noise/],
  ['null', 'null', /no record of noise/],
  ['a later schema', changed((copy) => (copy['schema'] = 99)), /schema is 99/],
  ['no key', changed((copy) => delete copy['key']), /key is incomplete/],
  ['no metrics', changed((copy) => (copy['metrics'] = [])), /no metrics/],
  ['no provenance', changed((copy) => delete copy['provenance']), /provenance/],
  ['ratios that are no numbers', changed((copy) => (ttftOf(copy)['logRatios'] = [1, null])), /no numbers/],
  ['lost ratios', changed((copy) => (ttftOf(copy)['logRatios'] = [1, 2])), /not as many/],
  ['another key', JSON.stringify({ ...record, key: { ...record.key, arm: 'another' } }), /another arm/],
];

for (const [what, text, complaint] of damages) {
  test(`${what} is one line that says what to do`, (t) => {
    const directory = store(record, text);
    const error = t.throws(() => noiseFloorFor(record.key, 'ttft', 20, directory), { name: 'UsageError' });
    t.regex(error.message, complaint);
    t.regex(error.message, /remove it, and let weighbridge aa measure the noise again$/);
    t.false(error.message.includes('\n'));
  });
}

test('a file that cannot be read is one line, and one that is not there is none', (t) => {
  t.throws(() => readNoise(folder), { name: 'UsageError', message: /cannot be read \(EISDIR\)/ });
  t.is(readNoise(join(folder, 'nowhere.json')), null);
  t.false(existsSync(join(folder, 'nowhere.json')));
});

test('what is written is read as it was', (t) => {
  const directory = store(record);
  t.deepEqual(readNoise(noisePath(record.key, directory)), JSON.parse(JSON.stringify(record)));
  t.true(readFileSync(noisePath(record.key, directory), 'utf8').length > 1000);
});
