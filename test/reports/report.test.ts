import test from 'ava';
import type { Ledger } from '../../src/samples/record.js';
import { report } from '../../src/report/report.js';
import { summarize } from '../../src/statistics/summarize.js';
import {
  MODEL,
  arm,
  deviceCeiling,
  excluded,
  ledger,
  memoryCeiling,
  nullArm,
  ok,
  reason,
  without,
} from '../statistics/ledger-builder.js';

const base = arm('cxx-stream');
const head = arm('mmap-shared');
const third = arm('mmap-private');

const reportOf = (of: Ledger): ReturnType<typeof report> => report(summarize(of), of);
const notesOf = (of: Ledger): string => reportOf(of).notes.join('\n');

/** Each number is a round's first token relative to the reference's in the same block. */
function answerOf(ratios: Readonly<Record<string, readonly number[]>>): string {
  const arms = [base, head, third];
  const samples = Object.entries(ratios).flatMap(([loader, values]) =>
    values.map((ratio, round) =>
      ok({ arm: arms.find((each) => each.loader === loader)!, round }, { ttftNs: 1e9 * ratio }),
    ),
  );
  return reportOf(ledger({ arms, samples })).sections[0]!.answer;
}

test('the fastest is named with its time, its ratio and the range of its pairs', (t) => {
  t.is(
    answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.5, 0.4, 0.6] }),
    'mmap-shared is the fastest to first token: 500 ms, 0.50 times what cxx-stream takes (range 0.40–0.60 of 3 pairs).',
  );
});

test('from six pairs the answer has an interval and its confidence', (t) => {
  const answer = answerOf({ 'cxx-stream': [1, 1, 1, 1, 1, 1], 'mmap-shared': [0.5, 0.4, 0.6, 0.5, 0.5, 0.5] });
  t.true(answer.includes('96.9 % interval 0.40–0.60, 6 pairs'), answer);
});

test('a range that holds 1 distinguishes nothing', (t) => {
  const answer = answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.9, 0.8, 1.1] });
  t.true(
    answer.includes('not distinguishable from the reference, cxx-stream: ratio 0.90, range 0.80–1.10 of 3 pairs'),
    answer,
  );
});

test('one pair distinguishes nothing', (t) => {
  t.true(answerOf({ 'cxx-stream': [1], 'mmap-shared': [0.1] }).includes('not distinguishable'));
});

test('loaders whose ranges overlap the fastest are named with it', (t) => {
  const answer = answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.5, 0.4, 0.6], 'mmap-private': [0.5, 0.6, 0.7] });
  t.true(answer.endsWith('Not distinguishable from it: mmap-private.'), answer);
});

test('a reference that is first is compared with the next', (t) => {
  t.true(
    answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [2, 3, 4] }).endsWith(
      'The next, mmap-shared, takes 3.00 times as long (range 2.00–4.00 of 3 pairs).',
    ),
  );
  t.true(
    answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.9, 1.2, 1.3] }).endsWith(
      'Not distinguishable from it: mmap-shared.',
    ),
  );
});

test('no pairs, no ratio', (t) => {
  const samples = [ok({ arm: base, block: 1 }), ok({ arm: head, block: 2 }, { ttftNs: 1 })];
  t.true(
    reportOf(ledger({ arms: [base, head], samples })).sections[0]!.answer.includes(
      'no block holds valid samples of both',
    ),
  );
});

test('samples left out are counted with their reasons', (t) => {
  const samples = [
    ok({ arm: base }),
    excluded('invalid', { arm: base, round: 2 }, {}, reason('warm-read')),
    excluded('invalid', { arm: base, round: 3 }, {}, reason('warm-read')),
    without('failed', { arm: base, round: 4 }, reason('signal')),
  ];
  t.true(
    notesOf(ledger({ arms: [base], samples })).includes(
      '3 of 4 samples are kept in the ledger but not in these numbers (2 × invalid: warm-read, 1 × failed: signal)',
    ),
  );
});

test('cold in a virtual machine is called guest-cold; warm alone is not', (t) => {
  const of = (state: 'cold' | 'warm', virtual: boolean): string =>
    notesOf(
      ledger({
        arms: [base],
        states: [state],
        samples: [ok({ arm: base, state })],
        run: { machine: { fingerprint: 'x', virtualization: { virtual, product: null } } },
      }),
    );
  t.true(of('cold', true).includes('guest-cold'));
  t.false(of('warm', true).includes('guest-cold'));
  t.false(of('cold', false).includes('guest-cold'));
});

test('a missing ceiling is told with its reason', (t) => {
  const ceilings = {
    device: { [MODEL]: { reason: reason('no-direct', { message: 'tmpfs has no device' }) } },
    firstTouch: { backedNs: 1, returnedNs: null, limitNs: null },
  };
  t.true(
    notesOf(ledger({ arms: [base], samples: [ok({ arm: base })], run: { ceilings } })).includes(
      'no device ceiling, so cold loads have no share of it: tmpfs has no device',
    ),
  );
  const failed = ledger({
    arms: [base, deviceCeiling()],
    states: ['cold'],
    samples: [
      ok({ arm: base, state: 'cold' }),
      without('failed', { arm: deviceCeiling(), state: 'cold' }, reason('eio')),
    ],
  });
  t.true(notesOf(failed).includes('device ceiling has no valid sample (cold): because of eio'));
  const fine = ledger({ arms: [base, memoryCeiling()], samples: [ok({ arm: base }), ok({ arm: memoryCeiling() })] });
  t.false(notesOf(fine).includes('ceiling'));
});

test('few pairs, an early end and the harness are told', (t) => {
  const samples = [ok({ arm: base }), ok({ arm: head }), ok({ arm: nullArm() }, { loadNs: 21_000 })];
  const notes = notesOf(
    ledger({
      arms: [base, head, nullArm()],
      samples,
      ledger: { end: { kind: 'end', endedAt: '', stopped: 'interrupted', message: null } },
    }),
  );
  t.true(notes.includes('a single pair'));
  t.true(notes.includes('stopped after 3 samples because it was interrupted'));
  t.true(notes.includes('null loads nothing: its 21.0 µs'));
});

test('a drifting machine is told', (t) => {
  const drifting = [1, 2].map((factor) => ok({ arm: base, round: factor }, { ttftNs: factor * 1e9 }));
  t.true(notesOf(ledger({ arms: [base], samples: drifting })).includes('1.00 s to 2.00 s'));
  const steady = [1, 2].map((round) => ok({ arm: base, round }, { ttftNs: 1e9 + round }));
  t.false(notesOf(ledger({ arms: [base], samples: steady })).includes('drifted'));
});

test('remedies are told once for all states', (t) => {
  const why = reason('no-ring', { message: 'io_uring is off', remedy: 'sysctl kernel.io_uring_disabled=0' });
  const samples = (['cold', 'warm'] as const).map((state) => without('unsupported', { arm: head, state }, why));
  const { notes, sections } = reportOf(ledger({ arms: [base, head], states: ['cold', 'warm'], samples }));
  t.deepEqual(
    notes.filter((note) => note.includes('sysctl')),
    ['mmap-shared unsupported: io_uring is off; sysctl kernel.io_uring_disabled=0.'],
  );
  t.deepEqual(sections[0]!.rows.find(({ label }) => label === 'mmap-shared')!.problems, [
    'unsupported: io_uring is off',
  ]);
});
