import test from 'ava';
import { splitWords } from '../src/command-words.js';

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['llama-completion -m {model} -n 1', ['llama-completion', '-m', '{model}', '-n', '1']],
  ['  spaces \t and\nlines  ', ['spaces', 'and', 'lines']],
  ["single 'quotes keep \\ and \" and $HOME'", ['single', 'quotes keep \\ and " and $HOME']],
  ['double "quotes keep \' and \\n"', ['double', "quotes keep ' and \\n"]],
  ['double "unquote \\" \\\\ \\$ \\`"', ['double', 'unquote " \\ $ `']],
  ['backslash\\ space \\"bare\\" \\\'', ['backslash space', '"bare"', "'"]],
  ['joined"in "one\' word\'', ['joinedin one word']],
  ['empty \'\' words ""', ['empty', '', 'words', '']],
  ['continued\\\nline "and \\\nquoted"', ['continuedline', 'and quoted']],
  ['globs *.gguf a? [ab] ~/x stay', ['globs', '*.gguf', 'a?', '[ab]', '~/x', 'stay']],
  ['operators \'|\' \\& "<" stay', ['operators', '|', '&', '<', 'stay']],
  ['--pattern=\'(\\d+) t/s\' "({model})"', ['--pattern=(\\d+) t/s', '({model})']],
  ['naïve 日本 \\é', ['naïve', '日本', 'é']],
  ['', []],
];

for (const [text, words] of cases) {
  test(`${JSON.stringify(text)} is ${words.length} words`, (t) => {
    t.deepEqual(splitWords('here', text), words);
  });
}

const refused: readonly (readonly [string, RegExp])[] = [
  ["an 'open quote", /^here: a ' is not closed$/],
  ['an "open quote', /^here: a " is not closed$/],
  ['a backslash at the end \\', /backslash/],
  ['cat $MODEL', /no shell runs it, so \$ has no meaning/],
  ['cat "$MODEL"', /\$ has no meaning/],
  ['cat `which x`', /` has no meaning/],
  ['cat {model} | wc', /\| has no meaning/],
  ['cat {model} > /dev/null', /> has no meaning/],
  ['a && b', /& has no meaning/],
  ['(a)', /\( has no meaning/],
];

for (const [text, expected] of refused) {
  test(`${text} is refused rather than passed on`, (t) => {
    t.throws(() => splitWords('here', text), { name: 'UsageError', message: expected });
  });
}
