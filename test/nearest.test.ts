import test from 'ava';
import { nearest } from '../src/nearest.js';

const LOADERS = ['null', 'read', 'read-thp', 'stdio', 'mmap-shared', 'mmap-shared-populate', 'mmap-private'];

test('a few slips of typing are forgiven, by how long the word is', (t) => {
  for (const [word, meant] of [
    ['raed', 'read'],
    ['Stdio', 'stdio'],
    ['mmap-shraed', 'mmap-shared'],
    ['mmap_shared', 'mmap-shared'],
    ['mmap-private-', 'mmap-private'],
    ['mmap-sahred-popluate', 'mmap-shared-populate'],
  ] as const) {
    t.is(nearest(word, LOADERS), meant, word);
  }
});

test('a beginning is that of the shortest that has it', (t) => {
  t.is(nearest('mmap', LOADERS), 'mmap-shared');
  t.is(nearest('mmap-p', LOADERS), 'mmap-private');
});

test('what is like nothing is nothing', (t) => {
  for (const word of ['', 'x', 'rd', 'telepathy', 'mm']) t.is(nearest(word, LOADERS), null, word);
  t.is(nearest('read', []), null);
});
