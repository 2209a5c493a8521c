import test from 'ava';
import { tell, type TextStream } from '../src/wrap.js';

function streamOf(isTTY: boolean, columns?: number): TextStream & { readonly written: () => string } {
  let text = '';
  return { isTTY, columns, write: (more: string) => (text += more), written: () => text };
}

const message = `weighbridge: ${'a word '.repeat(30)}/a/path/that/is/longer/than/a/line/of/sixty/columns/and/must/be/copied/whole`;

test('a message is broken to the width of a terminal, its paths left whole', (t) => {
  for (const columns of [60, 80]) {
    const terminal = streamOf(true, columns);
    tell(terminal, message);
    const lines = terminal.written().trimEnd().split('\n');
    t.true(lines.length > 3);
    for (const line of lines) t.true(line.length <= columns || line.startsWith('/a/path'), line);
    t.true(lines.at(-1)?.endsWith('copied/whole'));
    t.is(lines.join(' '), message);
  }
});

test('where there is no terminal a message is one line', (t) => {
  const file = streamOf(false);
  tell(file, message);
  t.is(file.written(), `${message}\n`);
});
