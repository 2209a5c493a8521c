import { join } from 'node:path';
import test from 'ava';
import { weighbridge } from '../command.js';
import { fixture, removeFolder, scratchFolder } from '../processes.js';
import { idsOfTexts, texts } from '../text/byte-level-cases.js';
import { specialIds, writeByteLevelModel } from '../text/byte-level-model.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const model = join(folder, 'byte-level.gguf');
test.before(async () => {
  await writeByteLevelModel(model, 'llama-bpe');
});

interface Tokenized {
  readonly tokens: readonly number[];
  readonly pieces: readonly (string | readonly number[])[];
}

test('--json prints the ids of llama.cpp and what each stands for', async (t) => {
  for (const i of [6, 7, 9]) {
    const text = texts[i]!;
    const { code, stdout } = await weighbridge(['tokenize', model, '-p', text, '--json']);
    t.is(code, 0);
    const { tokens, pieces } = JSON.parse(stdout) as Tokenized;
    t.deepEqual(tokens, idsOfTexts['llama-bpe']![i]);
    t.is(pieces.length, tokens.length);
    const bytes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece)));
    t.is(Buffer.concat(bytes).toString('utf8'), `<|begin_of_text|>${text}`);
  }
});

test('a SentencePiece vocabulary works as well', async (t) => {
  const { code, stdout } = await weighbridge(['tokenize', fixture('tiny-Q4_0.gguf'), '-p', 'a', '--json']);
  t.is(code, 0);
  t.is((JSON.parse(stdout) as Tokenized).tokens[0], 1);
});

test('for people there is a line a token, of at most 80 columns, with nothing that could steer a terminal', async (t) => {
  const { code, stdout } = await weighbridge(['tokenize', model, '-p', 'a\u001b[31m é\u{1f9ff}\n']);
  t.is(code, 0);
  const lines = stdout.trimEnd().split('\n');
  t.is(lines[0], `${specialIds.get('<|begin_of_text|>')!}  "<|begin_of_text|>"`);
  t.true(lines.includes(' 97  "a"') && lines.includes('195  \\xc3'), stdout);
  t.true(lines.every((line) => line.length <= 80 && /^ *\d+ {2}\S/.test(line)));
  t.notRegex(stdout, /[\u0000-\u0009\u000b-\u001f]/);
});

test('generate takes a byte-level vocabulary too', async (t) => {
  const { code, stdout } = await weighbridge(['generate', model, '-p', '<|start|>userHello world', '-n', '4']);
  t.is(code, 0);
  t.true(stdout.startsWith('Hello world') && stdout.endsWith('\n'), stdout);
});

test('bad input is one line and exit code 2', async (t) => {
  const unknown = join(folder, 'unknown.gguf');
  await writeByteLevelModel(unknown, 'martian');
  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [[unknown, '-p', 'a'], /unknown\.gguf: the pre-tokenizer "martian" \(tokenizer\.ggml\.pre\) is not supported/],
    [['/absent.gguf', '-p', 'a'], /absent\.gguf/],
    [[model], /prompt/],
  ];
  for (const [args, complaint] of bad) {
    const { code, stdout, stderr } = await weighbridge(['tokenize', ...args]);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
    t.regex(stderr, complaint);
  }
});
