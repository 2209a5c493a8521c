import test from 'ava';
import { explanationText } from '../../reports/explanation-text.js';
import { textWidth } from '../../reports/text-layout.js';
import { explain, type ExplainedSection, type Topic } from '../../src/report/explain.js';
import type { Arm, Ledger, RunRecord, Sample } from '../../src/samples/record.js';
import type { OkSample } from '../../src/statistics/pairs.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { Binding } from '../../src/statistics/summary-types.js';
import {
  arm,
  debt,
  deviceCeiling,
  ledger,
  memory,
  ok,
  peak,
  phase,
  reason,
  without,
} from '../statistics/ledger-builder.js';

const stdio = arm('stdio');
const map = arm('mmap-shared');
const device = deviceCeiling();

const sectionsOf = (of: Ledger, loader: string | null = null): readonly ExplainedSection[] =>
  explain(summarize(of), of, loader).sections;

function textOf(of: Ledger, topic: Topic, loader: string | null = null): string | undefined {
  return sectionsOf(of, loader)[0]?.sentences.find((sentence) => sentence.topic === topic)?.text;
}

/** A timed sample of given phases; by default a copying loader's. */
function timed(
  of: Arm,
  round: number,
  [open, acquire, firstToken]: readonly [number, number, number],
  overrides: Partial<OkSample> = {},
): OkSample {
  const ttftNs = open + acquire + firstToken;
  const sample = ok({ arm: of, round, state: 'cold' }, { ttftNs, completeNs: ttftNs + 1e6 });
  return {
    ...sample,
    phases: { ...sample.phases!, open: phase(open), acquire: phase(acquire), firstToken: phase(firstToken) },
    ...overrides,
  };
}

/** A map that pays at its first token against a reader that pays before, in as many rounds. */
function story(rounds: number, overrides: (round: number) => Partial<OkSample> = () => ({})): Ledger {
  const samples = Array.from({ length: rounds }, (_, round) => [
    timed(stdio, round, [1e6, 400e6, 10e6]),
    timed(map, round, [1e6, 1e6, 98e6 + round * 1e6], overrides(round)),
    ok({ arm: device, round, state: 'cold' }, { completeNs: 50e6 }),
  ]).flat();
  return ledger({ arms: [stdio, map, device], states: ['cold'], samples });
}

test('the loader explained is the one that the answer names, against the reference', (t) => {
  const [section] = sectionsOf(story(3));
  t.is(section?.subject, 'mmap-shared');
  t.is(section?.other, 'stdio');
  t.true(section?.answer.startsWith('mmap-shared was faster to first token than the reference, stdio, in all 3 pairs'));
});

test('a reference that is first is explained against the next, and a loader named against the reference', (t) => {
  const slower = ledger({
    arms: [stdio, map],
    states: ['cold'],
    samples: [timed(stdio, 1, [1e6, 1e6, 1e6]), timed(map, 1, [1e6, 9e6, 1e6])],
  });
  t.like(sectionsOf(slower)[0], { subject: 'stdio', other: 'mmap-shared' });
  t.like(sectionsOf(slower, 'mmap-shared')[0], { subject: 'mmap-shared', other: 'stdio' });
  t.like(sectionsOf(story(2), 'stdio')[0], { subject: 'stdio', other: 'mmap-shared' });
});

test('a loader that the run has not is refused, naming those it has', (t) => {
  const of = story(1);
  t.throws(() => explain(summarize(of), of, 'nonsense'), { name: 'UsageError', message: /"nonsense".*stdio/ });
});

test('where time went is told phase by phase, and as differences within blocks', (t) => {
  t.is(
    textOf(story(3), 'phases'),
    'mmap-shared took 1.00 ms for the header, 1.00 ms for the weights and 99.0 ms for the first token (medians of 3 samples); stdio took 1.00 ms for the header, 400 ms for the weights and 10.0 ms for the first token (medians of 3 samples). When load returned, 2.0% of the time to first token of mmap-shared had passed.',
  );
  t.is(
    textOf(story(3), 'difference'),
    'In the same blocks as stdio, the weights took 399 ms less, the first token took 89.0 ms more and the header took as long (median differences of 3 pairs). The weights: from 399 ms less to 399 ms less.',
  );
});

test('reads before and after load are told apart, with the size of requests where the device tells', (t) => {
  const late = story(1, () => ({
    phases: {
      ...timed(map, 1, [1, 1, 1]).phases!,
      acquire: phase(1e6, { readBytes: 2 ** 20 }),
      firstToken: phase(98e6, { readBytes: 5 * 2 ** 20, minorFaults: 1234, majorFaults: 3 }),
    },
    traffic: { reads: 10, readBytes: 5 * 2 ** 20, meanRequestBytes: 2 ** 19 },
  }));
  const storage = textOf(late, 'storage') ?? '';
  t.true(storage.startsWith('mmap-shared read 1.0 MiB from storage before load returned and 5.0 MiB after'), storage);
  t.true(storage.includes('stdio read nothing from storage'), storage);
  t.true(storage.includes('512 KiB at a time'), storage);
  t.regex(textOf(late, 'faults') ?? '', /during load, 1,234 and 3 more until the first token \(1 sample\); stdio/);
});

test('debt is told explained and unexplained apart, and what a virtual machine cannot see is never computing', (t) => {
  const owing = story(3, () => ({ debt: debt(80e6, { waitedNs: 5e6 }) }));
  const bare = textOf(owing, 'debt') ?? '';
  t.true(bare.includes('still owed 80.0 ms'), bare);
  t.true(bare.includes('40.0 ms explained') && bare.includes('40.0 ms unexplained'), bare);
  t.true(bare.includes('(medians of 3 samples, each by itself, so that they need not add up)'), bare);
  t.true(bare.includes('waiting for a CPU'), bare);
  t.true(bare.includes('5.00 ms were spent waiting for the loader'), bare);
  t.false(bare.includes('virtual machine'));
  const run: RunRecord = { ...owing.run, machine: { fingerprint: 'x', virtualization: { virtual: true } } };
  const virtual = textOf({ ...owing, run }, 'debt') ?? '';
  t.true(virtual.includes('invisible'), virtual);
  t.notRegex(virtual, /comput/);
  t.true(
    textOf(
      story(1, () => ({ debt: debt(-1e6) })),
      'debt',
    )?.includes('owed nothing'),
  );
});

test('what was copied is told from the growth of memory of its own', (t) => {
  const held = (of: Arm, own: number, file: number): Sample =>
    ok(
      { arm: of, pass: 'memory', state: 'cold' },
      {},
      {
        memory: {
          ...{ baseline: memory(), loaded: null, end: memory(), kvCacheBytes: 1, scratchBytes: 1, peak: peak(31e6) },
          firstToken: memory({
            ...{ anonymous: 30e6 + own, pssAnonymous: 30e6 + own, file: 20e6 + file, pssFile: 10e6 + file },
          }),
        },
      },
    );
  const of = story(1);
  const weighed = { ...of, samples: [...of.samples, held(map, 0, 990_000), held(stdio, 1e6, 0)] };
  const copied = textOf(weighed, 'copied') ?? '';
  t.regex(copied, /^mmap-shared copied none of the weights: .*mapped file pages by 967 KiB/);
  t.regex(copied, /stdio copied the weights: memory of its own grew by 977 KiB, 100% of the tensor bytes/);
  t.regex(textOf(weighed, 'footprint') ?? '', /^Holding the model costs with mmap-shared .*with stdio/);
});

test('the ceiling is a share with its pairs, the binding limit is named, and without them nothing is said', (t) => {
  const of = story(3);
  t.regex(textOf(of, 'ceiling') ?? '', /reached 49% of the device ceiling in the same blocks \(range .*, 3 pairs\)/);
  const withBinding = (binding: Binding | null): string | undefined => {
    const summary = summarize(of);
    const bound = { ...summary, cells: summary.cells.map((cell) => ({ ...cell, binding })) };
    return explain(bound, of).sections[0]?.sentences.find(({ topic }) => topic === 'binding')?.text;
  };
  t.is(withBinding(null), undefined);
  // Of a limit that was beaten nobody says that it is the largest.
  const beaten = { name: 'device', ns: 500e6, share: 5, credible: false } as const;
  t.is(
    withBinding({ name: 'device', share: 0.5, limits: [{ name: 'device', ns: 50e6, share: 0.5, credible: true }] }),
    'What holds the complete time of mmap-shared most is the device, which alone would take 50.0 ms, 50% of the time measured (median over its samples).',
  );
  t.is(
    withBinding({
      name: 'unexplained',
      share: null,
      limits: [beaten, { name: 'fault', ns: 5e6, share: 0.05, credible: true }],
    }),
    'No measured limit alone takes half of the complete time of mmap-shared: page faults 5.00 ms (5.0% of it).',
  );
  t.is(
    withBinding({
      name: 'several',
      share: null,
      limits: [
        { name: 'first-touch', ns: 45e6, share: 0.45, credible: true },
        { name: 'copy', ns: 30e6, share: 0.3, credible: true },
      ],
    }),
    'No measured limit alone takes half of the complete time of mmap-shared; one after the other they would: the first touch of memory 45.0 ms (45% of it) and copying out of the page cache 30.0 ms (30% of it).',
  );
});

test('decode speed differs only where an interval says so', (t) => {
  const decoding = (rounds: number, speed: (round: number) => number): string =>
    textOf(
      story(rounds, (round) => ({ tokensPerSecond: { prefill: null, decode: speed(round) } })),
      'decode',
    ) ?? '';
  t.regex(
    decoding(3, () => 24),
    /24\.0 tokens\/s, stdio 12\.0; paired ratio 2\.00 .*takes 6 pairs to tell/,
  );
  t.regex(
    decoding(6, (round) => 12 + (round - 2) / 10),
    /no difference in decode speed is shown; the interval leaves room for −1\.7 % to \+2\.5 %/,
  );
  t.regex(
    decoding(6, () => 24),
    /the decode speed of mmap-shared is higher, by \+100\.0 % to \+100\.0 %/,
  );
  t.regex(
    decoding(6, () => 6),
    /the decode speed of mmap-shared is lower, by −50\.0 %/,
  );
});

test('warnings, samples that were not ok, what was read back and stolen time are told', (t) => {
  const base = story(2, () => ({
    effective: { mappedBytes: 2 ** 20, adviceAccepted: 'hugepage', populateRequested: false, lockedBytes: 0 },
    warnings: ['only 3 of 8 MiB were fetched'],
  }));
  const of = {
    ...base,
    samples: [
      ...base.samples,
      without('failed', { arm: stdio, state: 'cold', round: 3 }, reason('io', { message: 'EIO' })),
    ],
  };
  t.is(
    textOf(of, 'effective'),
    'Read back of mmap-shared afterwards: mapped 1.0 MiB, advice accepted hugepage (2 samples; numbers are medians).',
  );
  t.is(textOf(of, 'warnings'), 'Warnings: mmap-shared: only 3 of 8 MiB were fetched.');
  t.is(textOf(of, 'not-ok'), 'Not ok, and left out: stdio: 1 × failed, EIO.');
  t.regex(textOf(of, 'noise') ?? '', /stole no CPU time around these 4 samples/);
});

test('what a loader was merely set to is not said to be read back', (t) => {
  const effective = (loader: Arm, values: NonNullable<OkSample['effective']>): string | undefined =>
    textOf(
      ledger({ arms: [loader], states: ['cold'], samples: [timed(loader, 1, [1e6, 1e6, 1e6], { effective: values })] }),
      'effective',
    );
  const uring = arm('uring', { options: { direct: true, depth: 8, arena: 'thp', prefault: true } });
  t.is(
    effective(uring, {
      direct: true,
      depth: 8,
      blockBytes: 2 ** 20,
      registered: true,
      arenaPages: 'thp',
      prefault: true,
    }),
    undefined,
  );
  t.is(
    effective(arm('mmap'), { sharing: 'shared', bring: 'willneed', populateRequested: true, threads: 2 }),
    undefined,
  );
  // Other than what was asked for, or left open, is news.
  t.regex(effective(arm('pread', { options: { threads: 4 } }), { threads: 2 }) ?? '', /afterwards: threads 2 /);
  t.regex(effective(arm('hybrid', { options: { road: 'auto' } }), { road: 'pool' }) ?? '', /afterwards: road pool /);
  t.regex(effective(arm('hybrid'), { road: 'map' }) ?? '', /afterwards: road map /);
});

test('what a library says of itself is told as its word', (t) => {
  const library = arm('mine', { mechanism: 'external', origin: 'external', options: { library: '/mine.so' } });
  const effective = { libraryName: 'mine 1.0', note: 'all is pinned', issuedBytes: 2 ** 20 };
  const of = ledger({
    arms: [library],
    states: ['cold'],
    samples: [timed(library, 1, [1e6, 1e6, 1e6], { effective })],
  });
  t.is(
    textOf(of, 'effective'),
    'Read back of mine afterwards: issued 1.0 MiB (1 sample). Stated by the library of mine: library name mine 1.0, note all is pinned (1 sample).',
  );
});

test('an older ledger, without debt, limits, homes and origin, is explained without them', (t) => {
  const of = story(3, () => ({ debt: debt(80e6) }));
  const dropped = new Set(['debt', 'traffic', 'limits', 'homes', 'origin', 'module', 'hugetlb']);
  const older = JSON.parse(
    JSON.stringify(of, (key, value: unknown) => (dropped.has(key) ? undefined : value)),
  ) as Ledger;
  t.is(textOf(older, 'debt'), undefined);
  t.truthy(textOf(older, 'phases'));
  const told = sectionsOf(older).map(({ setting, ...rest }) => (setting === null ? rest : null));
  t.notRegex(JSON.stringify(told), /NaN|undefined|null,/);
});

test('a section without an ok sample says so and why', (t) => {
  const of = ledger({
    arms: [stdio],
    states: ['cold'],
    samples: [without('failed', { arm: stdio, state: 'cold' }, reason('io', { message: 'the disk is gone' }))],
  });
  const [section] = sectionsOf(of);
  t.is(section?.subject, null);
  t.regex(section?.answer ?? '', /No loader has a valid sample/);
  t.deepEqual(section?.sentences, [{ topic: 'not-ok', text: 'stdio: 1 × failed, the disk is gone.' }]);
});

test('an explanation fits its width and holds no control characters', (t) => {
  const evil = arm('mmap-\u001b[2Jshared');
  const of = story(3, () => ({ warnings: ['line\nbreak \u001b[31m'] }));
  const run = { ...of.run, arms: { ...of.run.arms, [map.id]: { ...evil, id: map.id, label: evil.label } } };
  const hostile = { ...of, run };
  for (const width of [60, 80]) {
    const text = explanationText(explain(summarize(hostile), hostile), width);
    t.notRegex(text.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f]/);
    for (const line of text.split('\n')) t.true(textWidth(line) <= width, line);
  }
});
