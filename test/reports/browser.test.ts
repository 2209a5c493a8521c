/** The page of a real run in a real browser, and that of a hostile one. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { pageJunit } from '../../reports/page-junit.js';
import { page } from '../../src/report/page.js';
import { writePage } from '../../src/report-files.js';
import type { RunRecord } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { close, drawnAll, fitsItsReader, inBrowser, launch, opened, seriousOf } from './browser.js';
import { hostileLedger } from './hostile.js';

const folder = scratchFolder();
const out = join(folder, 'run');
test.before(async (t) => {
  if (!(await launch())) return;
  const model = join(folder, 'tiny.gguf');
  const made = await weighbridge(['gen', model, '--shape', 'tiny', '--type', 'q8_0']);
  t.is(made.code, 0, made.stderr);
  const { code, stdout, stderr } = await weighbridge([
    ...[
      'run',
      model,
      '--loader',
      'all',
      '--rounds',
      '1',
      '--memory-state',
      'as-is',
      '--prompt',
      '4',
      '--generate',
      '4',
    ],
    ...['--lock-wait', '1100', '--out', out],
  ]);
  t.is(code, 0, stderr);
  t.true(stdout.trimEnd().endsWith(join(out, 'report.html')), 'the run ends by naming its page');
});
test.after.always(async () => {
  await close();
  removeFolder(folder);
});

const html = join(out, 'report.html');

for (const view of [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 400, colorScheme: 'light' },
] as const) {
  inBrowser(`every chart is drawn, quietly and alone, ${view.width} pixels wide, ${view.colorScheme}`, async (t) => {
    const { tab, trouble } = await opened(html, view);
    const drawn = await drawnAll(tab);
    t.true(drawn.length >= 16, `${drawn.length} charts`);
    t.deepEqual([...new Set(drawn)], [view.width === 400 ? 'narrow' : 'wide']);
    await fitsItsReader(t, tab, view.colorScheme);
    t.deepEqual(trouble, []);
    await tab.context().close();
  });
}

inBrowser('a filter leaves only what it names', async (t) => {
  const { tab, trouble } = await opened(html, { width: 1280 });
  await drawnAll(tab);
  const all = await tab.locator('figure:not([hidden])').count();
  await tab.locator('input[name=state][value=cold]').uncheck();
  t.is(await tab.locator('figure:not([hidden])').count(), all / 2);
  t.is(await tab.locator('.answers > li:not([hidden])').count(), 1);
  await tab.locator('#loaders').fill('mmap-private');
  const labels = tab.locator('figure:not([hidden]) .live').first().locator('.role-axis-label text');
  await labels.filter({ hasText: /^stdio$/ }).waitFor({ state: 'detached' });
  const names = await labels.allTextContents();
  t.true(names.includes('mmap-private'), names.join());
  await tab.locator('#loaders').fill('no such loader');
  await tab.locator('figure:not([hidden]) .empty').first().waitFor();
  t.deepEqual(trouble, []);
  await tab.context().close();
});

inBrowser('what is pointed at tells its numbers', async (t) => {
  const { tab, trouble } = await opened(html, { width: 1280 });
  await drawnAll(tab);
  const mark = tab.locator('figure:not([hidden]) .live .mark-symbol.role-mark path').last();
  await mark.scrollIntoViewIfNeeded();
  await mark.hover({ force: true });
  const tip = tab.locator('#tip');
  await tip.waitFor();
  t.regex((await tip.textContent()) ?? '', /GB\/s/);
  t.deepEqual(trouble, []);
  await tab.context().close();
});

inBrowser('no text is cut at an edge of a drawing, whatever face this machine has', async (t) => {
  const { tab } = await opened(html, { width: 1280, javaScriptEnabled: false });
  const cut = await tab.evaluate<
    readonly string[]
  >(`[...document.querySelectorAll('.static svg')].flatMap((drawing) => {
    const edge = drawing.getBoundingClientRect();
    return [...drawing.querySelectorAll('text')].filter((text) => {
      const { left, right } = text.getBoundingClientRect();
      return left < edge.left || right > edge.right;
    }).map((text) => text.textContent);
  })`);
  t.deepEqual(cut, []);
  await tab.context().close();
});

inBrowser('without scripts each chart is a drawing', async (t) => {
  const { tab } = await opened(html, { width: 1280, javaScriptEnabled: false });
  t.is(await tab.locator('figure .static svg').count(), await tab.locator('figure').count());
  t.true(await tab.locator('figure .static svg').first().isVisible());
  await tab.context().close();
});

for (const view of [{ width: 1280 }, { width: 400, colorScheme: 'dark' }] as const) {
  inBrowser(`axe-core finds nothing serious, ${view.width} pixels wide`, async (t) => {
    const { tab } = await opened(html, view);
    await drawnAll(tab);
    for (const summary of await tab.locator('summary').all()) await summary.click();
    t.deepEqual(await seriousOf(tab), []);
    await tab.context().close();
  });
}

inBrowser('a page of hostile names runs nothing of them, and its JUnit is XML', async (t) => {
  const evil = hostileLedger();
  const summary = summarize(evil);
  await writePage(folder, { summary, ledger: evil });
  const { tab, trouble } = await opened(join(folder, 'report.html'), { width: 1280 });
  const drawn = await drawnAll(tab);
  t.true(drawn.length >= 8);
  t.is(await tab.evaluate('typeof globalThis.hacked'), 'undefined');
  t.is(await tab.locator('img').count(), 0);
  t.deepEqual(trouble, []);
  const xml = join(folder, 'junit.xml');
  writeFileSync(xml, pageJunit(page(summary, evil)));
  const errors = await tab.evaluate(
    `new DOMParser().parseFromString(${JSON.stringify(readFileSync(xml, 'utf8'))}, 'application/xml').querySelectorAll('parsererror').length`,
  );
  t.is(errors, 0);
  await tab.context().close();
});

for (const view of [{ width: 1280 }, { width: 400, colorScheme: 'dark' }] as const) {
  inBrowser(`the page of a comparison is drawn, quietly and for everybody, ${view.width} pixels wide`, async (t) => {
    const there = join(folder, 'there');
    mkdirSync(there, { recursive: true });
    const [header = '', ...lines] = readFileSync(join(out, 'ledger.jsonl'), 'utf8').split('\n');
    const run = JSON.parse(header) as RunRecord;
    const moved = { ...run, machine: { ...run.machine, fingerprint: '0123456789abcdef' } };
    writeFileSync(join(there, 'ledger.jsonl'), [JSON.stringify(moved), ...lines].join('\n'));
    const path = join(folder, 'compare.html');
    const { code, stderr } = await weighbridge(['compare', `here=${out}`, `there=${there}`, '--html', path]);
    t.is(code, 0, stderr);
    const { tab, trouble } = await opened(path, view);
    const drawn = await drawnAll(tab);
    t.is(drawn.length, 6, 'cold and warm: two machines of seconds, one of shares');
    t.true(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing sticks out at the side');
    t.deepEqual(trouble, []);
    for (const summary of await tab.locator('summary').all()) await summary.click();
    t.deepEqual(await seriousOf(tab), []);
    await tab.locator('input[name=state][value=cold]').uncheck();
    t.is(await tab.locator('figure:not([hidden])').count(), 3);
    t.is(await tab.locator('.answers > li:not([hidden])').count(), 1);
    await tab.context().close();
  });
}
