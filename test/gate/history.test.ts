import test from 'ava';
import type { BaselineFile } from '../../src/gate/baseline-types.js';
import { historyOf } from '../../src/gate/history.js';
import { historyText } from '../../reports/history-text.js';

function run(day: number, ns: number, fingerprint = 'feedface', tables = 4096): BaselineFile {
  const startedAt = new Date(Date.UTC(2026, 0, day)).toISOString();
  const figures = (value: number) => ({ values: [value], median: value, normalized: null });
  return {
    ...{ kind: 'baseline', schema: 1, ceilings: [] },
    provenance: {
      ...{ tool: 'weighbridge 0.1.0', addon: 'a', commit: null, fingerprint, modelPaths: ['/m/model.gguf'] },
      ...{ startedAt, stopped: 'complete', command: [], run: '/r', writtenAt: startedAt },
    },
    entries: [
      {
        ...{
          key: 'k',
          label: 'read',
          model: 'm',
          modelBytes: 1,
          state: 'warm',
          memoryState: 'backed',
          ok: 1,
          failed: 0,
        },
        metrics: { ttft: figures(ns), 'page-tables': figures(tables) },
      },
    ],
  };
}

const steady = (from: number, count: number, ns: number): BaselineFile[] =>
  Array.from({ length: count }, (_, index) => run(from + index, ns * (1 + 0.001 * (index % 3))));

test('a step in the trend is marked at its first run, on a line of its own', (t) => {
  const history = historyOf([...steady(13, 8, 1.3e7), ...steady(1, 12, 1e7)], null, 1);
  const [group] = history.groups;
  t.is(history.groups.length, 1);
  t.deepEqual(group?.constant, ['page tables 4 KiB']);
  t.is(group?.series[0]?.changes[0]?.day, '2026-01-13');
  const text = historyText(history);
  t.deepEqual(
    text.split('\n').filter((line) => line.length > 80),
    [],
  );
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.includes('first token'));
  t.is(lines[at + 1]?.indexOf('▲'), (lines[at] ?? '').search(/[▁▂▃▄▅▆▇█]/) + 12);
  t.regex(lines[at + 2] ?? '', /\+30% from 2026-01-13/);
});

test('machines stand apart, and more runs than columns still fit', (t) => {
  const runs = [...steady(1, 300, 1e7), run(1, 5e7, 'other')];
  const history = historyOf(runs, ['ttft'], 1);
  t.is(history.groups.length, 2);
  t.regex(history.notes.join('\n'), /never pooled/);
  t.true(
    historyText(history)
      .split('\n')
      .every((line) => line.length <= 80),
  );
  t.deepEqual(historyOf(runs, ['decode'], 1).groups, []);
});
