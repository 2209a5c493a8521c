import test from 'ava';
import { judge, meansUnsupported } from '../../src/samples/judge.js';
import type { Arm, Measurement, Phase, State } from '../../src/samples/record.js';
import type { OkSample } from '../../src/statistics/pairs.js';
import { arm, deviceCeiling, homeCeiling, memoryCeiling, ok } from '../statistics/ledger-builder.js';

const read = arm('read');

/** A measurement whose child issued these bytes while it loaded. */
function measured(acquireReads: number | null, overrides: Partial<OkSample> = {}): Measurement {
  const sample = ok({ arm: read }, {}, overrides);
  const { phases } = sample;
  if (phases === null) throw new Error('a loader has phases');
  const acquire: Phase = { ...phases.acquire, readBytes: acquireReads };
  return { ...sample, phases: { ...phases, acquire } };
}

const unknown = { before: null, opened: null, loaded: null, firstToken: null, after: null, size: 1000 } as const;

const cases: readonly (readonly [string, State, Measurement, string | null])[] = [
  ['a warm sample without reads', 'warm', measured(0), null],
  ['a warm sample that read from storage', 'warm', measured(4096), 'read-while-warm'],
  ['a warm sample whose reads cannot be known', 'warm', measured(null), 'not-certified'],
  ['a cold sample that was seen to be cold', 'cold', measured(4096), null],
  ['a cold sample known by bytes read alone', 'cold', measured(10_000_000_000, { residency: unknown }), null],
  ['a cold sample that read too little', 'cold', measured(10, { residency: unknown }), 'not-cold'],
  ['a cold sample of which nothing is known', 'cold', measured(null, { residency: unknown }), 'not-certified'],
];

for (const [name, state, measurement, expected] of cases) {
  test(`${name} is ${expected ?? 'ok'}`, (t) => {
    const cell = { arm: read.id, state, memoryState: 'as-is', load: 1 } as const;
    const verdict = judge(read, cell, measurement, measurement.logitsHash ?? undefined);
    t.is(verdict.reason?.code ?? null, expected);
    t.is(verdict.outcome, expected === null ? 'ok' : 'invalid');
  });
}

const bound: Arm = { ...read, kind: 'bound', work: 'read' };
const noLogits = { logitsHash: null, tokens: null } as const;

for (const [name, state, measurement, expected] of cases) {
  test(`of a bound, ${name} is ${expected ?? 'ok'}`, (t) => {
    const cell = { arm: bound.id, state, memoryState: 'as-is', load: 1 } as const;
    const verdict = judge(bound, cell, { ...measurement, ...noLogits }, 'a hash');
    t.is(verdict.reason?.code ?? null, expected);
  });
}

test('other logits than the reference are a mismatch', (t) => {
  const cell = { arm: read.id, state: 'warm', memoryState: 'as-is', load: 1 } as const;
  t.is(judge(read, cell, measured(0), 'another hash').outcome, 'mismatch');
});

test('a ceiling that did not reach the device, or left memory, is none', (t) => {
  const device = deviceCeiling();
  const memory = memoryCeiling();
  const issuing = (issuedBytes: number): Measurement => ({
    ...ok({ arm: device }),
    bytesNeeded: 1000,
    residency: unknown,
    effective: { bytesRead: 1000, hugePages: true, issuedBytes },
  });
  const cold = { arm: device.id, state: 'cold', memoryState: 'as-is', load: 1 } as const;
  const warm = { arm: memory.id, state: 'warm', memoryState: 'as-is', load: 1 } as const;
  t.is(judge(device, cold, issuing(1000), undefined).outcome, 'ok');
  t.is(judge(device, cold, issuing(0), undefined).reason?.code, 'direct-io-turned-buffered');
  t.is(judge(memory, warm, issuing(0), undefined).outcome, 'ok');
  t.is(judge(memory, warm, issuing(1000), undefined).reason?.code, 'read-while-warm');
});

test('a device ceiling that left the model in the page cache is invalid', (t) => {
  for (const ceiling of [deviceCeiling(), homeCeiling()]) {
    const cell = { arm: ceiling.id, state: 'cold', memoryState: 'as-is', load: 1 } as const;
    const [bytesNeeded, header] = [100e6, 3e6];
    // Headers are read through the page cache, with a mebibyte of read-ahead.
    const allowed = 5e6 + header + 2 ** 20;
    const code = (before: number | null, after: number | null): string | null => {
      const effective = { bytesRead: bytesNeeded, hugePages: true, issuedBytes: bytesNeeded };
      const residency = { ...unknown, before, after, size: bytesNeeded + header };
      return (
        judge(ceiling, cell, { ...ok({ arm: ceiling }), bytesNeeded, effective, residency }, undefined).reason?.code ??
        null
      );
    };
    t.is(code(0, bytesNeeded), 'direct-io-turned-buffered');
    t.is(code(100, 101 + allowed), 'direct-io-turned-buffered');
    t.is(code(100, 100 + allowed), null);
    t.is(code(bytesNeeded, 0), null);
    // Where residency may not be seen, issued bytes are all that is known.
    t.is(code(null, bytesNeeded), null);
    t.is(code(0, null), null);
  }
});

test('what the machine does not offer is unsupported, what broke is not', (t) => {
  const reason = (code: string) => ({ code, operation: 'load', path: null, errno: null, message: '', remedy: null });
  for (const code of ['unsupported-by-kernel', 'direct-io-unsupported', 'not-permitted'])
    t.true(meansUnsupported(reason(code)));
  for (const code of ['short-read', 'file-changed', 'out-of-memory']) t.false(meansUnsupported(reason(code)));
});
