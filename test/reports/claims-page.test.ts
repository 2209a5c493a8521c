/** The page of judged claims, made of parts that never ran, and of names that would do harm. */
import test from 'ava';
import { claimsCsv } from '../../reports/claims-csv.js';
import { claimsHtml } from '../../reports/claims-html.js';
import { claimsMarkdown } from '../../reports/claims-markdown.js';
import { claimsReport } from '../../src/report/claims.js';
import { claimsPage, type JudgedPart } from '../../src/report/claims-page.js';
import { judgeClaims } from '../../src/statistics/claims.js';
import { CLAIM_PARTS, type ClaimParts } from '../../src/statistics/claims-types.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { Ledger } from '../../src/samples/record.js';
import { arm, ledger, model, ok } from '../statistics/ledger-builder.js';
import { EVIL, harmlessLedger, hostileLedger } from './hostile.js';

const scripts = { vega: '/* vega */', page: '/* page */' };
const MS = 1e6;

/** Loads of a copy take so many times those of the map. */
function warmPart(factor: number, rounds = 8): Ledger {
  const [map, ...copies] = ['mmap-shared', 'cxx-stream', 'stdio'].map((name) => arm(name));
  const samples = Array.from({ length: rounds }, (_, round) => [
    ok({ arm: map!, round, block: round }, { loadNs: 10 * MS, ttftNs: 20 * MS }),
    ...copies.map((copy) =>
      ok({ arm: copy, round, block: round }, { loadNs: 10 * MS * factor + round, ttftNs: 40 * MS + round }),
    ),
  ]).flat();
  return ledger({ arms: [map!, ...copies], samples });
}

function pageOf(warm: Ledger, why = 'there is no room for it') {
  const parts = Object.fromEntries(
    CLAIM_PARTS.map((name) => [name, name === 'warm' ? { kind: 'ran', ledger: warm } : { kind: 'cannot', why }]),
  ) as unknown as ClaimParts;
  const claims = judgeClaims(parts, false);
  const judged = CLAIM_PARTS.map((name): JudgedPart =>
    name === 'warm'
      ? { name, why: 'what loading takes', summary: summarize(warm), ledger: warm, reason: null }
      : { name, why: 'what else', summary: null, ledger: null, reason: why },
  );
  const of = Object.values(warm.run.models)[0] ?? model();
  return { claims, page: claimsPage(claimsReport(of, warm.run, claims, ['a note']), claims, judged) };
}

test('the page opens with how many claims hold, and says which and why', async (t) => {
  const { page } = pageOf(warmPart(150));
  t.is(
    page.headline,
    'Of the 6 claims of 2023 about loading by mmap, on this machine 1 is reproduced and 5 cannot be tested here.',
  );
  const html = await claimsHtml(page, scripts);
  t.is(html.match(/<strong class="verdict reproduced">/g)?.length, 2, 'in the table and in its section');
  t.is(html.match(/<section class="kind" id="claim\d">/g)?.length, 6);
  t.is(html.match(/Not weighed: there is no room for it\./g)?.length, CLAIM_PARTS.length - 1);
  t.true(html.includes('claimed at least 100x'));
  t.true(html.includes('<li>a note</li>'));
});

test('a chart of a claim shows what was measured and where it would be as claimed', (t) => {
  const [first] = pageOf(warmPart(50)).page.claims;
  const [chart] = first!.charts;
  t.is(chart?.unit, 'ratio');
  const row = chart?.data.find(({ part, loader }) => part === 'row' && loader === 'load, cxx-stream ÷ mmap-shared');
  t.like(row, { verdict: 'direction only', few: false });
  t.true(Math.abs(Number(row?.['value']) - 50) < 0.01);
  t.true(chart?.data.some(({ part, claimed }) => part === 'at-least' && claimed === 100));
  t.regex(chart?.note ?? '', /Medians of 8 values; bars are intervals/);
  t.regex(pageOf(warmPart(50, 3)).page.claims[0]?.charts[0]?.note ?? '', /Medians of 3 values; too few for intervals/);
});

test('parts stand in the same file, and no id of it is there twice', async (t) => {
  const { page } = pageOf(warmPart(50));
  const html = await claimsHtml(page, scripts);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  t.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  );
  t.is(html.match(/<figure /g)?.length, page.charts.length);
  t.true(page.charts.some(({ id }) => id === 'warmchart1'));
});

test('of a part that was weighed for its memory alone no time is told', async (t) => {
  const of = harmlessLedger();
  const part = (name: 'memory' | 'cold'): JudgedPart => ({
    ...{ name, why: 'what it costs', summary: summarize(of), ledger: of, reason: null },
  });
  const report = claimsReport(Object.values(of.run.models)[0]!, of.run, [], []);
  const page = claimsPage(report, [], [part('memory'), part('cold')]);
  const kindsOf = (name: string): readonly string[] =>
    page.charts.filter(({ id }) => id.startsWith(name)).map(({ kind }) => kind);
  t.deepEqual(kindsOf('memory'), ['memory']);
  t.true(kindsOf('cold').includes('ratios'));
  t.is((await claimsHtml(page, scripts)).match(/The answer, state by state/g)?.length, 1);
});

test('hostile names become text of the page, and no formula of the CSV', async (t) => {
  const evil = pageOf(hostileLedger(), EVIL);
  const html = await claimsHtml(evil.page, scripts);
  t.is([...html.matchAll(/<script/g)].length, 4, 'the data, vega, the expressions and the page');
  t.notRegex(html, /<img|onerror="|<!--/);
  t.notRegex(html, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
  t.true(html.length < 2_000_000, `${html.length} characters`);
  const markdown = claimsMarkdown(evil.page.report);
  const { title, claims } = evil.page.report;
  t.true(title.includes('@everyone') && claims.some(({ why }) => why.includes('@everyone')), 'it is asked for');
  t.notRegex(markdown, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
  t.notRegex(markdown, /\]\(javascript|<img|https:\/\/|\*\*bold/);
  // GitHub reads entities first, and then looks for mentions and references.
  t.notRegex(
    markdown.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))),
    /@everyone|#1/,
  );
  for (const line of markdown.split('\n').filter((text) => text.startsWith('| 1 |'))) t.is(line.split('|').length, 6);
  const csv = claimsCsv(
    evil.claims.map((claim) => ({ ...claim, measures: [{ ...claim.measures[0]!, what: '=1+1' }] })),
  );
  t.notRegex(csv, /(^|,)"?=1/m);
});
