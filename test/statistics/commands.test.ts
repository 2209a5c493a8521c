import test from 'ava';
import { pageHtml } from '../../reports/page-html.js';
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
