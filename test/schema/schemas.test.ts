import { createRequire } from 'node:module';
import type { Ajv as AjvClass } from 'ajv';
import test from 'ava';
import { reportSchema } from '../../reports/report-schema.js';
import { baselineSchema } from '../../src/schema/baseline-schema.js';
import * as compiled from '../../src/schema/compiled.js';
import { complaintOf } from '../../src/schema/complaint.js';
import { ledgerSchema } from '../../src/schema/ledger-schema.js';
import type { Schema } from '../../src/schema/words.js';
import { armOf, group, memoryOf } from '../statistics/group-builder.js';
import { arm, debt, deviceCeiling, excluded, ledger, ok, reason, without } from '../statistics/ledger-builder.js';

/** The library's own reader of the dialect that the schemas name, in its strictest mode. */
const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as { readonly Ajv2020: typeof AjvClass };

function checkOf(schema: Schema): (value: unknown) => boolean {
  return new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false }).compile(schema);
}

for (const [name, schema] of Object.entries({ ledger: ledgerSchema, baseline: baselineSchema, report: reportSchema })) {
  test(`the schema of a ${name} is one of JSON Schema 2020-12, and names its version`, (t) => {
    t.notThrows(() => checkOf(schema));
    t.is(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
    t.is(schema['$id'], `urn:weighbridge:${name}:1`);
  });
}

const read = arm('read');
const made = ledger({ arms: [read, deviceCeiling()], samples: [] });
const pair = group({ arm: armOf('read', 2), pass: 'memory' }, [1e6, 2e6], { memory: memoryOf(1e6) });
const shard = { numbers: [2], of: 3, digest: '0', parts: [{ setting: 'a', state: 'cold', memoryState: 'backed' }] };
const { startedAt, machine, runtime, ceilings, limits, command } = made.run;
const merged = {
  ...{ digest: '0', of: 3, missing: [1], elsewhere: [{ fingerprint: 'b', numbers: [3] }] },
  shards: [{ number: 2, complete: true, startedAt, machine, runtime, ceilings, limits, command }],
};
const records: Readonly<Record<string, readonly [compiled.Check, unknown]>> = {
  'a header': [compiled.run, made.run],
  'the header of a shard': [compiled.run, { ...made.run, plan: { ...made.run.plan, shard } }],
  'the header of merged shards': [compiled.run, { ...made.run, merged }],
  'an ok sample': [compiled.sample, ok({ arm: read }, {}, { debt: debt(1e6) })],
  'a ceiling': [compiled.sample, ok({ arm: deviceCeiling() })],
  'an invalid sample': [compiled.sample, excluded('invalid', { arm: read }, {}, reason('warm-read'))],
  'a failed sample': [compiled.sample, without('failed', { arm: read }, reason('signal'))],
  'a group': [compiled.group, pair.group],
  'an end': [compiled.end, made.end],
};
const line = checkOf(ledgerSchema);

for (const [name, [check, record]] of Object.entries(records)) {
  test(`${name} is as the schema says, and every field that is taken away or of another type is missed`, (t) => {
    t.is(complaintOf(check, record), null);
    t.true(line(record));
    for (const damaged of damages(record)) {
      const [value, field] = damaged;
      // What the published schema refuses is refused when a ledger is read, and the other way round.
      t.is(check(value), line(value), field);
      if (!check(value)) t.true(complaintOf(check, value)!.includes(field), `${field}: ${complaintOf(check, value)}`);
    }
    const refused = [...damages(record)].filter(([value]) => !check(value));
    t.true(refused.length > 5, `${refused.length}`);
  });
}

test('what a record of a shard or of merged shards lacks is named, down to the parts of a list', (t) => {
  const of = (damage: object): string | null => complaintOf(compiled.run, { ...made.run, ...damage });
  const { plan } = made.run;
  t.is(
    of({ plan: { ...plan, shard: { ...shard, parts: [{ setting: 'a' }] } } }),
    'plan.shard.parts[0].state is missing',
  );
  t.is(of({ plan: { ...plan, shard: { ...shard, numbers: [0] } } }), 'plan.shard.numbers[0] is 0, below 1');
  t.is(of({ merged: { ...merged, shards: [{}] } }), 'merged.shards[0].number is missing');
});

/** The record without one of its fields, or with nonsense in it: at every depth, with the name of the field. */
function* damages(value: unknown): Generator<readonly [damaged: unknown, field: string], void, void> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    yield [Object.fromEntries(Object.entries(value).filter(([other]) => other !== name)), name];
    yield [{ ...value, [name]: { nonsense: true } }, name];
    for (const [damaged, field] of damages(inner)) yield [{ ...value, [name]: damaged }, field];
  }
}

test('a complaint names field, value and what is wanted, in bounded length', (t) => {
  const sample = ok({ arm: read });
  const of = (damage: object): string | null => complaintOf(compiled.sample, { ...sample, ...damage });
  t.is(of({ round: '1' }), 'round is "1", not integer');
  t.is(of({ round: -1 }), 'round is -1, below 0');
  t.is(of({ state: 'tepid' }), 'state is "tepid", not one of cold, warm, left');
  t.is(of({ tokens: { prompt: 1, generated: 1, perTokenNs: [1, null] } }), 'tokens.perTokenNs[1] is null, not number');
  t.is(of({ noise: null }), 'noise is null, not object');
  t.is(of({ reason: reason('why') }), 'reason is an object, not null');
  const { phases } = sample;
  t.regex(
    of({ phases: { ...phases, open: { ...phases?.open, ns: 'x'.repeat(1000) } } })!,
    /^phases\.open\.ns is "x{39}…, not number$/,
  );
  t.regex(of({ effective: { ['\u001b[31m'.repeat(99)]: [] } })!, /^effective\["\\u001b\[31m.{0,40}…\] is a list, not /);
});
