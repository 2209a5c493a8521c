/** The page of real claims, and that of a history, in a real browser. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { arm, ledger, ok } from '../statistics/ledger-builder.js';
import { close, drawnAll, fitsItsReader, inBrowser, launch, opened, seriousOf } from './browser.js';

const folder = scratchFolder();
const out = join(folder, 'claims');
const html = join(out, 'claims.html');

test.before(async (t) => {
  const model = copyOfFixture('tiny-Q8_0.gguf', folder);
  const { code, stdout, stderr } = await weighbridge([
    ...[
      'claims',
      model,
      '--rounds',
      '1',
      '--time-budget',
      '1100',
      '--threads',
      '2',
      '--lock-wait',
      '600',
      '--out',
      out,
    ],
  ]);
  t.is(code, 0, stderr);
  t.true(stdout.trimEnd().endsWith(html), 'claims end by naming their page');
  await launch();
});
test.after.always(async () => {
  await close();
  removeFolder(folder);
});

for (const view of [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 400, colorScheme: 'light' },
] as const) {
  inBrowser(`the page of the claims draws every chart quietly, ${view.width} wide, ${view.colorScheme}`, async (t) => {
    const { tab, trouble } = await opened(html, view);
    t.is(await tab.locator('.verdicts tbody tr').count(), 6);
    for (const part of await tab.locator('details.part > summary').all()) await part.click();
    const drawn = await drawnAll(tab);
    t.true(drawn.length >= 20, `${drawn.length} charts`);
    t.deepEqual([...new Set(drawn)], [view.width === 400 ? 'narrow' : 'wide']);
    t.true((await tab.locator('#claim1 figure .live svg').count()) >= 1, 'what was claimed stands in a chart');
    await fitsItsReader(t, tab, view.colorScheme);
    t.deepEqual(trouble, []);
    await tab.context().close();
  });
}

for (const view of [{ width: 1280 }, { width: 400, colorScheme: 'dark' }] as const) {
  inBrowser(`axe-core finds nothing serious in the page of the claims, ${view.width} pixels wide`, async (t) => {
    const { tab } = await opened(html, view);
    for (const part of await tab.locator('details.part > summary').all()) await part.click();
    await drawnAll(tab);
    t.deepEqual(await seriousOf(tab), []);
    await tab.context().close();
  });
}

inBrowser('without scripts what was claimed and measured is still drawn', async (t) => {
  const { tab } = await opened(html, { width: 1280, javaScriptEnabled: false });
  t.true(await tab.locator('#claim1 figure .static svg').first().isVisible());
  await tab.context().close();
});

test('the page, its Markdown and its CSV are written again from the directory', async (t) => {
  const before = ['claims.html', 'claims.md', 'claims.csv'].map((name) => readFileSync(join(out, name), 'utf8'));
  for (const name of ['claims.html', 'claims.md', 'claims.csv']) rmSync(join(out, name));
  const { code, stderr } = await weighbridge(['report', out]);
  t.is(code, 0, stderr);
  const after = ['claims.html', 'claims.md', 'claims.csv'].map((name) => readFileSync(join(out, name), 'utf8'));
  t.deepEqual(after, before);
});

test('charts of claims are drawn as files, too', async (t) => {
  const svg = join(folder, 'svg');
  const { code, stderr } = await weighbridge(['report', out, '--svg', svg]);
  t.is(code, 0, stderr);
  t.is(readdirSync(svg)[0], '01-claim.svg');
});

for (const [what, args, file] of [
  ['a form that claims do not have', ['--junit', 'x.xml'], null],
  ['a file that is no JSON', [], 'nothing'],
  ['a file of another schema', [], '{ "schema": 99 }'],
  [
    'a file without claims',
    [],
    '{ "schema": 1, "model": {"path":"a","bytes":1,"fileSystem":""}, "parts": [], "claims": [1] }',
  ],
  [
    'a verdict that is none',
    [],
    '{ "schema": 1, "model": {"path":"a","bytes":1,"fileSystem":""}, "parts": [], "claims": [{"number":1,"id":"load","claim":"c","asks":"a","verdict":"**yes**","why":"w","measures":[],"notes":[]}] }',
  ],
] as const) {
  test(`${what}: one clear line, exit code 2`, async (t) => {
    const directory = file === null ? out : scratchFolder();
    if (file !== null) writeFileSync(join(directory, 'claims.json'), file);
    const { code, stdout, stderr } = await weighbridge(['report', directory, ...args]);
    if (file !== null) removeFolder(directory);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
  });
}

/** A run of each day, slower from the eighth on. */
function recordDay(runs: string, day: number): void {
  const read = arm('read');
  const ns = (day < 8 ? 2e7 : 3e7) * (1 + day / 1000);
  const of = ledger({
    arms: [read],
    samples: [1, 2, 3].map((round) => ok({ arm: read, round }, { ttftNs: ns + round })),
    run: { startedAt: new Date(Date.UTC(2026, 0, day)).toISOString() },
  });
  const directory = join(runs, `day-${String(day).padStart(2, '0')}`);
  mkdirSync(directory, { recursive: true });
  const lines = [of.run, ...of.samples, of.end].map((record) => JSON.stringify(record));
  writeFileSync(join(directory, 'ledger.jsonl'), `${lines.join('\n')}\n`);
}

inBrowser('the page of a history draws every trend quietly', async (t) => {
  const runs = join(folder, 'runs');
  for (let day = 1; day <= 14; day += 1) recordDay(runs, day);
  const page = join(folder, 'trend.html');
  const { code, stdout, stderr } = await weighbridge(['history', runs, '--metric', 'ttft', '--html', page]);
  t.is(code, 0, stderr);
  t.true(stdout.trimEnd().endsWith(page));
  for (const view of [{ width: 1280 }, { width: 400, colorScheme: 'dark' }] as const) {
    const { tab, trouble } = await opened(page, view);
    const drawn = await drawnAll(tab);
    t.true(drawn.length >= 1);
    t.regex((await tab.locator('.answer').textContent()) ?? '', /^1 change found: first token of read.* 2026-01-08/);
    await tab.locator('.live text').filter({ hasText: '+' }).first().waitFor();
    t.true(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'));
    t.deepEqual(await seriousOf(tab), []);
    t.deepEqual(trouble, []);
    await tab.context().close();
  }
});
