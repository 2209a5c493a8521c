import test from 'ava';
import type { Block } from '../../src/plan/blocks.js';
import type { Pass } from '../../src/samples/record.js';
import { Pace } from '../../src/samples/pace.js';

interface Of {
  readonly pass?: Pass;
  readonly state?: 'cold' | 'warm';
  readonly reference?: string;
  readonly alone?: boolean;
}

function block({ pass = 'time', state = 'cold', reference = 'stdio', alone = false }: Of = {}): Block {
  const cells = [...(alone ? [] : [reference]), 'read'].map((arm) => ({
    ...{ arm, state, memoryState: 'backed' as const, load: 1 },
  }));
  return { round: 1, index: 0, pass, reference, firstCommand: null, cells };
}

test('before the first block there is nothing to go by, and at the end nothing is left', (t) => {
  const pace = new Pace([block()]);
  t.is(pace.remainingMs(), null);
  t.is(pace.pending, 1);
  pace.took(block(), 100, true);
  t.is(pace.pending, 0);
  t.is(pace.remainingMs(), 0);
});

test('each state, setting and pass goes at its own pace; one that has not begun like the others', (t) => {
  const [cold, warm, memory] = [block(), block({ state: 'warm' }), block({ pass: 'memory' })];
  const pace = new Pace([cold, cold, warm, warm, memory, block({ reference: 'other setting' })]);
  pace.took(cold, 1000, true);
  pace.took(warm, 100, true);
  t.is(pace.meanMs(cold), 1000);
  t.is(pace.meanMs(memory), null);
  t.is(pace.remainingMs(), 1000 + 100 + 550 + 550);
});

test('blocks of which every cell is refused say nothing of those that run', (t) => {
  const [small, large] = [block({ reference: 'limit too small' }), block({ reference: 'limit that does' })];
  const pace = new Pace([small, small, large, large, block({ reference: 'limit that does', alone: true })]);
  pace.took(small, 1, false);
  t.is(pace.remainingMs(), null);
  pace.took(block({ reference: 'limit that does', alone: true }), 2, false);
  t.is(pace.remainingMs(), null);
  pace.took(large, 1000, true);
  t.is(pace.remainingMs(), 1001);
});
