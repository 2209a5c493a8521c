import test from 'ava';
import { recommendationText } from '../../reports/recommendation-text.js';
import { textWidth } from '../../reports/text-layout.js';
import { adviceOf, type Advice } from '../../src/report/recommend.js';
import { llamaOptionOf } from '../../src/report/recommend-llama.js';
import type { Arm, Ledger, Sample, State } from '../../src/samples/record.js';
import type { OkSample } from '../../src/statistics/pairs.js';
import {
  recommend,
  type Circumstances,
  type PlaceChoice,
  type Recommendation,
} from '../../src/statistics/recommendation.js';
import { summarize } from '../../src/statistics/summarize.js';
import { MODEL, arm, ledger, memory, model, ok, peak, reason, without } from './ledger-builder.js';

const MiB = 2 ** 20;
const TENSORS = 1000 * MiB;
/** KV cache and scratch of the samples below. */
const SESSION = 150_000;

const stdio = arm('stdio');
const map = arm('mmap-shared', { mechanism: 'mmap', options: { sharing: 'shared' } });
const populate = arm('mmap-shared-populate', { mechanism: 'mmap', options: { sharing: 'shared', populate: true } });
const direct = arm('direct');
const uring = arm('uring', { options: { direct: true } });
const arms = [stdio, map, populate, direct, uring];

type Ratios = Readonly<Record<string, readonly number[]>>;

/** First tokens as ratios to the reference's second, by loader and round; the reference is in each round. */
function timed(ratios: Ratios, state: State = 'cold'): Sample[] {
  const rounds = Math.max(...Object.values(ratios).map((values) => values.length));
  return [
    ...Array.from({ length: rounds }, (_, round) => ok({ arm: stdio, round, state }, { ttftNs: 1e9 })),
    ...Object.entries(ratios).flatMap(([loader, values]) =>
      values.map((ratio, round) =>
        ok({ arm: arms.find((each) => each.loader === loader)!, round, state }, { ttftNs: ratio * 1e9 }),
      ),
    ),
  ];
}

/** A sample of the memory pass: what the loader holds itself, and the page cache after. */
function held(of: Arm, own: number, state: State = 'cold'): Sample {
  return ok(
    { arm: of, pass: 'memory', state },
    {},
    {
      memory: {
        ...{
          baseline: memory(),
          loaded: null,
          end: memory(),
          peak: peak(null),
          kvCacheBytes: 8 * MiB,
          scratchBytes: 0,
        },
        firstToken: memory({ pssAnonymous: 30_000_000 + own }),
      },
    },
  );
}

function run(samples: readonly Sample[], states: readonly State[] = ['cold']): Ledger {
  const used = arms.filter(({ id }) => samples.some((sample) => sample.arm.id === id));
  return ledger({ arms: used, states, samples, models: { [MODEL]: model({ tensorBytes: TENSORS }) } });
}

const plenty: Circumstances = { processes: 1, availableBytes: 20_000 * MiB };

const recommendationOf = (of: Ledger, circumstances = plenty): Recommendation =>
  recommend(summarize(of), of, circumstances);
const placeOf = (of: Ledger, circumstances = plenty): PlaceChoice => recommendationOf(of, circumstances).places[0]!;
const adviceFor = (of: Ledger, circumstances = plenty): Advice => adviceOf(recommendationOf(of, circumstances), of, []);
function itemOf(of: Ledger, term: string, circumstances = plenty): string {
  return adviceFor(of, circumstances).sections[0]?.items.find((item) => item.term === term)?.text ?? '';
}

const often = (n: number, value: number): readonly number[] => Array.from({ length: n }, () => value);

test('with pairs enough and intervals apart the fastest is recommended without a doubt', (t) => {
  const of = run([...timed({ 'mmap-shared': often(8, 0.8), direct: often(8, 0.5) })]);
  const { choice, confidence, others } = placeOf(of);
  t.is(choice?.label, 'direct');
  t.is(confidence, 'proven');
  t.deepEqual(
    others.map(({ label }) => label),
    ['mmap-shared', 'stdio'],
  );
  t.is(
    adviceFor(of).sections[0]?.take,
    "direct: first token in 500 ms, 0.50 times the reference's (interval 0.50–0.50, 8 pairs).",
  );
  t.is(itemOf(of, 'to settle it'), '');
});

test('with few pairs a loader is ahead as far as they reach, not proven, and the command that settles it is given', (t) => {
  const of = run([...timed({ direct: [0.5, 0.6, 0.4] })]);
  t.is(placeOf(of).confidence, 'ahead');
  const [section] = adviceFor(of).sections;
  t.is(
    section?.take,
    "direct, ahead as far as 3 pairs reach: first token in 500 ms, 0.50 times the reference's (range 0.40–0.60, 3 pairs).",
  );
  t.regex(itemOf(of, 'how sure'), /^not proven: .* one is ahead in all 3 1 time in 4; 6 pairs a loader/);
  t.is(
    itemOf(of, 'to settle it'),
    'weighbridge run /models/a.gguf --loader direct,stdio --state cold --memory-state backed --threads 2 --context 64 --rounds 6',
  );
  t.is(placeOf(run([...timed({ direct: [0.5] })])).confidence, 'guess');
  t.regex(adviceFor(run([...timed({ direct: [0.5] })])).sections[0]?.take ?? '', /^Perhaps direct/);
});

test('no number of pairs below that of an interval ever proves', (t) => {
  for (let n = 1; n < 6; n++) {
    const of = run([...timed({ direct: often(n, 0.01) })]);
    t.not(placeOf(of).confidence, 'proven');
    t.regex(adviceFor(of).sections[0]?.take ?? '', /^(Perhaps direct|direct, ahead as far as)/);
  }
});

test('where spreads overlap or medians are within 3 %, memory that can be taken back decides', (t) => {
  for (const [fast, slow] of [
    [
      [0.5, 0.6, 0.7],
      [0.6, 0.7, 0.8],
    ],
    [often(8, 0.5), often(8, 0.51)],
  ] as const) {
    const of = run([
      ...timed({ direct: fast, 'mmap-shared': slow }),
      held(stdio, TENSORS),
      held(direct, TENSORS),
      held(map, MiB),
    ]);
    const { choice, fastest, tied, confidence } = placeOf(of);
    t.is(choice?.label, 'mmap-shared');
    t.is(fastest?.label, 'direct');
    t.deepEqual(
      tied.map(({ label }) => label),
      ['direct'],
    );
    t.is(confidence, 'tied');
    t.regex(
      adviceFor(of).sections[0]?.take ?? '',
      /^mmap-shared or direct; mmap-shared takes less memory .* than direct, .*: 1\.1 MiB against 0\.98 GiB: first token/,
    );
    t.regex(itemOf(of, 'how sure'), /no difference in time is shown to direct/);
  }
});

test('of ties that need alike memory the faster is taken', (t) => {
  const of = run([
    ...timed({ 'mmap-shared-populate': [0.5, 0.6, 0.7], 'mmap-shared': [0.6, 0.7, 0.8] }),
    held(populate, MiB),
    held(map, 0),
  ]);
  t.is(placeOf(of).choice?.label, 'mmap-shared-populate');
  t.regex(
    adviceFor(of).sections[0]?.take ?? '',
    /^mmap-shared-populate or mmap-shared; mmap-shared-populate has the lowest paired median and takes as little memory/,
  );
});

test('several processes multiply what is copied, and what does not fit is ruled out', (t) => {
  const of = run([
    ...timed({ direct: often(8, 0.5), 'mmap-shared': often(8, 0.8) }),
    held(stdio, TENSORS),
    held(direct, TENSORS),
    held(map, MiB),
  ]);
  t.is(placeOf(of).choice?.label, 'direct');
  const four = { processes: 4, availableBytes: 3000 * MiB };
  const { choice, doNotFit, confidence } = placeOf(of, four);
  t.is(choice?.label, 'mmap-shared');
  t.is(confidence, 'alone');
  t.deepEqual(
    doNotFit.map(({ label, need }) => [label, need.unreclaimable]),
    [
      ['direct', 4 * (TENSORS + SESSION)],
      ['stdio', 4 * (TENSORS + SESSION)],
    ],
  );
  t.is(choice?.need.unreclaimable, 4 * (MiB + SESSION));
  t.is(choice?.need.shared, TENSORS);
  t.is(itemOf(of, 'does not fit', four), 'direct needs 3.91 GiB, 2.93 GiB available.');
  t.regex(
    itemOf(of, 'memory', four),
    /^needs 4\.6 MiB for 4 processes .* 0\.98 GiB of page cache, once for all of them; 2\.93 GiB available/,
  );
});

test('a reserve is kept free, and page cache that does not fit is told and rules nothing out', (t) => {
  const of = run([...timed({ 'mmap-shared': often(8, 0.8) }), held(map, MiB), held(stdio, TENSORS)]);
  const tight = { processes: 1, availableBytes: TENSORS + 100 * MiB };
  t.is(placeOf(of, tight).choice?.label, 'mmap-shared');
  t.deepEqual(
    placeOf(of, tight).doNotFit.map(({ label }) => label),
    ['stdio'],
  );
  t.regex(itemOf(of, 'memory', tight), /The page cache does not fit beside it/);
  t.is(placeOf(of, { processes: 1, availableBytes: null }).doNotFit.length, 0);
});

test('nothing fits, or nothing was measured: no loader is recommended, and why is told', (t) => {
  const of = run([...timed({ direct: [0.5] })]);
  const none = adviceFor(of, { processes: 100, availableBytes: 1000 * MiB }).sections[0];
  t.is(none?.take, 'No loader that fits has a valid sample here.');
  t.true(none?.items.every(({ term }) => term === 'does not fit'));
  const failed = run([without('failed', { arm: stdio, state: 'cold' }, reason('io', { message: 'the disk is gone' }))]);
  t.is(itemOf(failed, 'not measured'), 'stdio: the disk is gone.');
});

test('without a memory pass the need is reckoned, and said to be', (t) => {
  const of = run([...timed({ 'mmap-shared': often(3, 2) })]);
  const { choice } = placeOf(of);
  t.is(choice?.label, 'stdio');
  t.true((choice?.need.unreclaimable ?? 0) >= TENSORS);
  t.regex(itemOf(of, 'memory'), /reckoned from the size of the tensors/);
});

test('a hybrid is reckoned as a map, since it copies into reserved pages alone', (t) => {
  const hybrid = arm('hybrid');
  const of = ledger({
    arms: [stdio, hybrid],
    states: ['cold'],
    samples: [stdio, hybrid].map((each) => ok({ arm: each, state: 'cold' })),
    models: { [MODEL]: model({ tensorBytes: TENSORS }) },
  });
  const { choice, doNotFit } = placeOf(of, { processes: 1, availableBytes: 700 * MiB });
  t.is(choice?.label, 'hybrid');
  t.like(choice?.need, { unreclaimable: SESSION, pool: 0, shared: TENSORS, measured: false });
  t.deepEqual(
    doNotFit.map(({ label }) => label),
    ['stdio'],
  );
});

test('pages of the reserved pool are not held against what is available, and are told', (t) => {
  const sample = held(direct, MiB);
  if (sample.memory === null) throw new Error('a sample of the memory pass has memory');
  const { firstToken } = sample.memory;
  if (firstToken === null) throw new Error('a sample of the memory pass has a first token');
  const pooled = { ...sample, memory: { ...sample.memory, firstToken: { ...firstToken, hugetlb: TENSORS } } } as Sample;
  const of = run([...timed({ direct: often(8, 0.5) }), pooled]);
  const tight = { processes: 2, availableBytes: 700 * MiB };
  const { choice } = placeOf(of, tight);
  t.like(choice?.need, { unreclaimable: 2 * (MiB + SESSION), pool: 2 * TENSORS, shared: 0, fits: true });
  t.regex(itemOf(of, 'memory', tight), /, 1\.95 GiB of huge pages from the pool, which are reserved already; /);
  // They are memory all the same where two are tied.
  const tied = run([...timed({ direct: often(8, 0.5), 'mmap-shared': often(8, 0.51) }), pooled, held(map, 2 * MiB)]);
  t.is(placeOf(tied).choice?.label, 'mmap-shared');
});

test('a loader without a pair has no upper bound, in JSON too', (t) => {
  const of = run([...timed({ direct: [0.5] }), ok({ arm: map, round: 9, state: 'cold' })]);
  const { others } = JSON.parse(JSON.stringify(placeOf(of))) as PlaceChoice;
  t.like(
    others.find(({ label }) => label === 'mmap-shared'),
    { ratio: null, low: 0, high: null },
  );
  t.deepEqual(JSON.parse(JSON.stringify(placeOf(of))), placeOf(of));
});

test('a locked mapping is memory that cannot be taken back, once for all processes', (t) => {
  const locked = { ...map, options: { sharing: 'shared', lock: 'all' } };
  const unread = held(map, 0) as OkSample;
  const read: OkSample = {
    ...unread,
    memory: { ...unread.memory!, firstToken: { ...unread.memory!.firstToken!, locked: TENSORS } },
    residency: { ...unread.residency, firstToken: TENSORS },
  };
  for (const weighed of [unread, read]) {
    const of = run([...timed({ 'mmap-shared': often(8, 0.5) }), held(stdio, TENSORS), weighed]);
    const relocked = { ...of, run: { ...of.run, arms: { ...of.run.arms, [map.id]: locked } } };
    const { need } = placeOf(relocked, { processes: 2, availableBytes: 20_000 * MiB }).choice!;
    t.is(need.unreclaimable, 2 * SESSION + TENSORS);
    t.is(need.shared, 0);
  }
});

test('the cost of being wrong is that of the pairs: the next by medians, and the worst that they reach', (t) => {
  const of = run([...timed({ direct: [0.5, 0.6, 0.4], 'mmap-shared': [0.8, 0.7, 0.9] })]);
  const { cost } = placeOf(of);
  t.is(cost?.runnerUp, 'mmap-shared');
  t.is(cost?.ratio, 0.8 / 0.5);
  t.true(cost!.worstNs! < 0);
  t.regex(itemOf(of, 'if wrong'), /no other is sooner/);
  t.regex(itemOf(run([...timed({ direct: [0.5] })]), 'if wrong'), /so few pairs do not tell/);
  const near = run([
    ...timed({ direct: [0.5, 0.6, 0.9], 'mmap-shared': [0.8, 0.7, 0.95] }),
    held(direct, 0),
    held(map, 0),
  ]);
  const worst = placeOf(near).cost!;
  t.is(worst.worstAgainst, 'mmap-shared');
  t.is(Math.round(worst.worstNs! / 1e6), 200);
  t.regex(itemOf(near, 'if wrong'), /at worst, as far as these pairs reach, mmap-shared is 200 ms sooner at each load/);
});

test('one loader for all states is the one whose worst state is the best', (t) => {
  const of = run(
    [
      ...timed({ direct: often(8, 0.5), 'mmap-shared': often(8, 0.55), 'mmap-shared-populate': often(8, 0.52) }),
      ...timed({ 'mmap-shared': often(8, 0.1), 'mmap-shared-populate': often(8, 0.3) }, 'warm'),
    ],
    ['cold', 'warm'],
  );
  const { overall, places } = recommendationOf(of);
  t.deepEqual(
    places.map(({ state, fastest, choice }) => [state, (fastest ?? choice)?.label]),
    [
      ['cold', 'direct'],
      ['warm', 'mmap-shared'],
    ],
  );
  t.is(overall?.label, 'mmap-shared');
  t.is(
    adviceFor(of).overall,
    'For all states together probably mmap-shared: at worst 1.10 times the first token of the fastest, by paired medians.',
  );
  t.is(recommendationOf(run([...timed({ direct: [0.5] })])).overall, null);
});

test('one loader proven in each state is said to be so, and of each alone', (t) => {
  const both: Ratios = { direct: often(8, 0.5), 'mmap-shared': often(8, 0.8) };
  const of = run([...timed(both), ...timed(both, 'warm')], ['cold', 'warm']);
  t.regex(adviceFor(of).overall ?? '', /together direct \(proven in each of them by itself, not in all at once\):/);
});

test('the option of llama.cpp is given where it loads alike, and the best of its own ways where it has none', (t) => {
  t.is(llamaOptionOf(stdio)?.option, '--load-mode none');
  t.is(llamaOptionOf(populate)?.option, '--load-mode mmap');
  t.is(llamaOptionOf(direct)?.option, '--load-mode dio');
  t.is(llamaOptionOf({ mechanism: 'mmap', options: { sharing: 'shared', lock: 'all' } })?.older, '--mlock');
  const whole = { sharing: 'shared', populate: true, sequentialFile: true, bring: 'willneed', chunkBytes: 0 };
  t.like(llamaOptionOf({ mechanism: 'mmap', options: whole }), { alike: true, caveat: null });
  for (const other of [
    { sharing: 'shared' },
    { ...whole, populate: false },
    { ...whole, chunkBytes: 2 ** 20 },
    { ...whole, advice: ['sequential'] },
    { ...whole, sharing: 'private' },
  ]) {
    t.like(llamaOptionOf({ mechanism: 'mmap', options: other }), { option: '--load-mode mmap', alike: false });
  }
  for (const none of [
    uring,
    { mechanism: 'direct', options: { threads: 4 } },
    { mechanism: 'read', options: { arena: 'thp' } },
    { mechanism: 'pread', options: { pipelined: true } },
    { mechanism: 'mmap', options: { sharing: 'shared', advice: ['hugepage'] } },
    { mechanism: 'mmap', options: { sharing: 'shared', pipelined: true } },
    { mechanism: 'mmap', options: { sharing: 'shared', bring: 'touch' } },
    { mechanism: 'mmap', options: { sharing: 'private', dirtied: true } },
    { mechanism: 'hybrid', options: {} },
  ]) {
    t.is(llamaOptionOf(none), null, JSON.stringify(none));
  }
  const of = run([...timed({ uring: often(8, 0.4), direct: often(8, 0.8), 'mmap-shared': often(8, 0.9) })]);
  t.regex(
    itemOf(of, 'llama.cpp'),
    /^it has no option that loads this way; .* is direct, 2\.00 times its first token: --load-mode dio/,
  );
});

test('a map that is not llama.cpp’s gets its option with what is different, and how that was weighed', (t) => {
  const lazy = run([...timed({ 'mmap-shared': often(8, 0.5), direct: often(8, 0.8) })]);
  t.is(
    itemOf(lazy, 'llama.cpp'),
    '--load-mode mmap (older releases: --mmap); llama.cpp also populates the mapping and then advises the whole of it; that way was not weighed here.',
  );
  const renamed = run([...timed({ 'mmap-shared': often(8, 0.5), 'mmap-shared-populate': often(8, 0.75) })]);
  const llama = { ...populate, loader: 'llama-mmap', label: 'llama-mmap' };
  const with_ = { ...renamed, run: { ...renamed.run, arms: { ...renamed.run.arms, [populate.id]: llama } } };
  t.regex(itemOf(with_, 'llama.cpp'), /; that way was weighed here as llama-mmap, 1\.50 times its first token\.$/);
  // What it has not is never stood in for by a map that is not its own.
  const none = run([...timed({ uring: often(8, 0.4), 'mmap-shared': often(8, 0.5), direct: often(8, 0.8) })]);
  t.regex(itemOf(none, 'llama.cpp'), /that it has is direct/);
});

test('the text fits its width but for commands, which stay whole', (t) => {
  const of = run([...timed({ direct: [0.5, 0.6, 0.4], 'mmap-shared': [0.8, 0.7, 0.9] }), held(map, MiB)]);
  const text = recommendationText(adviceFor(of), 80);
  for (const line of text.split('\n'))
    t.true(textWidth(line) <= 80 || line.trim().startsWith('weighbridge run '), line);
  t.regex(text, /^ {4}weighbridge run .*--rounds \d+$/m);
});
