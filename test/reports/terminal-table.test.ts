import test from 'ava';
import { terminalTable } from '../../reports/terminal-table.js';
import { textWidth } from '../../reports/text-layout.js';
import type { Arm, Ledger, Reason, Sample } from '../../src/samples/record.js';
import { report } from '../../src/report/report.js';
import { summarize } from '../../src/statistics/summarize.js';
import {
  MODEL,
  arm,
  debt,
  deviceCeiling,
  excluded,
  ledger,
  memory,
  memoryCeiling,
  model,
  nullArm,
  ok,
  peak,
  reason,
  without,
} from '../statistics/ledger-builder.js';

const tableOf = (of: Ledger, width = 80): string => terminalTable(report(summarize(of), of), { width });
const linesOf = (of: Ledger, width = 80): readonly string[] => tableOf(of, width).split('\n');

/** The lines of a loader, one a table that has it. */
const rowsOf = (lines: readonly string[], loader: string): readonly string[] =>
  lines.filter((line) => line.startsWith(`${loader}  `));

const weigh = (of: Arm, state: 'cold' | 'warm'): Sample =>
  ok(
    { arm: of, pass: 'memory', state },
    {},
    {
      memory: {
        baseline: memory(),
        loaded: null,
        firstToken: memory({ pssAnonymous: 30_000_000 + 593 * 2 ** 20 }),
        end: memory(),
        peak: peak(null),
        kvCacheBytes: 1,
        scratchBytes: 1,
      },
      residency: { before: 0, opened: 0, loaded: 0, firstToken: 592 * 2 ** 20, after: 0, size: 593 * 2 ** 20 },
    },
  );

function realistic(
  loaders: readonly string[],
  rounds = 3,
  why: Reason = reason('no-ring', { message: 'no ring here' }),
): Ledger {
  const arms = loaders.map((name) => arm(name));
  const [reference] = arms;
  const uring = arm('uring');
  const samples = (['cold', 'warm'] as const).flatMap((state) => [
    ...Array.from({ length: rounds }, (_, round) =>
      arms.flatMap((of, block) => {
        const times = {
          loadNs: 1_000_000 * (block + 1),
          ttftNs: 400_000_000 + 10_000_000 * block + round,
          completeNs: 450_000_000,
        };
        return [
          ok({ arm: of, round, block, state }, times),
          ...(block === 0
            ? []
            : [ok({ arm: reference!, round, block, state }, { ttftNs: 800_000_000, completeNs: 900_000_000 })]),
          ok(
            { arm: state === 'cold' ? deviceCeiling() : memoryCeiling(), round, block, state },
            { completeNs: 225_000_000 },
          ),
        ];
      }),
    ).flat(),
    ...arms.map((of) => weigh(of, state)),
    ok({ arm: nullArm(), state }, { loadNs: 21_000, completeNs: 22_000 }),
    without('unsupported', { arm: uring, state }, why),
  ]);
  return ledger({
    arms: [...arms, uring, nullArm(), deviceCeiling(), memoryCeiling()],
    samples,
    states: ['cold', 'warm'],
    models: { [MODEL]: model({ tensorBytes: 620_000_000 }) },
  });
}

test('a row says load, first token, complete, GB/s, share, memory; then ratios with their range and tokens/s', (t) => {
  const [times, ratios, each] = rowsOf(linesOf(realistic(['cxx-stream', 'mmap-shared'])), 'mmap-shared');
  t.regex(times!, /^mmap-shared +2\.00 ms +410 ms +450 ms +1\.38 +50% +593 MiB +592 MiB$/);
  t.regex(ratios!, /^mmap-shared +0\.20 +0\.51 \(0\.51–0\.51\) +0\.50 \(0\.50–0\.50\) +12\.0 \(12\.0–12\.0\)$/);
  t.regex(each!, /^mmap-shared +0\.51 0\.51 0\.51 +0\.50 0\.50 0\.50$/);
});

test('cold and warm are blocks of their own, as memory states are', (t) => {
  const headings = linesOf(realistic(['cxx-stream', 'mmap-shared'])).filter((line) => /^(COLD|WARM) ·/.test(line));
  t.deepEqual(
    headings.map((line) => line.slice(0, 4)),
    ['COLD', 'WARM'],
  );
  const of = arm('cxx-stream');
  const both = ledger({
    arms: [of],
    memoryStates: ['backed', 'returned'],
    samples: [ok({ arm: of }), ok({ arm: of, memoryState: 'returned' })],
  });
  t.is(linesOf(both).filter((line) => line.startsWith('WARM ·')).length, 2);
});

test('load never stands without first token: no heading line has one alone', (t) => {
  for (const width of [60, 80, 100, 160]) {
    for (const line of linesOf(realistic(['cxx-stream', 'mmap-shared']), width)) {
      if (line.startsWith('loader')) t.is(/\bload\b/.test(line.slice(6)), /\btoken\b/.test(line), line);
    }
  }
});

test('sample and pair counts are stated, also where a row has fewer', (t) => {
  const text = tableOf(realistic(['cxx-stream', 'mmap-shared', 'read'], 3)).replaceAll('\n', ' ');
  t.true(text.includes('Medians of 3 samples (reference cxx-stream 9)'));
  t.true(text.includes('memory of 1 sample'));
  t.true(text.includes('ratios of 3 pairs'));
});

test('null and the ceiling stand apart, after the ranking', (t) => {
  const lines = linesOf(realistic(['cxx-stream', 'mmap-shared']));
  const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
  const rule = lines.findIndex((line) => /^─+$/.test(line));
  t.true(at('cxx-stream ') < rule && rule < at('device ceiling ') && at('device ceiling ') < at('null (harness) '));
  t.is(rowsOf(lines, 'null (harness)').length, 2, 'once a state, never among ratios');
  t.regex(lines[at('null (harness) ')]!, /^null \(harness\) +21\.0 µs$/);
});

test('an unsupported loader has its reason in place of numbers', (t) => {
  const rows = rowsOf(linesOf(realistic(['cxx-stream'])), 'uring');
  t.is(rows.length, 2, 'once a state');
  t.regex(rows[0]!, /^uring +unsupported: no ring here$/);
});

const widths = [60, 80, 100, 132, 200];
const long = `mmap-${'shared-willneed-'.repeat(12)}hugepage`;

for (const width of widths) {
  test(`no line is wider than ${width} columns, however long names and reasons are`, (t) => {
    const why = reason('x', { message: `${'because '.repeat(100)}${'y'.repeat(300)}`, path: `/${'deep/'.repeat(80)}` });
    const names = [
      'cxx-stream',
      long,
      `${long}-2`,
      '載入器-寬',
      ...Array.from({ length: 17 }, (_, index) => `loader-${index}`),
    ];
    const of = realistic(names, 3, why);
    const lines = linesOf(of, width);
    for (const line of lines) t.true(textWidth(line) <= width, `${textWidth(line)}: ${line}`);
    t.true(lines.length < 400);
    t.true(
      lines.some((line) => line.includes('…') && line.includes('page-2  ')),
      'variants keep their ends',
    );
  });
}

test('extreme ratios and times keep to the width', (t) => {
  const head = arm('mmap-shared-populate');
  const base = arm('cxx-stream');
  const samples = [1e-5, 1, 12_345, 3, 4, 5, 6].flatMap((ratio, round) => [
    ok({ arm: base, round }, { loadNs: 1e9, ttftNs: 1e9, completeNs: 1e9 }),
    ok({ arm: head, round }, { loadNs: 1e9 * ratio, ttftNs: 1e9 * ratio, completeNs: 1e9 * ratio }),
  ]);
  for (const line of linesOf(ledger({ arms: [base, head], samples }))) t.true(textWidth(line) <= 80, line);
});

test('foreign text stays on its line and cannot steer the terminal', (t) => {
  const hostile = '\u001b[2J\u001b[31mevil\nWARM · fake\r\u202e';
  const of = arm('cxx-stream', { label: hostile });
  const other = arm('direct');
  const text = tableOf(
    ledger({
      arms: [of, other],
      samples: [
        ok({ arm: of }, {}, { warnings: [hostile] }),
        without('failed', { arm: other }, reason('bad', { message: hostile, path: hostile, remedy: hostile })),
      ],
      models: { [MODEL]: model({ path: `/models/${hostile}.gguf`, name: hostile, device: hostile }) },
      run: { tool: hostile, machine: { fingerprint: 'x', kernel: hostile, cpu: { model: hostile } } },
      ledger: { warnings: [hostile] },
    }),
  );
  t.notRegex(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  t.is(text.split('\n').filter((line) => line.startsWith('WARM ·')).length, 1);
});

test('bold is asked for, and changes no letter', (t) => {
  const of = realistic(['cxx-stream', 'mmap-shared']);
  const made = report(summarize(of), of);
  const bold = terminalTable(made, { bold: true });
  t.true(bold.includes('\u001b[1m'));
  t.is(bold.replaceAll('\u001b[1m', '').replaceAll('\u001b[22m', ''), terminalTable(made));
});

test('fewer than six pairs are all shown, from the lowest; six have an interval instead', (t) => {
  const head = arm('mmap-shared');
  const base = arm('cxx-stream');
  const table = (ratios: readonly number[]): string =>
    tableOf(
      ledger({
        arms: [base, head],
        samples: ratios.flatMap((ratio, round) => [
          ok({ arm: base, round }, { ttftNs: 1e9, completeNs: 1e9 }),
          ok({ arm: head, round }, { ttftNs: 1e9 * ratio, completeNs: 2e9 * ratio }),
        ]),
      }),
    );
  t.regex(
    table([0.5, 0.9, 0.4, 1.2, 0.048]),
    /^mmap-shared +0\.048 0\.40 0\.50 0\.90 1\.20 +0\.096 0\.80 1\.00 1\.80 2\.40$/m,
  );
  t.regex(table([0.5, 0.9]), /^mmap-shared +0\.50 0\.90 +1\.00 1\.80$/m);
  t.false(table([0.5, 0.9, 0.4, 1.2, 0.3, 0.2]).includes('each pair'));
  t.false(table([0.5]).includes('each pair'));
});

test('a section in which nothing is supported is its state and the reason, without tables', (t) => {
  const arms = [arm('cxx-stream'), arm('mmap-shared'), nullArm(), memoryCeiling()];
  const why = reason('memory-not-returned', { message: 'no memory goes back to a host here' });
  const refused = (all: readonly Arm[]): readonly Sample[] =>
    all.map((of) => without('unsupported', { arm: of, memoryState: 'returned' }, why));
  const of = (samples: readonly Sample[]): string =>
    tableOf(ledger({ arms, memoryStates: ['backed', 'returned'], samples: [ok({ arm: arms[0]! }), ...samples] }));
  const text = of(refused(arms));
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.includes('returned to the host'));
  t.is(
    lines.slice(at, lines.indexOf('', at)).join(' '),
    'WARM · all of the model in the page cache · free memory returned to the host · unsupported: no memory goes back to a host here',
  );
  t.is(text.split('no memory goes back').length, 2, 'the reason is told once');
  const mixed = of([...refused(arms), ok({ arm: arms[0]!, memoryState: 'returned', round: 2 })]);
  t.is(mixed.split(/^loader /m).length, 2 * text.split(/^loader /m).length - 1, 'one loader that ran has its tables');
});

test('a long heading is broken between its parts', (t) => {
  const of = ledger({
    arms: [arm('cxx-stream')],
    states: ['cold'],
    samples: [ok({ arm: arm('cxx-stream'), state: 'cold' })],
    run: { machine: { fingerprint: 'x' } },
  });
  const lines = linesOf(of);
  const at = lines.indexOf('COLD · nothing of the model in the page cache');
  t.regex(lines[at + 1]!, /^free memory touched beforehand \(not certified\) ─+$/);
});

test('without a single ok sample there is a table that says so', (t) => {
  const of = arm('cxx-stream');
  const text = tableOf(
    ledger({
      arms: [of],
      samples: [without('failed', { arm: of }, reason('signal', { message: 'killed by SIGKILL' }))],
    }),
  );
  t.true(text.includes('No loader has a valid sample here'));
  t.regex(text, /^cxx-stream +1 × failed: killed by SIGKILL$/m);
  t.notThrows(() => tableOf(ledger({ arms: [of], samples: [] })));
  t.notThrows(() => tableOf(ledger({ arms: [], samples: [] })));
});

test('a single pair is called that', (t) => {
  const head = arm('mmap-shared');
  const base = arm('cxx-stream');
  const text = tableOf(
    ledger({ arms: [base, head], samples: [ok({ arm: base }, { ttftNs: 400 }), ok({ arm: head }, { ttftNs: 100 })] }),
  );
  t.regex(text, /^mmap-shared .*0\.25 \(1 pair\)/m);
});

test('samples that were not ok are told beside rows with numbers', (t) => {
  const of = arm('cxx-stream');
  const text = tableOf(
    ledger({
      arms: [of],
      samples: [
        ok({ arm: of }),
        excluded('mismatch', { arm: of, round: 2 }, {}, reason('hash', { message: 'logits differ' })),
      ],
    }),
  );
  t.true(text.includes('! cxx-stream: 1 × mismatch: logits differ'));
});

test('wide terminals get one table a state', (t) => {
  const of = realistic(['cxx-stream', 'mmap-shared']);
  const headings = (width: number): number => linesOf(of, width).filter((line) => line.startsWith('loader ')).length;
  t.is(headings(80), 6);
  t.is(headings(200), 2);
});

test('the binding limit and debt have columns where they are known, and bounds stand below the rule', (t) => {
  const [reader, bound] = [arm('read'), arm('stream-discard', { kind: 'bound', mechanism: 'discard', work: 'read' })];
  const copy = { name: 'copy', value: 50e6, unit: 'bytes/s', threads: 1, pageBytes: null } as const;
  const of = ledger({
    arms: [reader, bound, memoryCeiling()],
    samples: [
      ok({ arm: reader }, { completeNs: 25e6 }, { debt: debt(4e6) }),
      ok({ arm: bound }, { ttftNs: null, completeNs: 20e6 }),
      ok({ arm: memoryCeiling() }, { completeNs: 10e6 }),
    ],
    run: { limits: [{ ...copy, memoryState: null, path: null, method: '', reason: null }] },
  });
  const lines = linesOf(of, 200);
  // 1 MB at 50 MB/s are 20 of 25 ms.
  t.regex(
    lines.find((line) => line.startsWith('read  '))!,
    / copy 80% .* 4\.00 ms +2\.00 ms /,
  );
  const rule = lines.findIndex((line) => /^─+$/.test(line));
  t.true(lines.findIndex((line) => line.startsWith('stream-discard (bound)')) > rule);
  t.regex(lines.join('\n'), /bound by +the limit that alone/);
  t.regex(lines.join('\n'), /^\(bound\) /m);
  t.regex(lines.join('\n'), /^memory ceiling /m);
  t.notRegex(lines.join('\n'), /^home ceiling /m);
});

test('the legend tells of what is there, and of nothing else', (t) => {
  const terms = (of: Ledger): readonly string[] => {
    const lines = linesOf(of, 200);
    return ['load', 'of ceil', 'bound by', 'debt', '÷ reference', 'each pair', 'decode tokens/s', '(harness)'].filter(
      (term) => lines.some((line) => line.startsWith(`${term}  `) && /[a-z]{3} [a-z]/.test(line.slice(17))),
    );
  };
  const alone = ledger({ arms: [arm('read')], samples: [ok({ arm: arm('read') })] });
  t.deepEqual(terms(alone), ['load', 'decode tokens/s']);
  t.false(
    linesOf(alone).some((line) => /÷ ref|of\s*$/.test(line)),
    'one loader has nothing to be compared with',
  );
  t.deepEqual(terms(realistic(['cxx-stream', 'mmap-shared'])), [
    ...['load', 'of ceil', '÷ reference', 'each pair', 'decode tokens/s', '(harness)'],
  ]);
});

test('decode speed has the lowest and the highest sample beside it, where there are several', (t) => {
  const of = (speeds: readonly number[]): string =>
    tableOf(
      ledger({
        arms: [arm('read')],
        samples: speeds.map((decode, index) =>
          ok({ arm: arm('read'), round: index + 1 }, {}, { tokensPerSecond: { prefill: null, decode } }),
        ),
      }),
      200,
    );
  t.regex(of([10, 30, 20]), /^read .* 20\.0 \(10\.0–30\.0\)$/m);
  t.regex(of([20]), /^read .* 20\.0$/m);
});
