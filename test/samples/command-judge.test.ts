import test from 'ava';
import { commandFailure, commandWarnings, judgeCommand } from '../../src/samples/command.js';
import type { CommandAnswer } from '../../src/samples/protocol.js';
import type { Arm, State } from '../../src/samples/record.js';
import { arm, model } from '../statistics/ledger-builder.js';

const weights = model({ tensorBytes: 1_000_000 });

const cell = (state: State) => ({ arm: 'a', state, memoryState: 'as-is', load: 1 }) as const;

function answer(numbers: Partial<CommandAnswer['command']> = {}, more: Partial<CommandAnswer> = {}): CommandAnswer {
  return {
    kind: 'command',
    command: {
      ...{ wallNs: 5, firstByteNs: null, userNs: 1, systemNs: 1, minorFaults: 1, majorFaults: 0 },
      ...{ readBytes: 0, peakRss: 1, peakPss: null, exitCode: 0, signal: null },
      ...{ peakRssWatched: true, pipeBytes: null, voluntarySwitches: 0, involuntarySwitches: 0 },
      ...{ spinBeforeNs: 1, spinAfterNs: 1, readyAtNs: 1, releasedAtNs: 1, startAtNs: 1 },
      ...numbers,
    },
    matched: null,
    lastLine: '',
    ...more,
  };
}

const command = (argv: readonly string[], pattern: string | null = null): Arm =>
  arm('a', { kind: 'command', work: 'command', command: { argv, output: 'first-byte', pattern } });

const states: readonly (readonly [string, State, number | null, number | null, string | null])[] = [
  ['cold, seen in the page cache', 'cold', 0, 0, null],
  ['cold, by bytes read', 'cold', null, 960_000, null],
  ['cold, and too little was read', 'cold', null, 940_000, 'not-cold'],
  ['cold, and nothing can be known', 'cold', null, null, 'not-certified'],
  ['warm, seen in the page cache', 'warm', 1_000_000, 4096, null],
  ['warm, by bytes read', 'warm', null, 0, null],
  ['warm, and something was read', 'warm', null, 4096, 'read-while-warm'],
  ['warm, and nothing can be known', 'warm', null, null, 'not-certified'],
  ['left, whatever is there', 'left', null, null, null],
];

for (const [what, state, before, readBytes, code] of states) {
  test(`a program's sample that is ${what}, is ${code ?? 'ok'}`, (t) => {
    const residency = { before, opened: null, loaded: null, firstToken: null, after: null, size: 1_000_500 };
    const { command: numbers } = answer({ readBytes });
    const verdict = judgeCommand(cell(state), residency, { ...numbers, matched: null }, weights);
    t.is(verdict.outcome, code === null ? 'ok' : 'invalid');
    t.is(verdict.reason?.code ?? null, code);
  });
}

test('how a program ended is told with its name and what it said last', (t) => {
  const own = command(['engine', '{model}']);
  t.is(commandFailure(own, answer()), null);
  t.like(commandFailure(own, answer({ exitCode: 3 }, { lastLine: 'no such file' })), {
    ...{ code: 'command-failed', path: 'engine', message: 'the program ended with exit code 3: no such file' },
  });
  t.like(commandFailure(own, answer({ exitCode: null, signal: 'SIGKILL' })), {
    ...{ code: 'killed-by-signal', path: 'engine', message: 'the program was ended by SIGKILL' },
  });
});

test('what a reader must know of a program is a warning each', (t) => {
  const warnings = (own: Arm, state: State, given: CommandAnswer) => commandWarnings(own, state, given);
  t.deepEqual(warnings(command(['a', '--model={model}']), 'warm', answer()), []);
  t.regex(warnings(command(['a']), 'cold', answer()).join(), /^no argument holds \{model\}/);
  t.regex(warnings(command(['a', '{model}'], '(x)'), 'cold', answer()).join(), /^the pattern picked no number/);
  t.deepEqual(warnings(command(['a', '{model}'], '(x)'), 'cold', answer({}, { matched: 2 })), []);
  t.regex(
    warnings(command(['a', '{model}']), 'warm', answer({ readBytes: 1 })).join(),
    /^the program read from storage/,
  );
  t.deepEqual(warnings(command(['a', '{model}']), 'cold', answer({ readBytes: 1 })), []);
  t.regex(warnings(command(['a', '{model}']), 'warm', answer({ peakRss: null })).join(), /before its memory/);
});
