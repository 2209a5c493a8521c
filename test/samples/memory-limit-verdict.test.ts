import test from 'ava';
import type { GroupCounters } from '../../src/samples/cgroup-counters.js';
import {
  outOfMemory,
  refuseBelowBystander,
  refuseBelowRuntime,
  refuseUncharged,
} from '../../src/samples/memory-limit-verdict.js';

const MIB = 2 ** 20;
const limitBytes = 300 * MIB;

const counters: GroupCounters = {
  limitBytes,
  swapAllowedBytes: 0,
  currentBytes: 200 * MIB,
  peakBytes: 290 * MIB,
  limitHits: 4,
  oomKills: 0,
  anonymousBytes: 0,
  fileBytes: 200 * MIB,
  kernelBytes: 0,
  swapBytes: 0,
  majorFaults: 3,
  fileRefaults: 0,
};

const least = { limitBytes, anonymousBytes: 60 * MIB, cachedBytes: 500 * MIB };

test('a group that was charged up to its limit is verified', (t) => {
  t.is(refuseUncharged(counters, least), null);
});

test('a group that was charged all of a small sample is verified', (t) => {
  const small = { limitBytes, anonymousBytes: 60 * MIB, cachedBytes: 40 * MIB };
  t.is(refuseUncharged({ ...counters, peakBytes: 99 * MIB, currentBytes: 40 * MIB }, small), null);
});

test('a group that was charged less than its sample must have taken makes it invalid', (t) => {
  const refused = refuseUncharged({ ...counters, peakBytes: 70 * MIB, currentBytes: 10 * MIB }, least);
  t.like(refused, { outcome: 'invalid', reason: { code: 'limit-not-charged' } });
});

test('without a peak, what is charged at the end counts', (t) => {
  t.is(refuseUncharged({ ...counters, peakBytes: null, currentBytes: 280 * MIB }, least), null);
  t.like(refuseUncharged({ ...counters, peakBytes: null, currentBytes: 100 * MIB }, least), { outcome: 'invalid' });
});

test('a limit that is not the one asked for makes a sample invalid', (t) => {
  for (const wrong of ['unlimited', 400 * MIB] as const) {
    t.like(refuseUncharged({ ...counters, limitBytes: wrong }, least), { reason: { code: 'limit-not-set' } });
  }
  t.like(refuseUncharged({ ...counters, limitBytes: null }, least), { reason: { code: 'limit-not-verified' } });
});

test('kills in the group are out of memory, with the figures', (t) => {
  t.is(outOfMemory(counters, limitBytes), null);
  t.is(outOfMemory({ ...counters, oomKills: null }, limitBytes), null);
  const failed = outOfMemory({ ...counters, oomKills: 1 }, limitBytes);
  t.like(failed, { outcome: 'failed', reason: { code: 'out-of-memory' } });
  t.regex(failed?.reason.message ?? '', /: the limit is 300 MiB, and 290 MiB were in use at the peak$/);
});

test('a kill without a hit of the limit is the machine’s, and says nothing of the limit', (t) => {
  t.is(outOfMemory({ ...counters, oomKills: 1, limitHits: 0 }, limitBytes), null);
  t.like(outOfMemory({ ...counters, oomKills: 1, limitHits: null }, limitBytes), { reason: { code: 'out-of-memory' } });
});

test('a limit below what the runtime needs says what it needs', (t) => {
  t.is(refuseBelowRuntime(limitBytes, limitBytes), null);
  const refused = refuseBelowRuntime(limitBytes, 310 * MIB);
  t.like(refused, { outcome: 'unsupported', reason: { code: 'limit-below-runtime' } });
  t.regex(refused?.reason.message ?? '', /^a limit of 300 MiB is below the 310 MiB that the runtime needs/);
  // What would look equal is told to the byte.
  const barely = refuseBelowRuntime(limitBytes, limitBytes + 1);
  t.regex(barely?.reason.message ?? '', new RegExp(`limit of ${limitBytes} bytes .* ${limitBytes + 1} bytes`));
});

test('a limit with no room for the file of a bystander says what both need', (t) => {
  t.is(refuseBelowBystander(limitBytes, limitBytes - 5, 5), null);
  const refused = refuseBelowBystander(limitBytes, limitBytes - 5, 6);
  t.like(refused, { outcome: 'unsupported', reason: { code: 'limit-below-bystander' } });
  t.regex(refused?.reason.message ?? '', new RegExp(`they need ${limitBytes + 1} bytes`));
});
