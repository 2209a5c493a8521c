import test from 'ava';
import { debtOf, type Owed } from '../../src/samples/debt.js';
import type { Phase, Phases } from '../../src/samples/record.js';

function phase(ns: number, userNs: number, systemNs: number, more: Partial<Phase> = {}): Phase {
  return { ns, userNs, systemNs, minorFaults: 0, majorFaults: 0, readBytes: 0, ...more };
}

/** Times in ms. Decode steps of 10 ms, in which two threads are busy throughout; 250 ms from open to release. */
function owed(firstToken: Phase, overrides: Partial<Owed> = {}, decode: Phase = phase(40, 80, 0)): Owed {
  const ms = ({ ns, userNs, systemNs, ...rest }: Phase): Phase => ({
    ...{ ns: ns * 1e6, userNs: userNs * 1e6, systemNs: systemNs * 1e6 },
    ...rest,
  });
  const phases: Phases = {
    setup: ms(phase(1000, 1000, 0)),
    open: ms(phase(1, 0, 1)),
    acquire: ms(phase(19, 0, 1)),
    firstToken: ms(firstToken),
    complete: ms(phase(10, 0, 0)),
    prefill: ms(phase(180 - firstToken.ns, 0, 0)),
    decode: ms(decode),
    release: ms(phase(0, 0, 0)),
  };
  const steps = [9, 10, 10, 11].map((step) => step * 1e6);
  return { phases, perTokenNs: [firstToken.ns * 1e6, ...steps], waitedNs: 0, stealNs: 0, ...overrides };
}

test('time in the kernel and off the CPU is explained, more time in user mode is not', (t) => {
  // 40 ms more than a decode step: 2 × 50 ms of lanes hold 50 ms user time, the rest was kernel time or waiting.
  const debt = debtOf(owed(phase(50, 50, 30, { minorFaults: 7, majorFaults: 3, readBytes: 4096 })), 2, 2);
  t.deepEqual(debt, {
    ns: 40e6,
    explainedNs: 25e6,
    unexplainedNs: 15e6,
    waitedNs: 0,
    minorFaults: 7,
    majorFaults: 3,
    readBytes: 4096,
  });
  // The guest sees nothing but busy threads: second-stage faults look so.
  t.is(debtOf(owed(phase(50, 100, 0)), 2, 2)?.explainedNs, 0);
  t.is(debtOf(owed(phase(50, 100, 0)), 2, 2)?.unexplainedNs, 40e6);
});

test('what a decode step idles too is nobody’s debt', (t) => {
  // Half of every decode step is off the CPU: 5 ms. A first token of 50 ms with 60 ms of user time was outside for 20.
  const debt = debtOf(owed(phase(50, 60, 0), {}, phase(40, 40, 0)), 2, 2);
  t.is(debt?.explainedNs, 15e6);
});

test('threads behind the first token make less explained, and the wait for them is the least', (t) => {
  // They burned as much user time as both lanes together could.
  const first = phase(50, 120, 40);
  t.is(debtOf(owed(first), 2, 2)?.explainedNs, 0);
  const waiting = debtOf(owed(first, { waitedNs: 30e6 }), 2, 2);
  t.is(waiting?.waitedNs, 30e6);
  t.is(waiting?.explainedNs, 30e6);
  t.is(waiting?.unexplainedNs, 10e6);
});

test('waiting is part of the debt and never more than it', (t) => {
  const debt = debtOf(owed(phase(50, 0, 0), { waitedNs: 49e6 }), 2, 2);
  t.is(debt?.waitedNs, 40e6);
  t.is(debt?.explainedNs, 40e6);
  t.is(debt?.unexplainedNs, 0);
});

test('threads beyond the CPUs are not counted as waiting for storage', (t) => {
  // Four threads on two CPUs, both busy: counted as four lanes half of the time would be explained.
  t.is(debtOf(owed(phase(50, 100, 0)), 2, 2)?.explainedNs, 0);
  t.is(debtOf(owed(phase(50, 100, 0), {}, phase(40, 160, 0)), 4, 4)?.explainedNs, 25e6);
});

test('time stolen by the hypervisor is not explained by the guest', (t) => {
  // 100 ms stolen of two CPUs over 250 ms: 40 ms of debt hold 8 of them on each.
  const debt = debtOf(owed(phase(50, 50, 0), { stealNs: 100e6 }), 2, 2);
  t.is(debt?.explainedNs, 25e6 - (50e6 * 40) / 250);
  t.is(debtOf(owed(phase(50, 50, 0), { stealNs: null }), 2, 2)?.explainedNs, 25e6);
  // The counter is the sum of all CPUs: of eight, a lane lost a quarter of that.
  t.is(debtOf(owed(phase(50, 50, 0), { stealNs: 100e6 }), 2, 8)?.explainedNs, 25e6 - (12.5e6 * 40) / 250);
});

test('a first token as fast as a decode step leaves no debt, a faster one less than none', (t) => {
  const debt = debtOf(owed(phase(8, 0, 0), { waitedNs: 3e6 }), 2, 2);
  t.is(debt?.ns, -2e6);
  t.is(debt?.explainedNs, 0);
  t.is(debt?.waitedNs, 0);
  t.is(debt?.unexplainedNs, -2e6);
});

test('decode steps that read storage pay what the first token paid, so no debt is known', (t) => {
  const first = phase(50, 50, 30);
  t.is(debtOf(owed(first, {}, phase(40, 80, 0, { readBytes: 4096 })), 2, 2), null);
  t.is(debtOf(owed(first, {}, phase(40, 80, 0, { majorFaults: 1 })), 2, 2), null);
  // Where bytes cannot be read, major faults tell it alone.
  t.is(debtOf(owed(first, {}, phase(40, 80, 0, { readBytes: null })), 2, 2)?.ns, 40e6);
});

test('without decode steps nothing can be said', (t) => {
  const nothing = owed(phase(50, 50, 0));
  t.is(debtOf({ ...nothing, perTokenNs: [50e6] }, 2, 2), null);
  t.is(debtOf({ ...nothing, phases: { ...nothing.phases, decode: null } }, 2, 2), null);
});
