import test from 'ava';
import { textWidth, wrap } from '../../reports/text-layout.js';
import { wrap as wrapForCommands } from '../../src/wrap.js';

const wide = '載入 器寬 模型 載入 器寬 模型';

test('lines are measured in columns, of which wide characters take two, in reports and commands alike', (t) => {
  for (const lines of [wrap(wide, 12), wrapForCommands(wide, 14, '  ').split('\n')]) {
    t.true(lines.length > 1);
    for (const line of lines) t.true(textWidth(line) <= 14, line);
    t.is(lines.map((line) => line.trim()).join(' '), wide);
  }
});

test('commands keep a long path whole, so that it can be copied; reports keep to the width', (t) => {
  const path = `/models/${'deep/'.repeat(10)}model.gguf`;
  t.true(wrapForCommands(`see ${path} for more`, 30).split('\n').includes(path));
  t.true(wrap(`see ${path} for more`, 30).every((line) => textWidth(line) <= 30));
});

test('the first line of a command text has its own margin', (t) => {
  t.is(wrapForCommands('one two\n three', 9, '    ', '  - '), '  - one\n    two\n    three');
  t.is(wrapForCommands('', 9, '  ', '- '), '- ');
});
