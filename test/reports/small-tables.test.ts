import test from 'ava';
import { groupsCsv } from '../../reports/groups-csv.js';
import { terminalTable } from '../../reports/terminal-table.js';
import { textWidth } from '../../reports/text-layout.js';
import { explain } from '../../src/report/explain.js';
import { report } from '../../src/report/report.js';
import type { Ledger } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { armOf, group, ledgerOf, memoryOf, MIB } from '../statistics/group-builder.js';
import { arm, ledger, ok } from '../statistics/ledger-builder.js';

const tableOf = (of: Ledger, width = 80): string => terminalTable(report(summarize(of), of), { width });

/** The first load 100 ms, the others of the map much shorter. */
function inARow(loads: number): Ledger {
  const [stdio, map] = [arm('stdio'), arm('mmap-shared')];
  const samples = Array.from({ length: loads }, (_, index) => index + 1).flatMap((load) => {
    const place = { state: load === 1 ? 'cold' : 'left', load } as const;
    return [
      ok({ arm: stdio, ...place }, { ttftNs: 100e6 }),
      ok({ arm: map, ...place }, { ttftNs: load === 1 ? 50e6 : 10e6 }),
    ];
  });
  const made = ledger({ arms: [stdio, map], samples, states: ['cold', 'warm'] });
  return { ...made, run: { ...made.run, plan: { ...made.run.plan, loads } } };
}

test('loads in a row are one table: first token by load, and beside it the ratio at the same load', (t) => {
  const lines = tableOf(inARow(3)).split('\n');
  const at = lines.findIndex((line) => line.startsWith('LOADS IN A ROW'));
  const table = lines.slice(at, at + 8);
  t.regex(table.find((line) => line.includes('load 1')) ?? '', /load 1 +load 2 +load 3$/);
  t.regex(table.find((line) => line.startsWith('loader')) ?? '', /cold +left +left$/);
  t.regex(
    table.find((line) => line.startsWith('mmap-shared')) ?? '',
    /50.0 ms \(0.50\) +10.0 ms \(0.10\) +10.0 ms \(0.10\)$/,
  );
  t.regex(table.find((line) => line.startsWith('stdio (reference)')) ?? '', /100 ms +100 ms +100 ms$/);
  // They are no sections of their own, nor of an explanation.
  t.false(lines.some((line) => line.startsWith('LEFT')));
  t.deepEqual(
    explain(summarize(inARow(3)), inARow(3)).sections.map(({ state }) => state),
    report(summarize(inARow(3)), inARow(3)).sections.map(({ state }) => state),
  );
});

test('a run without later loads, of one process, has neither table', (t) => {
  const of = inARow(1);
  const { curves, processes } = report(summarize(of), of);
  t.deepEqual([curves, processes], [[], []]);
});

/** Two, three and four processes that copy. */
function copies(): Ledger {
  const arms = [2, 3, 4].map((count) => armOf('stdio', count));
  const entries = arms.flatMap((each) => {
    const times = Array.from({ length: each.processes }, (_, index) => (index + 1) * 1e6);
    const held = memoryOf(each.processes * 8 * MIB);
    return [group({ arm: each }, times), group({ arm: each, pass: 'memory' }, times, { memory: held })];
  });
  return ledgerOf(arms, [], entries);
}

test('several processes are one table, with what each more costs', (t) => {
  const lines = tableOf(copies()).split('\n');
  const at = lines.findIndex((line) => line.startsWith('PROCESSES · WARM'));
  const rows = lines.slice(at).filter((line) => line.startsWith('stdio ×4'));
  t.regex(rows.join(' '), /4.00 ms +24.0 +11.0 +32 MiB +40 MiB +8.0 MiB +8.0 MiB/);
  t.true(lines.some((line) => line.startsWith('4 processes · WARM')));
  t.true(lines.some((line) => line.startsWith('* Of several processes, times are those of the slowest')));
});

test('no line is wider than its terminal', (t) => {
  for (const of of [inARow(12), copies()]) {
    for (const width of [60, 80, 132]) {
      for (const line of tableOf(of, width).split('\n')) t.true(textWidth(line) <= width, line);
    }
  }
});

test('groups are rows of a file of their own', (t) => {
  const { groups, run } = copies();
  const [heading = '', ...rows] = groupsCsv(groups, run.arms).trimEnd().split('\n');
  t.is(rows.length, groups.length);
  const columns = heading.split(',');
  const cell = (row: number, name: string): string | undefined => rows[row]?.split(',')[columns.indexOf(name)];
  t.is(cell(0, 'processes'), '2');
  t.is(cell(0, 'slowest_ttft_ns'), '2000000');
  t.is(cell(0, 'shared_bytes'), '');
  t.is(cell(1, 'shared_bytes'), String(8 * MIB));
});

test('both tables say what their columns are', (t) => {
  const loads = tableOf(inARow(3)).replaceAll(/\s+/g, ' ');
  t.regex(loads, /load 2, 3 … the same load again at once/);
  t.regex(loads, /\(…\) ÷ the reference's first token of the same load/);
  t.notRegex(loads, /really shared/);
  t.is(loads.match(/the same load again at once/g)?.length, 1);
  // What one more costs stands in the last row of a loader alone.
  t.is(tableOf(copies()).match(/^stdio ×2 /gm)?.length, 1);
  const processes = tableOf(copies()).replaceAll(/\s+/g, ' ');
  for (const term of [
    'first token median, of the process that had it last',
    'really shared file pages',
    'each more what one',
  ]) {
    t.true(processes.includes(term), term);
  }
});

test('an explanation tells what later loads took, by chain, and what they still read', (t) => {
  const of = inARow(3);
  const section = explain(summarize(of), of).sections.find(({ state }) => state === 'cold');
  const text = section?.sentences.find(({ topic }) => topic === 'loads')?.text ?? '';
  t.regex(
    text,
    /^Loads in a row: mmap-shared took 50\.0 ms at load 1, 10\.0 ms at load 2 and 10\.0 ms at load 3 to its first token/,
  );
  t.regex(text, /; stdio took 100 ms at load 1/);
  t.regex(text, /Load 3 of mmap-shared took 0\.20 times as long as the first of its own row \(1 row\)\./);
  t.regex(text, /At load 3 mmap-shared read .* from storage until the first token/);
  const without = inARow(1);
  t.false(
    explain(summarize(without), without).sections.some(({ sentences }) =>
      sentences.some(({ topic }) => topic === 'loads'),
    ),
  );
});
