import test from 'ava';
import { Columns, plain } from '../../src/samples/columns.js';
import { arm, memoryCeiling, ok, reason, without } from '../statistics/ledger-builder.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Record = Readonly<{ [name: string]: Json }>;

/** As kept: read field by field, and taken out whole. */
function kept<T extends object>(records: readonly T[], likeness: (record: T) => string = () => ''): readonly T[] {
  const columns = new Columns<T>();
  for (const record of records) columns.add(record, likeness(record));
  return columns.finish();
}

const read = arm('read');
const samples = [
  ok({ arm: read }),
  ok({ arm: memoryCeiling() }, {}, { startedAt: '2026-01-02T03:04:05.006Z' }),
  ok({ arm: read, pass: 'memory', round: 2 }, {}, { warnings: ['one', 'two'], effective: { sharing: 'shared' } }),
  without('failed', { arm: read, round: 3 }, reason('signal')),
];

test('samples come back as they were, in their order, whatever stands together', (t) => {
  const many = Array.from({ length: 700 }, (_, round) => samples.map((sample) => ({ ...sample, round }))).flat();
  const views = kept(many, ({ outcome, pass }) => `${outcome} ${pass}`);
  t.is(JSON.stringify(views), JSON.stringify(many));
  t.deepEqual(views.map(plain), many);
});

test('a view is read as the record is, deep and shallow', (t) => {
  const [view] = kept(samples);
  const { phases, ttftNs, noise, tokens, warnings, reason: why } = view!;
  t.is(ttftNs, 20_000_000);
  t.is(phases?.acquire.ns, 9_000_000);
  t.is(noise?.pressureNs.cpu, 0);
  t.is(noise?.machine, undefined);
  t.deepEqual(tokens?.perTokenNs, [20_000_000, 5_000_000]);
  t.deepEqual(warnings, []);
  t.is(why, null);
});

const values: readonly Json[] = [
  ...[0, -0, 1, -1, 255, 256, 65_535, 65_536, 2 ** 24 - 1, 2 ** 24, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1],
  ...[2 ** 53 + 2, 1e300, 5e-324, 0.1, -0.1, 1 / 3],
  ...['', 'text', '\u0000\u{1f600}', '2026-01-02T03:04:05.678Z', '2026-02-30T00:00:00.000Z', '2026-01-02T03:04:05Z'],
  ...[true, false, null, [], [[], [1, [2]]], {}, { a: {} }, { a: 1, b: 2 }, { b: 2, a: 1 }],
  { constructor: 1, toString: 'x', group: 2, row: 3, length: 4, '': 5, ['a b']: 6 },
];

test('every value of JSON comes back, alone and beside every other', (t) => {
  for (const first of values) {
    const records: readonly Record[] = values.flatMap((second) => [
      { value: first },
      { value: second },
      { other: second },
    ]);
    t.is(JSON.stringify(kept(records).map(plain)), JSON.stringify(records));
    for (const [index, view] of kept(records).entries()) {
      const value = plain(view['value']);
      t.true(
        Object.is(value, records[index]!['value']) ||
          JSON.stringify(value) === JSON.stringify(records[index]!['value']),
      );
    }
  }
});

test('fields whose names every object has come back, and harm no other', (t) => {
  const text = '[{"toJSON":1,"constructor":{"toString":2},"__proto__":{"round":3},"round":4},{"round":5}]';
  const views = kept(JSON.parse(text) as readonly Record[]);
  t.is(JSON.stringify(views), text);
  t.deepEqual(
    views.map((view) => view['round']),
    [4, 5],
  );
});

test('a name is only of the objects that have it', (t) => {
  const [first, second] = kept<Record>([{ one: { deep: 1 } }, { two: { other: 2 } }]);
  t.is(first!['two'], undefined);
  t.is(second!['one'], undefined);
  t.is(first!['deep'], undefined);
  t.is((first!['one'] as Record)['other'], undefined);
  t.deepEqual([first, second].map(plain), [{ one: { deep: 1 } }, { two: { other: 2 } }]);
});

test('numbers are exact, whatever their range and step in a group', (t) => {
  for (const [base, step, most] of [
    [0, 1, 255],
    [1e9, 4096, 256],
    [-5, 1, 2 ** 24],
    [2 ** 40, 2 ** 20, 2 ** 16],
    [7, 3, 2 ** 31],
    [0, 1, 2 ** 40],
    [0, 1e-3, 1000],
  ] as const) {
    const records = Array.from({ length: 600 }, (_, index) => ({ n: base + step * Math.floor((index * most) / 599) }));
    t.deepEqual(
      kept(records).map(({ n }) => n),
      records.map(({ n }) => n),
    );
  }
});

test('the same field may be a number, text and an object in neighbouring rows', (t) => {
  const records: readonly Record[] = Array.from({ length: 1000 }, (_, index) => ({
    value: values[index % values.length]!,
  }));
  t.deepEqual(kept(records).map(plain), records);
});
