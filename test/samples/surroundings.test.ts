import test from 'ava';
import type { ChildEnd } from '../../src/samples/spawn.js';
import { chargeOf } from '../../src/samples/surroundings.js';

const loaded = (anonymous: number, hugetlb = 0): ChildEnd =>
  ({
    ...{ kind: 'answered', exitCode: 0, signal: null },
    answer: { kind: 'sample', sample: { memory: { end: { anonymous, hugetlb } } } },
  }) as unknown as ChildEnd;

const program = (exitCode: number): ChildEnd =>
  ({
    ...{ kind: 'answered', exitCode: 0, signal: null },
    answer: { kind: 'command', command: { exitCode } },
  }) as unknown as ChildEnd;

test('of several processes the memory of one must have been charged: another may have ended before it took its own', (t) => {
  t.deepEqual(chargeOf([loaded(70), loaded(60, 20)], 100, 250), { anonymousBytes: 80, cachedBytes: 150 });
});

test('a program must have been charged for what it brought into the page cache', (t) => {
  t.deepEqual(chargeOf([program(0)], 0, 50), { anonymousBytes: 0, cachedBytes: 50 });
  t.deepEqual(chargeOf([program(0)], null, null), { anonymousBytes: 0, cachedBytes: 0 });
});

test('where one has no measurement there is no charge to expect', (t) => {
  t.is(chargeOf([loaded(70), { kind: 'timeout' }], 0, 0), null);
  t.is(chargeOf([program(3)], 0, 50), null);
});
