import test from 'ava';
import type { Ledger } from '../../src/samples/record.js';
import { report } from '../../src/report/report.js';
import { summarize } from '../../src/statistics/summarize.js';
import { armOf, ledgerOf } from '../statistics/group-builder.js';
import {
  MODEL,
  arm,
  debt,
  deviceCeiling,
  excluded,
  homeCeiling,
  ledger,
  memory,
  memoryCeiling,
  nullArm,
  ok,
  peak,
  reason,
  without,
} from '../statistics/ledger-builder.js';

const base = arm('cxx-stream');
const head = arm('mmap-shared');
const third = arm('mmap-private');

const reportOf = (of: Ledger): ReturnType<typeof report> => report(summarize(of), of);
const notesOf = (of: Ledger): string => reportOf(of).notes.join('\n');

const copies = Array.from({ length: 7 }, (_, index) => arm(`loader-${index}`));

/** Each number is a round's first token relative to the reference's in the same block. */
function answerOf(ratios: Readonly<Record<string, readonly number[]>>): string {
  const arms = [base, head, third, ...copies];
  const samples = Object.entries(ratios).flatMap(([loader, values]) =>
    values.map((ratio, round) =>
      ok({ arm: arms.find((each) => each.loader === loader)!, round }, { ttftNs: 1e9 * ratio }),
    ),
  );
  return reportOf(ledger({ arms, samples })).sections[0]!.answer;
}

const often = (n: number, value: number): readonly number[] => Array.from({ length: n }, () => value);

test('with fewer than six pairs a loader was faster, with every pair told, and is never called it', (t) => {
  t.is(
    answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.5, 0.4, 0.6] }),
    'mmap-shared was faster to first token than the reference, cxx-stream, in all 3 pairs (0.40, 0.50 and 0.60 times its time); with fewer than 6 pairs that is no proof.',
  );
  t.is(
    answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.9, 0.8, 1.1] }),
    'mmap-shared was faster to first token than the reference, cxx-stream, in 2 of 3 pairs (0.80, 0.90 and 1.10 times its time); with fewer than 6 pairs that is no proof.',
  );
  t.true(answerOf({ 'cxx-stream': [1], 'mmap-shared': [0.1] }).includes('in its only pair (0.10 times its time)'));
  for (let n = 1; n < 6; n += 1) {
    const [faster, slower] = [0.01, 100].map((ratio) =>
      answerOf({ 'cxx-stream': often(n, 1), 'mmap-shared': often(n, ratio) }),
    );
    t.notRegex(faster!, /\bis (the )?(fast|first)/);
    t.notRegex(slower!, /\bis (slow|shown)|takes/);
    t.true(slower!.includes('no proof'), slower);
  }
});

test('with few pairs others that were always faster are named', (t) => {
  const answer = answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [0.5, 0.4, 0.6], 'mmap-private': [0.5, 0.6, 0.7] });
  t.true(answer.endsWith('Also in all of their pairs: mmap-private.'), answer);
});

test('six pairs suffice for one comparison, and say their interval', (t) => {
  t.is(
    answerOf({ 'cxx-stream': often(6, 1), 'mmap-shared': [0.5, 0.4, 0.6, 0.5, 0.5, 0.5] }),
    'mmap-shared is fastest to first token by its paired ratio: 500 ms, 0.50 times what the reference, cxx-stream, takes (96.9 % interval 0.40–0.60, 6 pairs).',
  );
});

test('several comparisons at once take more pairs, and the answer says how many', (t) => {
  const eight = (n: number): string =>
    answerOf({
      'cxx-stream': often(n, 1),
      'mmap-shared': often(n, 0.5),
      ...Object.fromEntries(copies.map(({ loader }) => [loader, often(n, 0.9)])),
    });
  t.true(
    eight(8).startsWith('mmap-shared was faster to first token than the reference, cxx-stream, in all 8 pairs'),
    eight(8),
  );
  t.true(eight(8).includes('to prove one of 8 comparisons takes 9 pairs'), eight(8));
  t.true(eight(9).startsWith('mmap-shared is fastest to first token by its paired ratio'), eight(9));
  t.true(eight(9).includes('9 pairs, one of 8 comparisons'), eight(9));
});

test('loaders whose intervals overlap that of the fastest may be as fast', (t) => {
  const answer = answerOf({
    'cxx-stream': often(7, 1),
    'mmap-shared': [0.5, 0.4, 0.6, 0.5, 0.5, 0.5, 0.5],
    'mmap-private': [0.5, 0.6, 0.7, 0.6, 0.6, 0.6, 0.6],
    'loader-0': often(7, 0.9),
  });
  t.true(answer.endsWith('As their spreads overlap, mmap-private may be as fast.'), answer);
});

test('an interval that holds 1 shows no difference', (t) => {
  const answer = answerOf({ 'cxx-stream': often(6, 1), 'mmap-shared': [0.9, 0.8, 1.1, 0.9, 0.9, 0.9] });
  t.true(
    answer.includes('interval 0.80–1.10, 6 pairs). The interval holds 1, so neither is shown to be faster'),
    answer,
  );
});

test('a loader without proof is no obstacle to one with it', (t) => {
  const answer = answerOf({
    'cxx-stream': often(7, 1),
    'mmap-shared': [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 1.2],
    'mmap-private': often(7, 0.5),
  });
  t.true(answer.startsWith('mmap-private is faster to first token: 500 ms, 0.50 times what the reference'), answer);
  t.true(answer.endsWith('Lower in ratio, but without proof: mmap-shared.'), answer);
});

test('a reference that is first is compared with the others', (t) => {
  t.is(
    answerOf({ 'cxx-stream': [1, 1, 1], 'mmap-shared': [2, 3, 0.5] }),
    'No loader has a lower paired time to first token than the reference, cxx-stream: 1.00 s. mmap-shared, the next, took longer in 2 of 3 pairs (0.50, 2.00 and 3.00 times its time); with fewer than 6 pairs that is no proof.',
  );
  const answer = answerOf({
    'cxx-stream': often(7, 1),
    'mmap-shared': [1, 1.2, 0.9, 1.1, 1.1, 1.1, 1.1],
    'mmap-private': often(7, 3),
  });
  t.true(
    answer.endsWith(
      'No difference from it is shown for mmap-shared. mmap-private is slower: 3.00 times its time (98.4 % interval 3.00–3.00, 7 pairs, one of 2 comparisons).',
    ),
    answer,
  );
});

test('the answer and the intervals of the rows never contradict each other', (t) => {
  const words = answerOf({
    'cxx-stream': often(7, 1),
    'mmap-shared': [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 1.05],
    'mmap-private': [1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 0.9],
  });
  t.false(words.includes('No loader'), words);
});

test('of eight equal loaders one is called faster in fewer than one run of twenty', (t) => {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const noise = (n: number): readonly number[] => Array.from({ length: n }, () => 0.5 + random());
  const runs = 200;
  const called = (rounds: number): number =>
    Array.from({ length: runs }, () =>
      answerOf({
        'cxx-stream': noise(rounds),
        ...Object.fromEntries(copies.map(({ loader }) => [loader, noise(rounds)])),
      }),
    ).filter((answer) => /\bis fast/.test(answer)).length;
  t.is(called(3), 0);
  const wrong = called(9);
  t.true(wrong <= runs / 20, `${wrong} of ${runs}`);
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

test('a loader that never ran beside a valid sample of the reference is told to have no rank', (t) => {
  const apart = [ok({ arm: base, round: 1 }), ok({ arm: head, round: 2 })];
  const told = /^mmap-shared \(warm, backed\) has no ratio and no rank/m;
  t.regex(notesOf(ledger({ arms: [base, head], samples: apart })), told);
  const beside = [...apart, ok({ arm: base, round: 2 })];
  t.notRegex(notesOf(ledger({ arms: [base, head], samples: beside })), told);
});

test('how many rounds a claim takes is told', (t) => {
  const rounds = (n: number, others: readonly (typeof base)[]): string =>
    notesOf(
      ledger({
        arms: [base, ...others],
        samples: [base, ...others].flatMap((of) => Array.from({ length: n }, (_, round) => ok({ arm: of, round }))),
      }),
    );
  t.true(rounds(3, [head]).includes('only 3 pairs'));
  t.true(rounds(3, [head]).includes('--rounds 6 or more gives intervals.'));
  t.true(
    rounds(3, copies).includes('--rounds 6 or more gives intervals, 9 or more can tell which loaders are faster.'),
  );
  t.true(rounds(6, copies).includes('--rounds 9 or more can tell which are faster'));
  t.false(rounds(6, [head]).includes('--rounds'));
  t.false(rounds(9, copies).includes('--rounds'));
});

test('what the harness itself holds is told, and not subtracted', (t) => {
  const weighed = (of: typeof base, held: number): ReturnType<typeof ok> =>
    ok(
      { arm: of, pass: 'memory' },
      {},
      {
        memory: {
          baseline: memory(),
          loaded: null,
          firstToken: memory({ pssAnonymous: 30_000_000 + held }),
          end: memory(),
          peak: peak(30_400_000 + 2 * held),
          kvCacheBytes: 1,
          scratchBytes: 1,
        },
      },
    );
  const { notes, sections } = reportOf(
    ledger({
      arms: [base, nullArm()],
      samples: [ok({ arm: base }), weighed(base, 2 ** 20), weighed(nullArm(), 32_768)],
    }),
  );
  t.true(notes.join('\n').includes('what null holds: 32 KiB, 64 KiB at its peak'), notes.join('\n'));
  t.is(sections[0]!.rows[0]!.unreclaimable!.value, 2 ** 20);
});

test('stolen time is told in milliseconds over all CPUs, where it is much', (t) => {
  const stolen = (
    values: readonly number[],
    machine: Readonly<Record<string, unknown>> = { cpu: { cores: 4 } },
  ): string =>
    notesOf(
      ledger({
        arms: [base],
        samples: [...values, 9e9].map((stealNs, round) => {
          const sample = ok({ arm: base, round, pass: round < values.length ? 'time' : 'memory' });
          return { ...sample, noise: { ...sample.noise, stealNs } };
        }),
        run: { machine: { fingerprint: 'x', ...machine } },
      }),
    );
  t.true(
    stolen([1e7, 3e7, 5e8]).includes(
      'median 30 ms, at most 500 ms, over 4 CPUs together; the phases of a sample lasted about 86.5 ms.',
    ),
    stolen([1e7, 3e7, 5e8]),
  );
  t.false(stolen([1e7, 3e7, 5e8]).includes('%'));
  t.true(stolen([1e7], {}).includes('over all CPUs together'));
  // 86.5 ms of phases on 4 CPUs: 1 % is 3.5 ms.
  t.false(stolen([3e6]).includes('hypervisor took'));
  t.true(stolen([4e6]).includes('hypervisor took'));
});

test('backed free memory is called certified only where a probe could tell it from returned', (t) => {
  const of = (
    machine: Readonly<Record<string, unknown>>,
    limitNs: number | null,
    resumed: number | null = limitNs,
  ): readonly [conditions: string, notes: string] => {
    const ceilings = (limit: number | null) => ({
      device: {},
      firstTouch: { backedNs: 20_000_000, returnedNs: limit === null ? 21_000_000 : 22_000_000, limitNs: limit },
    });
    const { sections, notes } = reportOf(
      ledger({
        arms: [base],
        samples: [ok({ arm: base })],
        run: { machine: { fingerprint: 'x', ...machine }, ceilings: ceilings(limitNs) },
        ledger: {
          resumes: [{ kind: 'resume', startedAt: '', completedSamples: 1, ceilings: ceilings(resumed) }],
        },
      }),
    );
    return [sections[0]!.conditions, notes.join('\n')];
  };
  const reporting = { memory: { pageReporting: true } };
  const [certified, quiet] = of(reporting, 21_500_000);
  t.true(certified.endsWith('free memory backed'));
  t.notRegex(quiet, /certified|always backed/);

  const [uncertified, why] = of(reporting, null);
  t.true(uncertified.endsWith('free memory touched beforehand (not certified)'));
  t.true(why.includes('20.0 ms just after free memory was touched, 21.0 ms after a rest'), why);
  t.true(of({ memory: { pageReporting: null } }, null)[0].endsWith('(not certified)'), 'unknown is not known');
  t.true(of(reporting, 21_500_000, null)[0].endsWith('(not certified)'), 'nor is a run whose second part is not');

  const [always, calm] = of({ memory: { pageReporting: false } }, null);
  t.true(always.endsWith('free memory backed'));
  t.true(calm.includes('free memory is always backed'));
  t.false(calm.includes('not certified'));
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

test('bounds, the ceiling and home stand apart from the rows, labelled, and are never the answer', (t) => {
  const bound = arm('stream-discard', { kind: 'bound', mechanism: 'discard', work: 'read' });
  const samples = [1, 2].flatMap((round) => [
    ok({ arm: base, round, state: 'cold' }, { ttftNs: 3e9, completeNs: 3e9 }),
    ok({ arm: head, round, state: 'cold' }, { ttftNs: 2e9, completeNs: 2e9 }),
    ok({ arm: bound, round, state: 'cold' }, { ttftNs: null, completeNs: 1.25e9 }),
    ok({ arm: deviceCeiling(), round, state: 'cold' }, { completeNs: 1e9 }),
    ok({ arm: homeCeiling(), round, state: 'cold' }, { completeNs: 1.5e9 }),
  ]);
  const arms = [base, head, bound, deviceCeiling(), homeCeiling()];
  const section = reportOf(ledger({ arms, samples, states: ['cold'] })).sections[0]!;
  t.deepEqual(
    section.rows.map(({ label }) => label),
    ['mmap-shared', 'cxx-stream'],
  );
  t.deepEqual(
    section.bounds.map(({ label, ceilingShare }) => [label, ceilingShare?.text]),
    [['stream-discard (bound)', '80%']],
  );
  t.is(section.ceiling?.label, 'device ceiling');
  t.is(section.home?.label, 'home ceiling');
  t.notRegex(section.answer, /stream-discard|device|home/);
  t.is(section.bounds[0]?.toReference.complete, null);
});

test('a loader that a user brought is marked as external', (t) => {
  const own = arm('my-loader', { origin: 'external' });
  const samples = [ok({ arm: base }), ok({ arm: own })];
  const labels = reportOf(ledger({ arms: [base, own], samples })).sections[0]!.rows.map(({ label }) => label);
  t.true(labels.includes('my-loader (external)'));
  t.true(labels.includes('cxx-stream'));
});

test('debt is told with what of it is unexplained, below 0 where the first token was faster', (t) => {
  const samples = [ok({ arm: base }, {}, { debt: debt(4e6) }), ok({ arm: head }, {}, { debt: debt(-2e6) })];
  const [first, second] = reportOf(ledger({ arms: [base, head], samples })).sections[0]!.rows;
  t.is(first?.debt?.text, '4.00 ms');
  t.is(first?.unexplainedDebt?.text, '2.00 ms');
  t.is(second?.debt?.text, '−2.00 ms');
});

test('notes of drift and of two modes tell the setting and the load that they are of', (t) => {
  const alone = armOf('stdio', 1);
  const ttfts = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 1e6 : 5e6) + 1000 * index);
  const samples = ttfts.map((ttftNs, index) => ok({ arm: alone, round: index + 1 }, { ttftNs }));
  const left = samples.map((sample) => ({ ...sample, state: 'left' as const, load: 2 }));
  const notes = notesOf(ledgerOf([alone, armOf('stdio', 3)], [...samples, ...left], []));
  t.regex(notes, /ranged stdio \(1 process, warm, backed\) 1\.00 ms to 5\.\d+ ms/);
  t.regex(notes, /^stdio \(1 process, warm, backed\) has two modes/m);
  t.regex(notes, /^stdio \(1 process, left, load 2, backed\) has two modes/m);
});

test('several processes of a command are told apart from those of loaders', (t) => {
  const program = { ...armOf('cat', 3), kind: 'command', work: 'command' } as const;
  const ofLoaders = /tokens per second are the sum of what each reached/;
  const ofCommands = /command, all figures are those of the one that ended last/;
  const [commands, loaders] = [program, armOf('stdio', 3)].map((each) => notesOf(ledgerOf([each], [], [])));
  t.true(ofCommands.test(commands ?? '') && !ofLoaders.test(commands ?? ''));
  t.true(ofLoaders.test(loaders ?? '') && !ofCommands.test(loaders ?? ''));
});
