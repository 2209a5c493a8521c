/** Runs with more samples than a page can draw, or memory can hold as they are. */
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { pageJson } from '../../reports/page-json.js';
import { samplesCsv } from '../../reports/samples-csv.js';
import { explain } from '../../src/report/explain.js';
import { page, type Chart, type Page } from '../../src/report/page.js';
import { readLedger } from '../../src/samples/ledger.js';
import { summarize } from '../../src/statistics/summarize.js';
import { runNode } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { armOf, group, ledgerOf, memoryOf } from '../statistics/group-builder.js';
import { arm, ledger, ok } from '../statistics/ledger-builder.js';
import { hostileLedger } from './hostile.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const arms = [arm('read'), arm('mmap-shared')];
const ROUNDS = 5003;
/** Once each, far from all others. */
const [FASTEST, SLOWEST] = [1_000_000, 90_000_000];

function ttftNs(round: number, of: number): number {
  if (round === 1001) return FASTEST + of;
  return round === 2002 ? SLOWEST + of : 20_000_000 + ((round * 7919 + of) % 1_000_003);
}

function longPage(): Page {
  const samples = Array.from({ length: ROUNDS }, (_, round) =>
    arms.map((each, of) => ok({ arm: each, round }, { ttftNs: ttftNs(round, of) })),
  ).flat();
  const made = ledger({ arms, samples });
  return page(summarize(made), made);
}

const long = longPage();
const chartOf = (kind: Chart['kind']): Chart => long.charts.find((chart) => chart.kind === kind)!;
const partOf = ({ data }: Chart, part: string) => data.filter((datum) => datum.part === part);

test('of more samples than can be seen some are drawn, and the chart says which and how many', (t) => {
  for (const kind of ['order', 'spread'] as const) {
    const chart = chartOf(kind);
    const dots = partOf(chart, 'sample').length;
    t.true(dots > 2000 && dots <= 4004, `${dots}`);
    t.true(
      chart.note.includes(
        `${dots} of ${2 * ROUNDS} samples are drawn: of each loader one in 3, its fastest and its slowest`,
      ),
      chart.note,
    );
  }
});

test('the fastest and the slowest of each loader are always drawn, and bands hold most of all samples', (t) => {
  const chart = chartOf('spread');
  for (const order of [0, 1]) {
    const values = partOf(chart, 'sample')
      .filter((datum) => datum.order === order)
      .map(({ value }) => Number(value));
    t.is(Math.floor(Math.min(...values)), FASTEST / 1e6);
    t.is(Math.floor(Math.max(...values)), SLOWEST / 1e6);
  }
  const bands = partOf(chart, 'band');
  t.is(bands.length, 2);
  for (const { value, high, tip } of bands) {
    t.true(Number(value) > 20 && Number(high) < 21.1 && Number(high) > Number(value));
    t.true(tip.includes(`5th to 95th percentile of ${ROUNDS}`));
  }
});

test('figures are of all samples, whatever is drawn', (t) => {
  const [row] = long.report.sections[0]!.rows;
  t.is(row?.firstToken?.n, ROUNDS);
  t.is(
    long.report.sections[0]!.rows.find(({ isReference }) => !isReference)?.toReference.firstToken?.values.length,
    ROUNDS,
  );
  const ratios = chartOf('ratios');
  t.is(partOf(ratios, 'pair').length <= 60, true);
  t.true(ratios.note.includes('at most 60 pairs are drawn, evenly chosen; all of them count'), ratios.note);
  const numbers = partOf(ratios, 'pair').map(({ tip }) => Number(/Pair (\d+)/.exec(tip)?.[1]));
  t.true(numbers.at(-1)! > 4900, 'pairs keep the numbers that they have among all');
});

test('few samples are all drawn, without a band', (t) => {
  const samples = [1, 2, 3].flatMap((round) => arms.map((each) => ok({ arm: each, round })));
  const made = ledger({ arms, samples });
  const { charts } = page(summarize(made), made);
  const spread = charts.find(({ kind }) => kind === 'spread')!;
  t.is(partOf(spread, 'sample').length, 6);
  t.is(partOf(spread, 'band').length, 0);
  t.notRegex(spread.note, /are drawn/);
});

test('JSON in pieces is what JSON in one piece would be', (t) => {
  const values = Array.from({ length: 25_001 }, (_, index) => index / 3);
  const [chart] = long.charts;
  const data = Array.from({ length: 10_001 }, (_, index) => ({ ...chart!.data[0]!, order: index, tip: 'a\n"b"' }));
  const longer = { ...long, values, nested: { list: [values, [], {}] }, charts: [{ ...chart, data }], none: undefined };
  t.is(pageJson(longer as unknown as Page), `${JSON.stringify({ kind: 'report', version: 1, ...longer }, null, 1)}\n`);
});

test('kept as columns, samples of every outcome, groups and programs give the same page and files', (t) => {
  const alone = hostileLedger();
  const entries = [1, 2, 3].flatMap((round) =>
    (['time', 'memory'] as const).map((pass) =>
      group(
        { arm: armOf('read', 2), round, pass },
        [1e6 * round, 2e6],
        pass === 'time' ? {} : { memory: memoryOf(1e6) },
      ),
    ),
  );
  for (const [name, made] of [
    ['hostile', alone],
    ['groups', ledgerOf([armOf('read', 2)], [], entries)],
  ] as const) {
    const directory = join(folder, name);
    mkdirSync(directory);
    const { run, samples, groups, end } = made;
    const text = [run, ...samples, ...groups, end].map((record) => `${JSON.stringify(record)}\n`).join('');
    writeFileSync(join(directory, 'ledger.jsonl'), text);
    const [records, columns] = [readLedger(directory).ledger, readLedger(directory, 'columns').ledger];
    const [summary, same] = [summarize(records), summarize(columns)];
    t.deepEqual(same, summary);
    t.deepEqual(page(same, columns), page(summary, records));
    t.deepEqual(explain(same, columns), explain(summary, records));
    t.is(samplesCsv(columns, same), samplesCsv(records, summary));
  }
});

test('a ledger that is longer than memory becomes every kind of report', async (t) => {
  const directory = join(folder, 'long');
  mkdirSync(directory);
  const path = join(directory, 'ledger.jsonl');
  const file = openSync(path, 'w');
  const { run, end } = ledger({ arms, samples: [] });
  writeSync(file, `${JSON.stringify(run)}\n`);
  const rounds = 10_000;
  for (let round = 1; round <= rounds; round += 1) {
    const samples = arms.map((each, of) => {
      const sample = ok(
        { arm: each, round },
        { ttftNs: ttftNs(round, of) },
        { warnings: round % 9 === 0 ? ['é, "ü"'] : [] },
      );
      return round % 7 === 0 ? { ...sample, noise: { ...sample.noise, spinAfterNs: 2e7 } } : sample;
    });
    writeSync(file, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  }
  writeSync(file, `${JSON.stringify(end)}\n`);
  closeSync(file);
  const megabytes = 128;
  const cli = new URL('../../src/cli.js', import.meta.url).pathname;
  const at = (name: string): string => join(folder, name);
  const { code, stderr } = await runNode([
    ...[
      `--max-old-space-size=${megabytes}`,
      cli,
      'report',
      directory,
      '--html',
      at('page.html'),
      '--md',
      at('page.md'),
    ],
    ...['--json', at('page.json'), '--junit', at('junit.xml'), '--csv', at('csv'), '--svg', at('svg')],
  ]);
  t.is(code, 0, stderr.slice(0, 2000));
  const { ledger: whole } = readLedger(directory, 'columns');
  const { noise } = summarize(whole);
  t.true(noise.marks.length > 10, 'some are disturbed');
  t.true(readFileSync(join(at('csv'), 'samples.csv'), 'utf8') === samplesCsv(whole, { noise }));
  t.deepEqual(readdirSync(at('csv')).sort(), ['samples.csv', 'summary.csv']);
  t.true(readdirSync(at('svg')).length > 5);
  t.true(statSync(at('page.html')).size < 6e6);
});
