import test from 'ava';
import type { Block } from '../../src/plan/blocks.js';
import type { Pass, Sample } from '../../src/samples/record.js';
import { stopsBefore } from '../../src/samples/stopping.js';
import { arm, ok } from '../statistics/ledger-builder.js';

const base = arm('stdio');
const block = (round: number, pass: Pass = 'time', index = 0): Block => ({
  ...{ round, index, pass, reference: base.id, firstCommand: null, cells: [] },
});
const rounds = (...numbers: readonly number[]): Sample[] => numbers.map((round) => ok({ arm: base, round }));

/** Asks of each block, and tells which rounds of the time pass each decision was made from. */
function asked(samples: readonly Sample[], blocks: readonly Block[], enough = () => false) {
  const decisions: number[][] = [];
  const stops = stopsBefore(
    ({ samples: of }) => {
      decisions.push(of.filter(({ pass }) => pass === 'time').map(({ round }) => round));
      return enough();
    },
    () => ({ samples, groups: [] }),
  );
  return { answers: blocks.map(stops), decisions };
}

test('a round is decided on once, when it is over, from complete rounds alone', (t) => {
  const blocks = [block(1), block(1, 'time', 1), block(1, 'memory'), block(2), block(2, 'time', 1), block(3)];
  const { answers, decisions } = asked(rounds(1, 2, 3), blocks);
  t.deepEqual(answers, [false, false, false, false, false, false]);
  t.deepEqual(decisions, [[1], [1, 2]]);
});

test('a part of a later round, which an interrupted run has, does not change what was decided', (t) => {
  const before = asked(rounds(1, 2), [block(1), block(2), block(3)]);
  const after = asked(rounds(1, 2, 3, 3), [block(1), block(2), block(3)]);
  t.deepEqual(after.decisions, before.decisions);
});

test('the first block of the round after the last does not begin', (t) => {
  t.deepEqual(asked(rounds(1), [block(1), block(2)], () => true).answers, [false, true]);
});

test('without a rule no block stops', (t) => {
  const stops = stopsBefore(null, () => ({ samples: rounds(1, 2), groups: [] }));
  t.deepEqual([block(1), block(2), block(9)].map(stops), [false, false, false]);
});
