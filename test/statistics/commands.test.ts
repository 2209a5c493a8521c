import test from 'ava';
import { pageHtml } from '../../reports/page-html.js';
import { pageJunit } from '../../reports/page-junit.js';
import { pageMarkdown } from '../../reports/page-markdown.js';
import { explain } from '../../src/report/explain.js';
import { page } from '../../src/report/page.js';
import { report } from '../../src/report/report.js';
import type { CommandMeasurement } from '../../src/samples/record.js';
import type { OkSample } from '../../src/statistics/pairs.js';
import { summarize } from '../../src/statistics/summarize.js';
import { terminalTable } from '../../reports/terminal-table.js';
import { arm, ledger, ok, reason, without, type Position } from './ledger-builder.js';

const MS = 1_000_000;

const program = (name: string, output: 'discard' | 'first-byte' = 'first-byte') =>
  arm(name, {
    ...{ kind: 'command', origin: 'external', work: 'command', mechanism: 'command' },
    command: { argv: [name, '{model}'], output, pattern: null },
  });

function ran(position: Position, wallMs: number, overrides: Partial<CommandMeasurement> = {}): OkSample {
  const command: CommandMeasurement = {
    ...{ wallNs: wallMs * MS, firstByteNs: (wallMs * MS) / 2, userNs: MS, systemNs: MS },
    ...{ minorFaults: 100, majorFaults: 2, readBytes: 4096, peakRss: 2_000_000, peakPss: null },
    ...{ exitCode: 0, signal: null, matched: null },
    ...overrides,
  };
  const times = { ttftNs: null, completeNs: null };
  return ok(position, times, {
    command,
    settledNs: null,
    phases: null,
    memory: null,
    tokens: null,
    tokensPerSecond: null,
  });
}

const stdio = arm('stdio');
const read = arm('read');
const sum = program('sum');
const cat = program('cat');

test('first bytes are divided by what the reference loader of the block takes from exec to first token', (t) => {
  // 50 ms from spawn to start, then the first token.
  const samples = [1, 2].flatMap((round) => [
    ok({ arm: stdio, round }, { ttftNs: 50 * MS * round }),
    ok({ arm: read, round }),
    ran({ arm: sum, round }, 200 * round),
  ]);
  const { cells } = summarize(ledger({ arms: [stdio, read, sum], samples }));
  const [own] = cells.filter(({ arm: { kind } }) => kind === 'command');
  t.deepEqual(own?.command?.firstByteRatio?.values, [100 / 100, 200 / 150]);
  t.is(own?.ratio, null);
  t.is(own?.ttftNs, null);
  t.deepEqual(cells.find(({ arm: { label } }) => label === 'stdio')?.execToTokenNs?.values, [100 * MS, 150 * MS]);
});

test('wall times are divided by those of the first command, never by a loader’s', (t) => {
  const samples = [1, 2, 3].flatMap((round) => [
    ok({ arm: stdio, round }),
    ran({ arm: sum, round }, 100),
    ran({ arm: cat, round }, 100 + 10 * round),
  ]);
  const { cells } = summarize(ledger({ arms: [stdio, sum, cat], samples }));
  const of = (name: string) => cells.find(({ arm: { label } }) => label === name)?.command;
  t.is(of('sum')?.wallRatio, null);
  t.deepEqual(of('cat')?.wallRatio?.values, [1.1, 1.2, 1.3]);
  t.is(of('stdio'), null);
});

test('times are of the time pass alone, memory of the memory pass where there is one', (t) => {
  const samples = [
    ran({ arm: sum }, 100, { peakRss: 1_000_000 }),
    ran({ arm: sum, pass: 'memory' }, 900, { peakRss: 3_000_000, peakPss: 2_500_000 }),
    ran({ arm: cat }, 100, { peakRss: 1_500_000 }),
  ];
  const { cells } = summarize(ledger({ arms: [stdio, sum, cat], samples }));
  const of = (name: string) => cells.find(({ arm: { label } }) => label === name)?.command;
  t.deepEqual(of('sum')?.wallNs?.values, [100 * MS]);
  t.deepEqual(of('sum')?.peakRss?.values, [3_000_000]);
  t.deepEqual(of('sum')?.peakPss?.values, [2_500_000]);
  t.deepEqual(of('cat')?.peakRss?.values, [1_500_000]);
  t.is(of('cat')?.peakPss, null);
});

test('a report has commands in a table of their own, labelled external, and never among the loaders', (t) => {
  const broken = program('broken');
  const samples = [
    ok({ arm: stdio }),
    ok({ arm: read }),
    ran({ arm: sum }, 100),
    without('failed', { arm: broken }, reason('command-failed')),
  ];
  const made = ledger({ arms: [stdio, read, sum, broken], samples });
  const [section] = report(summarize(made), made).sections;
  t.deepEqual(section?.rows.map(({ label }) => label).toSorted(), ['read', 'stdio']);
  t.deepEqual(
    section?.commands?.rows.map(({ label }) => label),
    ['sum', 'broken'],
  );
  t.is(section?.commands?.reference?.label, 'stdio');
  t.regex(section?.commands?.rows[1]?.problems.join() ?? '', /failed: because of command-failed/);
  t.notRegex(section?.answer ?? '', /external/);
  for (const width of [60, 80, 200]) {
    const text = terminalTable(report(summarize(made), made), { width });
    t.regex(text, /^sum +100 ms/m);
    t.regex(text, /^broken .*failed/m);
    for (const line of text.split('\n')) t.true(line.length <= width, line);
  }
});

test('without loaders the commands stand alone', async (t) => {
  const samples = [ran({ arm: sum }, 100), ran({ arm: cat }, 120)];
  const made = ledger({ arms: [sum, cat], samples });
  const [section] = report(summarize(made), made).sections;
  t.is(section?.answer, 'No loader was weighed here, commands alone.');
  t.is(section?.commands?.reference, null);
  t.notRegex(terminalTable(report(summarize(made), made)), /^loader/m);
  const whole = page(summarize(made), made);
  t.is(whole.headline, 'On this machine, warm, sum takes 100 ms and cat takes 120 ms.');
  t.regex(
    await pageHtml(whole, { vega: '', page: '' }),
    /<th scope="col">Wall time<\/th>.*<td>cat<\/td><td>120 ms<\/td>/s,
  );
});

test('JUnit has a case for each command and metric, and a command that failed is a failure', (t) => {
  const broken = program('broken');
  const samples = [
    ok({ arm: stdio }),
    ...[1, 2].flatMap((round) => [ran({ arm: sum, round }, 100), ran({ arm: cat, round }, 120)]),
    without('failed', { arm: broken }, reason('command-failed')),
  ];
  const made = ledger({ arms: [stdio, sum, cat, broken], samples });
  const xml = pageJunit(page(summarize(made), made));
  t.regex(xml, /name="sum: wall time" time="0\.100000"><system-out>100 ms, median of 2</);
  t.regex(xml, /name="cat: wall time" .*1\.20 times the first program&#39;s/);
  t.regex(xml, /name="cat: first byte"/);
  t.regex(xml, /name="cat: peak memory"/);
  t.regex(xml, /name="broken: wall time" time="0"><failure message="[^"]*command-failed/);
  t.regex(xml, /^<testsuites [^>]*failures="1"/m);
});

test('Markdown has a table of commands, below that of loaders or alone', (t) => {
  const runs = [ran({ arm: sum }, 100), ran({ arm: cat }, 120)];
  const of = (made: ReturnType<typeof ledger>): string => pageMarkdown(page(summarize(made), made));
  const beside = of(ledger({ arms: [stdio, sum, cat], samples: [ok({ arm: stdio }), ...runs] }));
  t.regex(beside, /\| stdio \(reference\) \|.*\| Program \| Wall time .*\| cat \| 120 ms \| 1\.20 /s);
  const alone = of(ledger({ arms: [sum, cat], samples: runs }));
  t.regex(alone, /\| sum \| 100 ms \| first \|/);
  t.notRegex(alone, /\| Loader \|/);
});

test('what stands behind the figures of commands is told: samples, pairs, and what the parentheses hold', (t) => {
  const of = (rounds: number): string => {
    const samples = Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) => [
      ran({ arm: sum, round }, 100),
      ran({ arm: cat, round }, 100 + round),
    ]);
    const made = ledger({ arms: [sum, cat], samples });
    return report(summarize(made), made).sections[0]?.commands?.counts ?? '';
  };
  t.is(
    of(3),
    'Medians of 3 samples; peaks of memory of 3 samples; wall ÷ first of 3 pairs, in parentheses their range.',
  );
  t.regex(of(6), /wall ÷ first of 6 pairs, in parentheses their exact interval of 96\.9 % confidence each\.$/);
  const made = ledger({ arms: [sum, cat], samples: [1, 2].map((round) => ran({ arm: sum, round }, 100)) });
  t.regex(terminalTable(report(summarize(made), made)), /^Medians of 2 samples; peaks of memory of 2 samples\.$/m);
});

test('many commands with one warning are called commands', (t) => {
  const arms = ['a', 'b', 'c', 'd'].map((name) => program(name));
  const samples = arms.map((each) => ({ ...ran({ arm: each }, 100), warnings: ['beware'] }));
  const made = ledger({ arms, samples });
  t.true(report(summarize(made), made).notes.includes('beware (4 commands)'));
});

test('one command is compared with no other; of several the legend says with which', (t) => {
  const alone = ledger({ arms: [stdio, sum], samples: [ok({ arm: stdio }), ran({ arm: sum }, 100)] });
  t.notRegex(terminalTable(report(summarize(alone), alone)), /wall ÷|÷ first/);
  const two = ledger({ arms: [sum, cat], samples: [ran({ arm: sum }, 100), ran({ arm: cat }, 120)] });
  t.regex(
    terminalTable(report(summarize(two), two)).replaceAll(/\s+/g, ' '),
    /wall ÷ first: against sum in the same block/,
  );
});

test('an explanation tells what each program cost, against the first and the reference, and at later loads', (t) => {
  const samples = [1, 2, 3].flatMap((round) => [
    ok({ arm: stdio, round, state: 'cold' }),
    ran({ arm: sum, round, state: 'cold' }, 100),
    ran({ arm: cat, round, state: 'cold' }, 150, { readBytes: 0 }),
    ran({ arm: sum, round, state: 'left', load: 2 }, 40),
  ]);
  const made = ledger({ arms: [stdio, sum, cat], samples, states: ['cold'] });
  const [section] = explain(summarize(made), made).sections;
  const told = (section?.sentences ?? []).filter(({ topic }) => topic === 'commands').map(({ text }) => text);
  t.is(told.length, 2);
  t.regex(
    told[0] ?? '',
    /^The program sum took 100 ms \(median of 3 samples, 100 ms to 100 ms\), in which it had 1\.00 ms of CPU time/,
  );
  t.regex(told[0] ?? '', /it read 4 KiB from storage, 100 minor faults and 2 major, peak Rss 1\.9 MiB\./);
  t.regex(
    told[0] ?? '',
    /first byte came after 50\.0 ms, .* times what stdio takes from exec to its first token .* 3 pairs\)/,
  );
  t.regex(told[0] ?? '', /Run again at once it took 40\.0 ms at load 2\./);
  t.regex(told[1] ?? '', /1\.50 times what sum took in the same blocks \(range 1\.50–1\.50, 3 pairs\)/);
  t.regex(told[1] ?? '', /it read nothing from storage/);
});
