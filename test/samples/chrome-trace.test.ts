import test from 'ava';
import type { NativeAccess, NativeTrace } from '../../src/native.js';
import { chromeTrace } from '../../src/samples/chrome-trace.js';
import type { Phases } from '../../src/samples/record.js';
import { arm, ok } from '../statistics/ledger-builder.js';

const of = arm('read');
const place = { part: 0, offset: 0, bytes: 64 };

/** Two phases and one tensor used in the first token, all of which read so many bytes. */
function countersOf(readBytes: number | null): ReadonlyMap<string, readonly unknown[]> {
  const access: NativeAccess = {
    ...{ ...place, beginNs: 20, endNs: 25, askedNs: 20, waitNs: 0 },
    ...{ minorFaults: 2, majorFaults: 1, readBytes, rss: null },
  };
  const trace: NativeTrace = {
    phases: [
      { name: 'held at the start', beginNs: 0, endNs: 10 },
      { name: 'acquire', beginNs: 10, endNs: 20 },
      { name: 'first token', beginNs: 20, endNs: 30 },
    ],
    tensors: [{ ...place, name: 'output.weight', residentLoaded: null, residentFirstToken: null }],
    firstToken: [access],
    complete: [],
  };
  const sample = ok({ arm: of });
  const phases: Phases | null = sample.phases && {
    ...sample.phases,
    acquire: { ...sample.phases.acquire, readBytes },
    firstToken: { ...sample.phases.firstToken, readBytes },
  };
  const counters = new Map<string, unknown[]>();
  for (const event of chromeTrace({ ...sample, phases }, of, trace).traceEvents) {
    if (event.ph === 'C') counters.set(event.name, [...(counters.get(event.name) ?? []), event.args]);
  }
  return counters;
}

test('counters add up what phases and the turns in them cost', (t) => {
  const counters = countersOf(4096);
  t.deepEqual(counters.get('read from storage'), [{ bytes: 4096 }, { bytes: 8192 }, { bytes: 8192 }]);
  t.deepEqual(counters.get('faults'), [
    { minor: 10, major: 0 },
    { minor: 12, major: 1 },
    { minor: 20, major: 0 },
  ]);
});

test('bytes that the kernel does not tell have no counter, rather than one of nothing read', (t) => {
  const counters = countersOf(null);
  t.false(counters.has('read from storage'));
  t.is(counters.get('faults')?.length, 3);
});
