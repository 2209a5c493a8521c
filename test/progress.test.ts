import test from 'ava';
import { progressLines } from '../src/progress.js';
import type { Cell } from '../src/plan/blocks.js';
import type { Progress } from '../src/samples/drive.js';
import { arm, reason, without } from './statistics/ledger-builder.js';

const cell: Cell = { arm: 'read', state: 'cold', memoryState: 'backed', load: 1 };
const progress: Progress = {
  ...{ blocksDone: 3, blocks: 12, pass: 'time', round: 1, rounds: 3, atMost: false, elapsedMs: 1000 },
  remainingMs: 34_000,
};
const failed = without(
  'failed',
  { arm: arm('read'), state: 'cold' },
  {
    ...reason('out-of-memory'),
    message: `the kernel killed it ${'again and '.repeat(12)}again`,
  },
);

function written(isTTY: boolean, columns: number): string {
  let text = '';
  const stream = { isTTY, columns, write: (more: string) => (text += more) };
  const listener = progressLines(stream, () => 'mmap-shared-hugepage-populate-read-pipelined');
  listener.note('no cold samples of /dev/shm/model.gguf: its file system is memory, and nothing of it can be evicted');
  listener.start(cell, progress);
  listener.sample(failed, progress);
  listener.finish();
  return text;
}

test('on a terminal the live line is cut behind what remains, and what stays is broken to the width', (t) => {
  for (const columns of [60, 80]) {
    const lines = written(true, columns).split(/\r\u001b\[K|\n/);
    for (const line of lines) t.true(line.length <= columns, line);
    const live = lines.find((line) => line.startsWith('round 1')) ?? '';
    t.regex(live, /^round 1 of 3, block 4 of 12, about 34 s left {2}mmap/);
    t.true(live.endsWith('…'));
    t.true(lines.filter((line) => line.includes('again and')).length > 1);
  }
});

test('where there is no terminal each message is one line', (t) => {
  const lines = written(false, 60).trimEnd().split('\n');
  t.is(lines.length, 3);
  t.regex(lines[0] ?? '', /^no cold samples .* evicted$/);
  t.regex(lines[1] ?? '', /^round 1 of 3, block 4 of 12, cold, about 34 s left$/);
  t.regex(lines[2] ?? '', /failed: the kernel killed it .* again$/);
});
