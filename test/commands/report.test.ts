import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { reportSchema } from '../../reports/report-schema.js';
import { samplesCsv } from '../../reports/samples-csv.js';
import { baselineOf } from '../../src/baseline-store.js';
import { explain } from '../../src/report/explain.js';
import { page } from '../../src/report/page.js';
import { plain } from '../../src/samples/columns.js';
import { readLedger } from '../../src/samples/ledger.js';
import { ledgerSchema } from '../../src/schema/ledger-schema.js';
import { summarize } from '../../src/statistics/summarize.js';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { violationsOf } from '../reports/json-schema.js';

const folder = scratchFolder();
const out = join(folder, 'run');
test.before(async (t) => {
  const model = join(folder, 'tiny.gguf');
  t.is((await weighbridge(['gen', model, '--shape', 'tiny', '--type', 'q8_0'])).code, 0);
  const { code, stderr } = await weighbridge([
    ...['run', model, '--loader', 'read,mmap-shared', '--state', 'warm', '--memory-state', 'as-is', '--rounds', '2'],
    ...['--prompt', '4', '--generate', '3', '--lock-wait', '1100', '--out', out],
  ]);
  t.is(code, 0, stderr);
});
test.after.always(() => {
  removeFolder(folder);
});

test('a run leaves its page and its Markdown beside the ledger', (t) => {
  t.regex(readFileSync(join(out, 'report.html'), 'utf8'), /^<!DOCTYPE html>/);
  t.regex(readFileSync(join(out, 'report.md'), 'utf8'), /^### On this machine, warm, /);
  const page = readFileSync(join(out, 'report.html'), 'utf8');
  t.true(page.includes('<a href="samples.csv">samples.csv</a>, <a href="ledger.jsonl">ledger.jsonl</a>'));
});

test('each output is written where it is asked for, and nothing else', async (t) => {
  const at = (name: string): string => join(folder, 'asked', name);
  const { code, stdout, stderr } = await weighbridge([
    ...[
      'report',
      join(out, 'ledger.jsonl'),
      '--html',
      at('page.html'),
      '--md',
      at('page.md'),
      '--json',
      at('page.json'),
    ],
    ...['--junit', at('junit.xml'), '--csv', at('csv'), '--svg', at('svg'), '--png', at('png')],
  ]);
  t.is(code, 0, stderr);
  t.true(stdout.trimEnd().endsWith(at('page.html')));
  t.deepEqual(readdirSync(join(folder, 'asked')).sort(), [
    'csv',
    'junit.xml',
    'page.html',
    'page.json',
    'page.md',
    'png',
    'svg',
  ]);
  t.deepEqual(violationsOf(reportSchema, JSON.parse(readFileSync(at('page.json'), 'utf8'))), []);
  t.deepEqual(readdirSync(at('csv')).sort(), ['samples.csv', 'summary.csv']);
  t.true(readFileSync(at('page.html'), 'utf8').includes('<a href="csv/samples.csv">csv/samples.csv</a>.'));
  const charts = readdirSync(at('svg')).sort();
  t.is(charts[0], '01-ratios.svg');
  t.deepEqual(
    readdirSync(at('png')).sort(),
    charts.map((name) => name.replace('.svg', '.png')),
  );
  const image = readFileSync(join(at('png'), '01-ratios.png'));
  t.is(image.subarray(1, 4).toString(), 'PNG');
  t.true(image.readUInt32BE(16) > 1500, 'twice the pixels of the drawing');
});

test('the schema of the JSON is published by the command itself', async (t) => {
  const { code, stdout } = await weighbridge(['report', '--schema']);
  t.is(code, 0);
  t.deepEqual(JSON.parse(stdout), reportSchema);
  const named = await weighbridge(['report', '--schema', 'ledger']);
  t.deepEqual(JSON.parse(named.stdout), ledgerSchema);
});

test('kept as columns, a recorded run gives the same figures, page and files', (t) => {
  const { ledger } = readLedger(out);
  const columns = readLedger(out, 'columns').ledger;
  t.true(ledger.samples.length > 5);
  t.deepEqual(columns.samples.map(plain), ledger.samples);
  const [summary, same] = [summarize(ledger), summarize(columns)];
  t.deepEqual(same, summary);
  t.deepEqual(page(same, columns), page(summary, ledger));
  t.deepEqual(explain(same, columns), explain(summary, ledger));
  t.deepEqual(baselineOf(columns, out, null).entries, baselineOf(ledger, out, null).entries);
  t.is(samplesCsv(columns, same), samplesCsv(ledger, summary));
});

const wrong: readonly (readonly [what: string, args: readonly string[], complaint: RegExp])[] = [
  ['no run', [], /^weighbridge: name the directory of a run.*\n$/],
  ['several runs', [out, out], /^weighbridge: a report is of one run, and 2 are named.*\n$/],
  ['an unknown schema', ['--schema', 'other'], /^weighbridge: --schema "other" is not known; there are: report, .*\n$/],
  ['no ledger', [join(folder, 'nowhere')], /^weighbridge: .*nowhere.*no ledger can be read there.*\n$/],
  ['a file', [process.execPath], /^weighbridge: .*no ledger can be read there; name the directory of a run\n$/],
  ['a directory that is a file', [out, '--svg', join(out, 'ledger.jsonl')], /^weighbridge: .*ledger\.jsonl.*\n$/],
];
for (const [what, args, complaint] of wrong) {
  test(`${what}: one clear line, exit code 2`, async (t) => {
    const { code, stderr } = await weighbridge(['report', ...args]);
    t.is(code, 2, stderr);
    t.regex(stderr, complaint);
  });
}

test('the ledger is left as it was', async (t) => {
  const before = readFileSync(join(out, 'ledger.jsonl'));
  t.is((await weighbridge(['report', out])).code, 0);
  t.deepEqual(readFileSync(join(out, 'ledger.jsonl')), before);
  t.false(existsSync(join(out, 'report.html.tmp')));
});
