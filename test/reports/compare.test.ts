/** Comparisons of ledgers made by hand: hostile names, many runs, programs and dimensions. */
import test from 'ava';
import { chartDocument } from '../../reports/chart-document.js';
import { compareCsv, differencesCsv } from '../../reports/compare-csv.js';
import { compareHtml } from '../../reports/compare-html.js';
import { compareJson } from '../../reports/compare-json.js';
import { compareMarkdown } from '../../reports/compare-markdown.js';
import { compareSchema } from '../../reports/compare-schema.js';
import { compareText } from '../../reports/compare-text.js';
import { compare, type Comparison } from '../../src/report/compare.js';
import type { Ledger } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { MODEL, arm, ledger, memoryCeiling, model, ok, reason, without } from '../statistics/ledger-builder.js';
import { EVIL, hostileLedger } from './hostile.js';
import { violationsOf } from './json-schema.js';

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
const scripts = { vega: '/* vega */', page: '/* page */' };

function comparison(ledgers: Readonly<Record<string, Ledger>>, floor: number | null = null): Comparison {
  const runs = Object.entries(ledgers).map(([name, of]) => ({
    ...{ name, directory: `runs/${name}`, ledger: of, summary: summarize(of) },
  }));
  return compare(runs, () => floor);
}

const elsewhere = (of: Ledger): Ledger => ({
  ...of,
  run: {
    ...of.run,
    machine: { ...of.run.machine, fingerprint: `${of.run.machine.fingerprint.slice(0, 20)} elsewhere` },
  },
});

const hostile = comparison({
  [`a ${EVIL}`]: hostileLedger(),
  [`b ${EVIL}`]: hostileLedger(),
  [`c ${EVIL}`]: elsewhere(hostileLedger()),
});

test('hostile names become text of the page: no element, no script, no attribute of their own', async (t) => {
  const html = await compareHtml(hostile, scripts);
  t.is([...html.matchAll(/<script/g)].length, 4, 'the data, vega, the expressions and the page');
  t.notRegex(html, /<img|onerror="|<!--/);
  t.notRegex(html, CONTROL);
  t.true(html.includes('&lt;img src=x'), 'the name is there, as text');
  t.true(html.length < 2_000_000, `${html.length} characters`);
  t.is([...html.matchAll(/<svg /g)].length, hostile.charts.length);
});

test('hostile names neither break Markdown, CSV, JSON or charts nor steer a terminal', async (t) => {
  const markdown = compareMarkdown(hostile);
  t.true(markdown.length < 65_000, `${markdown.length}`);
  t.notRegex(markdown, /@everyone|\]\(javascript|<img|https:\/\//);
  for (const text of [markdown, compareText(hostile), compareCsv(hostile), differencesCsv(hostile)]) {
    t.notRegex(text, CONTROL);
  }
  t.deepEqual(violationsOf(compareSchema, JSON.parse(compareJson(hostile))), []);
  for (const chart of hostile.charts) {
    const svg = await chartDocument(chart);
    t.notRegex(svg, /<(?:script|img)/, chart.kind);
    t.notRegex(svg, CONTROL);
  }
});

const [read, stdio] = [arm('read'), arm('stdio')];
const timed = (ttft: number, more: Parameters<typeof ledger>[0]['run'] = {}, of = read, rounds = 8): Ledger =>
  ledger({
    arms: [of, memoryCeiling()],
    samples: Array.from({ length: rounds }, (_, index) => [
      ok({ arm: of, round: index + 1 }, { ttftNs: ttft * (1 + index / 100) }),
      ok({ arm: memoryCeiling(), round: index + 1 }),
    ]).flat(),
    run: more,
  });

test('from six samples the median of a run has an exact interval, below it its range', (t) => {
  const of = (rounds: number) =>
    comparison({ a: timed(1e7, {}, read, rounds), b: timed(1e7, {}, read, rounds) }).sections[0]?.rows[0]?.cells[0]
      ?.firstToken;
  t.like(of(8), { n: 8, low: 1e7, confidence: 1 - 2 / 2 ** 8 });
  t.like(of(5), { n: 5, low: 1e7, high: 1.04e7, confidence: null });
});

test('a ratio within and beyond its noise floor is told as that, never as a verdict', (t) => {
  const [within, beyond] = [0.5, 0.05].map((floor) => comparison({ a: timed(1e7), b: timed(1.2e7) }, floor));
  t.regex(within?.headline ?? '', /read's median first token is 1\.20 × a in b \(within the noise floor of ±50%\)/);
  t.regex(beyond?.headline ?? '', /beyond the noise floor of ±5\.0%/);
  t.regex(beyond?.sections[0]?.answer ?? '', /beyond the noise floor: read \(±5\.0%\)/);
  t.notRegex(JSON.stringify(beyond), /regressed|improved/);
});

test('of three runs on two machines each is divided by the first of its own, and by ceilings by the first of all', (t) => {
  const all = comparison({ a: timed(1e7), b: elsewhere(timed(2e7)), c: elsewhere(timed(3e7)), d: timed(4e7) });
  const bases = (run: number) =>
    all.sections[0]?.rows[0]?.cells[run]?.ratios
      .filter(({ metric }) => metric === 'ttft')
      .map(({ base, by, value }) => `${base} ${by} ${value.toFixed(2)}`);
  t.deepEqual(bases(0), []);
  t.deepEqual(bases(1), ['a memory 2.00']);
  t.deepEqual(bases(2), ['b nothing 1.50', 'a memory 3.00']);
  t.deepEqual(bases(3), ['a nothing 4.00']);
});

test('seconds of two machines share no chart; a loader has one colour, a run one shape', (t) => {
  const { charts } = comparison({ a: timed(1e7), b: timed(2e7), c: elsewhere(timed(3e7)) });
  const facets = charts.filter(({ kind }) => kind === 'runs');
  t.deepEqual(
    facets.map(({ table }) => table.rows.map(([, run]) => run)),
    [['a', 'b'], ['c']],
  );
  const marks = charts.flatMap(({ data }) => data.filter(({ part }) => part === 'row'));
  t.is(new Set(marks.map(({ color }) => color)).size, 1);
  t.is(new Set(marks.map(({ shape }) => shape)).size, 3);
});

test('other work on one machine stands beside the first, undivided, and it is said what differs', (t) => {
  const other = arm('read', { id: 'model-a read t9', threads: 9 });
  const found = comparison({ a: timed(1e7), b: timed(2e7, {}, other) }).sections[0]?.rows[0]?.cells[1];
  t.deepEqual(found?.ratios, []);
  t.is(found?.apart, 'threads 9, not 2 (a)');
  t.is(found?.firstToken?.n, 8);
});

test('a model is known by its digest: another name is the same, another digest has rates alone', (t) => {
  const of = (overrides: Parameters<typeof model>[0]): Ledger => {
    const made = timed(1e7);
    return { ...made, run: { ...made.run, models: { [MODEL]: model(overrides) } } };
  };
  const renamed = comparison({ a: of({}), b: of({ path: '/elsewhere/b.gguf' }) });
  t.is(renamed.sections.length, 1);
  t.deepEqual(renamed.rates, []);
  const different = comparison({ a: of({}), b: of({ headerDigest: 'fedcba9876543210' }) });
  t.deepEqual(
    different.sections.flatMap(({ rows }) => rows.flatMap(({ cells }) => cells.flatMap((cell) => cell?.ratios ?? []))),
    [],
  );
  t.is(different.rates.length, 1);
  t.deepEqual(
    different.charts.map(({ kind }) => kind),
    ['rates'],
  );
});

test('rates of two machines share no chart either, whatever their models', (t) => {
  const of = (headerDigest: string, path: string): Ledger => {
    const made = timed(1e7);
    return { ...made, run: { ...made.run, models: { [MODEL]: model({ headerDigest, path }) } } };
  };
  const [small, large] = [of('0123456789abcdef', '/m/7b.gguf'), of('fedcba9876543210', '/m/13b.gguf')];
  const { charts } = comparison({ a: small, b: large, c: elsewhere(large) });
  const rates = charts.filter(({ kind }) => kind === 'rates');
  t.deepEqual(
    rates.map(({ table }) => table.rows.map(([, run, name]) => `${run} ${name}`)),
    [['a 7b.gguf', 'b 13b.gguf'], ['c 13b.gguf']],
  );
  t.deepEqual(
    rates.map(({ places }) => places.map(({ model: name }) => name)),
    [['7b.gguf', '13b.gguf'], ['13b.gguf']],
  );
  t.regex(rates[1]?.title ?? '', / · machine 2: /);
});

test('two models of one name are told apart by their folders, or by their digests', (t) => {
  const of = (headerDigest: string, path: string): Ledger => {
    const made = timed(1e7);
    return { ...made, run: { ...made.run, models: { [MODEL]: model({ headerDigest, path }) } } };
  };
  const namesOf = (a: string, b: string) => {
    const { sections } = comparison({ a: of('0123456789abcdef', a), b: of('fedcba9876543210', b) });
    return sections.map(({ place }) => place.model);
  };
  t.deepEqual(namesOf('/m/7b/q4.gguf', '/m/13b/q4.gguf'), ['7b/q4.gguf', '13b/q4.gguf']);
  t.deepEqual(namesOf('/m/q4.gguf', '/m/q4.gguf'), ['q4.gguf (0123456789abcdef)', 'q4.gguf (fedcba9876543210)']);
  t.deepEqual(namesOf('/m/7b.gguf', '/m/13b.gguf'), ['7b.gguf', '13b.gguf']);
});

test('without a ceiling two machines are not divided at all, and it is said', (t) => {
  const bare = (of: Ledger): Ledger => ({ ...of, run: { ...of.run, plan: { ...of.run.plan, ceilings: {} } } });
  const all = comparison({ a: bare(timed(1e7)), b: bare(elsewhere(timed(2e7))) });
  t.deepEqual(all.sections[0]?.rows[0]?.cells[1]?.ratios, []);
  t.regex(
    all.sections[0]?.remarks.join() ?? '',
    /read in b: not divided by another run's: no ceiling of both machines/,
  );
});

test('a loader that one run could not weigh keeps its place, with the reason', (t) => {
  const gone = ledger({ arms: [read], samples: [without('unsupported', { arm: read }, reason('no-direct'))] });
  const all = comparison({ a: timed(1e7), b: gone });
  t.regex(all.sections[0]?.rows[0]?.cells[1]?.problem ?? '', /^unsupported: because of no-direct/);
  t.regex(compareText(all), /read in b: unsupported: because of no-direct/);
});

test('a loader whose options changed between versions is a difference', (t) => {
  const changed = arm('read', { options: { chunkBytes: 1 } });
  const { differences } = comparison({ a: timed(1e7), b: timed(1e7, {}, changed) });
  t.deepEqual(
    differences.filter(({ term }) => term === 'Loader read').map(({ text }) => text),
    ['a: {}; b: {"chunkBytes":1}'],
  );
});

test('runs that have nothing in common are listed, and nothing is compared', (t) => {
  const all = comparison({ a: timed(1e7), b: ledger({ arms: [stdio], samples: [], states: ['cold'] }) });
  t.regex(all.headline, /no place in common/);
  t.deepEqual(all.charts, []);
  t.true(all.lacks.length >= 2);
});

test('thread counts that a run varies are compared each with its own', (t) => {
  const setting = (threads: number) => ({
    ...{ key: threads === 2 ? 'model-a' : `model-a t${threads}`, model: 'model-a', threads, processes: 1 },
    ...{ memoryLimit: null, context: 64, pressure: null, numa: null },
  });
  const varied = (scale: number): Ledger => {
    const arms = [2, 4].map((threads) =>
      arm('read', { id: `read model-a infer t${threads}`, threads, setting: setting(threads).key }),
    );
    const made = ledger({
      arms,
      samples: arms.map((of, index) => ok({ arm: of }, { ttftNs: scale * 1e7 * (index + 1) })),
    });
    const plan = { ...made.run.plan, settings: [2, 4].map(setting) };
    return { ...made, run: { ...made.run, plan } };
  };
  const { sections } = comparison({ a: varied(1), b: varied(3) });
  t.deepEqual(
    sections.map(({ place: { setting: name }, rows }) => [name, rows[0]?.cells[1]?.ratios[0]?.value]),
    [
      ['2 threads', 3],
      ['4 threads', 3],
    ],
  );
});

test('Markdown of very many loaders is cut, and says so', (t) => {
  const arms = Array.from({ length: 600 }, (_, index) => arm(`loader-${index}-${'x'.repeat(150)}`));
  const many = ledger({ arms, samples: arms.map((each) => ok({ arm: each })) });
  const markdown = compareMarkdown(comparison({ a: many, b: many }));
  t.true(markdown.length < 65_000, `${markdown.length}`);
  t.regex(markdown, /more lines do not fit here/);
});
