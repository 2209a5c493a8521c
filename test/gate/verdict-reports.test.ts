import test from 'ava';
import { abVerdict } from '../../src/gate/ab-verdict.js';
import { verdictExitCode } from '../../src/gate-exit.js';
import { verdictView } from '../../src/gate/verdict-view.js';
import type { VerdictFile, VerdictKind } from '../../src/gate/verdict-types.js';
import { verdictJunit } from '../../reports/verdict-junit.js';
import { verdictMarkdown } from '../../reports/verdict-markdown.js';
import { verdictText } from '../../reports/verdict-text.js';
import { gateLedger, pairs } from './gate-ledger.js';

const file = abVerdict(gateLedger({ samples: pairs(40, 0.2), metrics: null }));
const hostile = `<script>alert(1)</script> | [x](javascript:y) *b* "q" 'a' &amp; \u001b[31mred\u0000\n# h #1 @octocat ]]> =1+1 \ud800`;

function named(name: string): VerdictFile {
  const side = { name, detail: name };
  const comparisons = file.comparisons.map((each) => ({ ...each, arm: name, reason: name }));
  return { ...file, model: name, base: side, head: side, advisory: name, notes: [name], comparisons };
}

test('every line of the text fits 80 columns, and the smallest change that could be seen is always there', (t) => {
  const text = verdictText(verdictView(file));
  t.deepEqual(
    text.split('\n').filter((line) => line.length > 80),
    [],
  );
  t.regex(text, /^Regressed: first token warm/);
  t.regex(text, /first token .* 1\.2\d\d .* regressed +\d/);
  t.regex(text, /sees: the smallest worsening/);
});

test('a ratio of times as parts of their ceilings is marked, and the mark is explained', (t) => {
  const marked = file.comparisons.map((each) => ({ ...each, byCeiling: true as const }));
  const text = verdictText(verdictView({ ...file, comparisons: marked }));
  t.regex(text, /first token .* 1\.2\d\d† /);
  t.regex(text, /^\* † ÷ base of times as parts of the ceilings/m);
  t.notRegex(verdictText(verdictView(file)), /†/);
});

test('a counter is told with what is added to both sides before they are divided', (t) => {
  const [tables] = file.comparisons.filter(({ metric }) => metric === 'page-tables');
  t.regex(tables?.reason ?? '', /^page tables \(\+ 256 KiB on both sides\) is /);
});

test('hostile and endless names neither steer a terminal nor become markup', (t) => {
  for (const name of [hostile, 'x'.repeat(1_000_000), hostile.repeat(10_000)]) {
    const view = verdictView(named(name));
    const told = verdictText(view);
    t.notRegex(told, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    t.true(told.split('\n').every((line) => line.length <= 80));
    const markdown = verdictMarkdown(view);
    t.true(markdown.length < 65_000, `${markdown.length}`);
    t.notRegex(markdown, /<script|[^\\]\[x\]|\u001b/);
    // GitHub reads entities first, and then looks for mentions and references.
    const text = markdown.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    t.notRegex(text, /@octocat|#1/);
    const xml = verdictJunit(view);
    t.notRegex(xml, /<script|[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
    t.notRegex(xml, /&(?!(amp|lt|gt|quot|#39);)/);
    t.deepEqual(xml.match(/<testcase /g)?.length, file.comparisons.length);
  }
});

test('a comment is below the limit of a pull request whatever was compared, and counts what does not fit', (t) => {
  const comparisons = Array.from({ length: 3000 }, (_, index) => file.comparisons[index % 7]!);
  const markdown = verdictMarkdown(verdictView({ ...file, comparisons }));
  t.true(markdown.length < 65_000);
  t.regex(markdown, /\d+ more lines do not fit here; verdict\.json has all/);
});

test('a regression is a failure of JUnit, what is open is skipped, and nothing advisory fails', (t) => {
  const of = (verdict: VerdictKind, advisory: string | null = null): string => {
    const comparisons = file.comparisons.slice(0, 1).map((each) => ({ ...each, verdict }));
    return verdictJunit(verdictView({ ...file, comparisons, verdict, advisory }));
  };
  t.regex(of('regressed'), /tests="1" failures="1" skipped="0"[^]*<failure /);
  t.regex(of('inconclusive'), /failures="0" skipped="1"[^]*<skipped /);
  t.regex(of('unchanged'), /failures="0" skipped="0"[^]*<system-out>/);
  t.regex(of('regressed', 'another machine'), /failures="0" skipped="1"/);
});

test('exit codes: 3 for a regression, 4 for what is open where asked, 0 for advice', (t) => {
  const code = (verdict: VerdictKind, fail = false, advisory: string | null = null): number =>
    verdictExitCode({ ...file, verdict, advisory }, fail);
  t.is(code('regressed'), 3);
  t.is(code('inconclusive'), 0);
  t.is(code('inconclusive', true), 4);
  t.is(code('unchanged', true), 0);
  t.is(code('improved', true), 0);
  t.is(code('regressed', true, 'another machine'), 0);
});

test('of many comparisons that stay open there is one sentence a place, and every regression keeps its own', (t) => {
  const comparisons = file.comparisons.map((each, index) => ({
    ...each,
    verdict: index === 0 ? ('regressed' as const) : ('inconclusive' as const),
  }));
  const few = verdictView({ ...file, comparisons: comparisons.slice(0, 4) }).reasons;
  t.is(few.length, 4);
  const many = verdictView({ ...file, comparisons: [...comparisons, ...comparisons.slice(1)] }).reasons;
  t.is(many.length, 2);
  t.regex(many[0] ?? '', /\(regressed\)$/);
  t.regex(many[1] ?? '', /inconclusive: complete, /);
});

test('what of a counter is nothing is named where counters are compared, and only there', (t) => {
  const note = /÷ base of counters .*256 KiB of page tables/;
  const [comparison] = file.comparisons.filter(({ metric }) => metric === 'ttft');
  t.false(verdictView({ ...file, comparisons: [comparison!] }).notes.some((each) => /of counters/.test(each)));
  const counter = { ...comparison!, metric: 'page-tables', base: 30_720, head: 32_768, ratio: 1.007 } as const;
  t.true(verdictView({ ...file, comparisons: [counter] }).notes.some((each) => note.test(each)));
});

test('wide scatter makes no line wider', (t) => {
  const wide = { ratio: 1.081, low: 0.813, high: 1.91, verdict: 'inconclusive', smallestChange: 24 } as const;
  const comparisons = file.comparisons.map((each) => ({ ...each, ...wide, base: 2.52e6, head: 2.66e6 }));
  const text = verdictText(verdictView({ ...file, comparisons }));
  t.regex(text, /0\.813–1\.910 .* inconclusive +24-fold/);
  t.deepEqual(
    text.split('\n').filter((line) => line.length > 80),
    [],
  );
});
