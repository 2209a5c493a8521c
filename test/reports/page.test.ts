/** The page and its other forms, of hostile and of usual runs. */
import test from 'ava';
import { chartDocument } from '../../reports/chart-document.js';
import { chartSvg } from '../../reports/chart-svg.js';
import { pageHtml } from '../../reports/page-html.js';
import { pageJson } from '../../reports/page-json.js';
import { pageJunit } from '../../reports/page-junit.js';
import { pageMarkdown } from '../../reports/page-markdown.js';
import { reportSchema } from '../../reports/report-schema.js';
import { samplesCsv } from '../../reports/samples-csv.js';
import { summaryCsv } from '../../reports/summary-csv.js';
import { terminalTable } from '../../reports/terminal-table.js';
import { page } from '../../src/report/page.js';
import { report } from '../../src/report/report.js';
import type { Ledger } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { arm, ledger, memoryCeiling, model, ok, reason, without } from '../statistics/ledger-builder.js';
import { harmlessLedger, hostileLedger } from './hostile.js';
import { violationsOf } from './json-schema.js';

const pageOf = (of: Ledger) => page(summarize(of), of);
const scripts = { vega: '/* vega */', page: '/* page */' };
const hostile = pageOf(hostileLedger());
const harmless = pageOf(harmlessLedger());

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

test('hostile names become text of the page: no element, no script, no attribute of their own', async (t) => {
  const html = await pageHtml(hostile, scripts);
  t.is([...html.matchAll(/<script/g)].length, 4, 'the data, vega, the expressions and the page');
  t.notRegex(html, /<img|onerror="|<!--/);
  t.notRegex(html, CONTROL);
  t.true(html.includes('&lt;img src=x'), 'the name is there, as text');
  t.true(html.length < 2_000_000, `${html.length} characters`);
});

test('a name longer than anybody gives is cut, and shows it', (t) => {
  for (const { label } of hostile.report.models) {
    t.true(label.length <= 200 && label.includes('…') && label.endsWith('W.gguf'), label);
  }
  for (const { label } of hostile.report.sections[0]!.rows) t.true(label.length <= 220, label);
});

test('the scripts of the page, and so the policy that names them, do not depend on what was measured', async (t) => {
  const policyOf = (html: string): string => /script-src ([^;]*);/.exec(html)?.[1] ?? '';
  const [evil, usual] = [policyOf(await pageHtml(hostile, scripts)), policyOf(await pageHtml(harmless, scripts))];
  t.regex(evil, /^'sha256-\S+' 'sha256-\S+' 'sha256-\S+'$/);
  t.is(evil, usual);
});

test('the policy forbids whatever the page does not hold itself', async (t) => {
  const html = await pageHtml(harmless, scripts);
  t.true(html.includes("default-src 'none'"));
  t.notRegex(html, /unsafe-inline|unsafe-eval|(?:src|href)="http/);
  t.notRegex(html.replace(/<style>[^]*?<\/style>/, ''), /<[^>]* style="/, 'attributes would need unsafe-inline');
});

test('a script that would end its own element is refused', async (t) => {
  await t.throwsAsync(pageHtml(harmless, { ...scripts, page: 'x = "</script>"' }), {
    message: /would end its element/,
  });
});

test('every chart of the run is drawn in the page and stands behind it as a table', async (t) => {
  const html = await pageHtml(harmless, scripts);
  t.deepEqual(
    harmless.charts.map(({ kind }) => kind),
    ['ratios', 'phases', 'order', 'spread', 'memory', 'latency', 'speed', 'roofline'],
  );
  t.is([...html.matchAll(/<svg /g)].length, harmless.charts.length);
  t.is([...html.matchAll(/The same as a table/g)].length, harmless.charts.length);
  for (const { table } of harmless.charts) t.true(table.rows.length > 0);
});

test('all figures of a section stand in a table, with what is never ranked below', async (t) => {
  const html = await pageHtml(harmless, scripts);
  const [, table = ''] = /<summary>All figures<\/summary>(.*?)<\/table>/s.exec(html) ?? [];
  const first = [...table.matchAll(/<tr><td>([^<]*)<\/td>/g)].map(([, name]) => name);
  t.deepEqual(first.slice(0, 4).sort(), ['base (reference)', 'gone', 'head', 'huge']);
  t.deepEqual(first.slice(4), ['memory ceiling', 'null (harness)']);
});

test('limits of the machine are named where they stand in the chart, their texts inside of it', (t) => {
  const arms = [arm('read'), memoryCeiling()];
  const limit = (pageBytes: number, value: number) => ({
    ...{ name: 'first-touch', value, unit: 'bytes/s', threads: 2, pageBytes, memoryState: 'backed' },
    ...{ path: null, method: 'touched', reason: null },
  });
  const of = ledger({
    arms,
    samples: [ok({ arm: arms[0]! }), ok({ arm: arms[1]! })],
    run: { limits: [limit(4096, 4e9), limit(2 ** 21, 3e9)] as Ledger['run']['limits'] },
  });
  const marks = pageOf(of).charts.find(({ kind }) => kind === 'roofline')!.data;
  const labels = marks
    .filter(({ part, side }) => part === 'limit' && side === 'right')
    .sort((a, b) => Number(a['line']) - Number(b['line']));
  t.regex(
    labels.map(({ label }) => String(label)).join('; '),
    /2\.0+ MiB pages, 2 threads: 3\.00 GB\/s; .*4 KiB pages/,
  );
  const values = labels.map(({ value }) => Number(value));
  t.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
});

test('what hardly differs looks alike: axes of ratios reach a tenth beyond, speeds begin at zero', async (t) => {
  const arms = [arm('stdio'), arm('read')];
  const samples = [1, 2, 3].flatMap((round) =>
    arms.map((each, index) => ok({ arm: each, round }, { ttftNs: 2e7 * (1 + 0.001 * ((round + index) % 2)) })),
  );
  const { charts } = pageOf(ledger({ arms, samples }));
  const numbersOf = async (kind: string): Promise<readonly string[]> => {
    const svg = await chartSvg(charts.find((chart) => chart.kind === kind)!);
    return [...svg.matchAll(/>([-\u2212]?[\d.,]+)<\/text>/g)].map(([, number]) => number ?? '');
  };
  for (const kind of ['ratios', 'order']) {
    const numbers = await numbersOf(kind);
    for (const number of ['0.9', '1', '1.1']) t.true(numbers.includes(number), `${kind}: ${numbers.join()}`);
  }
  const speeds = await numbersOf('speed');
  t.true(speeds.includes('0') && !speeds.some((number) => /^[-\u2212]/.test(number)), speeds.join());
  const far = pageOf(harmlessLedger()).charts.flatMap(({ data }) => data.filter(({ part }) => part === 'room'));
  for (const { tip, loader } of far) t.deepEqual([tip, loader], ['', null]);
});

test('one sample is no middle of anything', (t) => {
  const of = ledger({ arms: [arm('read')], samples: [ok({ arm: arm('read') })] });
  t.regex(pageOf(of).charts.find(({ kind }) => kind === 'phases')!.note, /of each loader the only sample\./);
});

test('charts as documents are whole SVG, whatever the names', async (t) => {
  for (const chart of hostile.charts) {
    const svg = await chartDocument(chart);
    t.notRegex(svg, /<(?:script|img)/, chart.kind);
    t.notRegex(svg, CONTROL);
    t.true(svg.length < 200_000, `${chart.kind}: ${svg.length}`);
  }
});

test('Markdown stays below 65,000 characters, and hostile names neither break a table nor mention anybody', (t) => {
  const markdown = pageMarkdown(hostile);
  t.true(markdown.length < 65_000, `${markdown.length}`);
  t.notRegex(markdown, CONTROL);
  t.notRegex(markdown, /@everyone|\]\(javascript|<img|https:\/\//);
  // GitHub reads entities first, and then looks for mentions and references.
  const text = markdown.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
  t.notRegex(text, /@everyone|#1/);
  const cells = markdown.split('\n').filter((line) => line.startsWith('| '));
  t.true(cells.length >= 4);
  for (const line of cells) t.is(line.split('|').length, 10, line.slice(0, 200));
});

test('a name like a reference to an issue is none in Markdown', (t) => {
  const odd = arm('read', { label: 'GH-12 and www.example.test' });
  const markdown = pageMarkdown(pageOf(ledger({ arms: [odd], samples: [ok({ arm: odd })] })));
  t.notRegex(markdown, /GH-\d|www\.e/);
  t.true(markdown.includes('GH&#8203;-12'));
});

test('two models of one name are told apart', (t) => {
  const models = { a: model({ path: '/m/7b/q4.gguf' }), b: model({ path: '/m/13b/q4.gguf' }) };
  const arms = Object.keys(models).map((id) => arm('read', { model: id }));
  const { report: told, places } = pageOf(ledger({ arms, models, samples: arms.map((each) => ok({ arm: each })) }));
  t.deepEqual(
    told.models.map(({ label }) => label),
    ['7b/q4.gguf', '13b/q4.gguf'],
  );
  t.is(new Set(places.map(({ model: name }) => name)).size, 2);
});

test('links to files beside the page hold whatever their names hold', async (t) => {
  const html = await pageHtml(harmless, scripts, ['a#b?/samples.csv', 'javascript:x/samples.csv']);
  t.true(html.includes('href="a%23b%3F/samples.csv"'));
  t.true(html.includes('href="javascript%3Ax/samples.csv"'));
});

test('Markdown of very many loaders is cut, and says so', (t) => {
  const arms = Array.from({ length: 600 }, (_, index) => arm(`loader-${index}-${'x'.repeat(150)}`));
  const markdown = pageMarkdown(pageOf(ledger({ arms, samples: arms.map((each) => ok({ arm: each })) })));
  t.true(markdown.length < 65_000, `${markdown.length}`);
  t.regex(markdown, /\d+ more loaders/);
  t.regex(markdown, /What to know before believing it/);
});

test('JUnit has a case for each arm and metric, and is XML whatever the names', (t) => {
  const xml = pageJunit(hostile);
  t.notRegex(xml, CONTROL);
  t.notRegex(xml, /&(?!amp;|lt;|gt;|quot;|#39;)/);
  t.notRegex(xml, /<(?!\/?(?:testsuites|testsuite|testcase|system-out|skipped|failure)[ />]|\?xml)/);
  const usual = pageJunit(harmless);
  for (const metric of ['load', 'first token', 'complete', 'unreclaimable memory', 'decode']) {
    t.true(usual.includes(`name="head: ${metric}"`), metric);
  }
  t.regex(usual, /name="gone: first token" time="0"><skipped /);
});

test('a loader that failed is a failure in JUnit', (t) => {
  const arms = [arm('cxx-stream'), arm('direct')];
  const samples = [ok({ arm: arms[0]! }), without('failed', { arm: arms[1]! }, reason('signal'))];
  t.regex(
    pageJunit(pageOf(ledger({ arms, samples }))),
    /name="direct: first token" time="0"><failure message="[^"]*signal/,
  );
});

test('the JSON keeps to its published schema, which tells when it does not', (t) => {
  for (const each of [hostile, harmless]) t.deepEqual(violationsOf(reportSchema, JSON.parse(pageJson(each))), []);
  const broken = { ...(JSON.parse(pageJson(harmless)) as object), headline: 1, charts: [{}] };
  t.is(violationsOf(reportSchema, broken).length, 2, 'the type of one, the fields of another');
});

test('in a terminal hostile names stay on their lines and steer nothing', (t) => {
  const evil = hostileLedger();
  const text = terminalTable(report(summarize(evil), evil), { width: 80 });
  t.notRegex(text, CONTROL);
  t.true(text.length < 200_000, `${text.length}`);
});

test('CSV escapes what would steer a terminal that it is shown in', (t) => {
  const evil = hostileLedger();
  const summary = summarize(evil);
  t.notRegex(samplesCsv(evil, summary), CONTROL);
  t.notRegex(summaryCsv(summary), CONTROL);
});

test('the page opens with the answer in one sentence, and says how sure it is', (t) => {
  const arms = [arm('stdio'), arm('mmap-shared')];
  const weighed = (rounds: number) =>
    pageOf(
      ledger({
        arms,
        samples: Array.from({ length: rounds }, (_, round) => [
          ok({ arm: arms[0]!, round, block: round }, { ttftNs: 1e9 }),
          ok({ arm: arms[1]!, round, block: round }, { ttftNs: 5e8 }),
        ]).flat(),
      }),
    ).headline;
  t.is(
    weighed(6),
    'On this machine, warm, mmap-shared is fastest to first token (500 ms, 0.50 × stdio, 96.9 % interval 0.50–0.50).',
  );
  t.is(
    weighed(2),
    'On this machine, warm, mmap-shared has the lowest paired time to first token (0.50 × stdio, median 500 ms), but 2 pairs do not prove it.',
  );
});

test('the command that made the run can be pasted into a shell', (t) => {
  const of = ledger({
    arms: [arm('read')],
    samples: [],
    run: { command: ['weighbridge', 'run', "it's $HOME", 'a\nb'] },
  });
  t.is(pageOf(of).command, "weighbridge run 'it'\\''s $HOME' $'a\\x0ab'");
});
