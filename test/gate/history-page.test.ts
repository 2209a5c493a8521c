import test from 'ava';
import type { BaselineFile } from '../../src/gate/baseline-types.js';
import { historyOf } from '../../src/gate/history.js';
import { historyPage } from '../../src/gate/history-page.js';
import { historyHtml } from '../../reports/history-html.js';
import { EVIL } from '../reports/hostile.js';

const scripts = { vega: '/* vega */', page: '/* page */' };

function run(day: number, ns: number, label = 'read', path = `/runs/${day}`): BaselineFile {
  const startedAt = new Date(Date.UTC(2026, 0, day)).toISOString();
  const figures = (value: number) => ({ values: [value, value, value], median: value, normalized: null });
  return {
    ...{ kind: 'baseline', schema: 1, ceilings: [] },
    provenance: {
      ...{
        tool: 'weighbridge 0.1.0',
        addon: 'a',
        commit: null,
        fingerprint: 'feedface',
        modelPaths: ['/m/model.gguf'],
      },
      ...{ startedAt, stopped: 'complete', command: [], run: path, writtenAt: startedAt },
    },
    entries: [
      {
        ...{ key: 'k', label, model: 'm', modelBytes: 1, state: 'warm', memoryState: 'backed', ok: 3, failed: 0 },
        metrics: { ttft: figures(ns), decode: figures(ns / 1e9), faults: figures(day % 2) },
      },
    ],
  };
}

const steady = (from: number, count: number, ns: number): BaselineFile[] =>
  Array.from({ length: count }, (_, index) => run(from + index, ns * (1 + 0.001 * (index % 3))));

test('a trend has a dot a run, a level between changes, and a mark where it changed', (t) => {
  const page = historyPage(historyOf([...steady(1, 12, 1e7), ...steady(13, 8, 1.3e7)], null, 1), '/runs');
  t.regex(page.headline, /^2 changes found: first token of read, warm, free memory backed \(\+30% from 2026-01-13\)/);
  const chart = page.charts.find(({ title }) => title === 'First token');
  const parts = (name: string) => chart!.data.filter(({ part }) => part === name);
  t.is(parts('row').length, 20);
  t.deepEqual(
    parts('level').map(({ run: from, to }) => [from, to]),
    [
      [1, 12],
      [13, 20],
    ],
  );
  t.like(parts('change')[0], { run: 13, side: 'right' });
  t.is(chart?.unit, 'ms');
  t.regex(chart?.note ?? '', /20 runs, each a median of 3 samples/);
  t.is(chart?.table.rows[12]?.[4]?.split(',')[0], '+30% from 2026-01-13');
  // A figure of seconds a token and one of nanoseconds stand in the same unit.
  t.deepEqual(
    page.charts.map(({ title, unit }) => [title, unit]),
    [
      ['First token', 'ms'],
      ['Time a token', 'ms'],
      ['Page faults', 'count'],
    ],
  );
});

test('without a change the page says so, and with few runs that none could be found', (t) => {
  t.is(historyPage(historyOf(steady(1, 14, 1e7), ['ttft'], 1), '/runs').headline, 'No change is found in 14 runs.');
  t.is(
    historyPage(historyOf(steady(1, 3, 1e7), ['ttft'], 1), '/runs').headline,
    'Too few runs to find a change: there are 3, and it takes 12.',
  );
});

test('hostile names become text of the page', async (t) => {
  const runs = Array.from({ length: 13 }, (_, day) => run(day + 1, 1e7 + day, EVIL, `/runs/${EVIL}`));
  const page = historyPage(historyOf(runs, null, 1), EVIL);
  const html = await historyHtml(page, scripts);
  t.is([...html.matchAll(/<script/g)].length, 4);
  t.notRegex(html, /<img|onerror="|<!--/);
  t.notRegex(html, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
  t.is(html.match(/<figure /g)?.length, page.charts.length);
});
