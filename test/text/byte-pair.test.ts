import { join } from 'node:path';
import test from 'ava';
import { reasonOf } from '../../src/failure.js';
import { native, type MetadataValue, type ModelInfo } from '../../src/native.js';
import { StreamDecoder } from '../../src/text/stream-decoder.js';
import { openTokenizer, type Tokenizer } from '../../src/text/tokenizer.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { idsOfLongText, idsOfTexts, longText, texts } from './byte-level-cases.js';
import { byteLevelVocabulary, specialIds, writeByteLevelModel } from './byte-level-model.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const path = join(folder, 'byte-level.gguf');
test.before(async () => {
  await writeByteLevelModel(path, 'llama-bpe');
});

/** The model with some of its `tokenizer.ggml` changed; undefined takes a key away. */
function changed(changes: Readonly<Record<string, MetadataValue | undefined>>): ModelInfo {
  const info = native().inspect(path, { arrays: true, digest: false });
  const named = Object.entries(changes).map(([name, value]) => [`tokenizer.ggml.${name}`, value] as const);
  const kept = info.metadata.filter(({ key }) => !named.some(([name]) => name === key));
  const added = named.flatMap(([key, value]) => (value === undefined ? [] : [{ key, type: '', value }]));
  return { ...info, metadata: [...kept, ...added] };
}

const strings = (elements: readonly string[]): MetadataValue => ({
  arrayOf: 'string',
  count: elements.length,
  elements,
});

const open = (changes: Readonly<Record<string, MetadataValue | undefined>> = {}): Promise<Tokenizer> =>
  openTokenizer(changed(changes));

function decodeAll(tokenizer: Tokenizer, ids: readonly number[]): string {
  const decoder = new StreamDecoder(tokenizer);
  return ids.map((id) => decoder.push(id)).join('') + decoder.end();
}

for (const [pre, expected] of Object.entries(idsOfTexts)) {
  test(`texts become the tokens that llama.cpp makes of them, and come back: ${pre}`, async (t) => {
    const tokenizer = await open({ pre });
    texts.forEach((text, i) => {
      t.deepEqual(tokenizer.encode(text), expected[i], JSON.stringify(text));
      const spoken = text.replaceAll(/<\|begin_of_text\|>|<\|start\|>user|<\|eot_id\|>|<\/s>/g, '');
      t.is(decodeAll(tokenizer, expected[i]!), spoken);
    });
  });
}

test('each pre-tokenizer cuts words as llama.cpp does', async (t) => {
  for (const [pre, ids] of Object.entries(idsOfLongText)) {
    t.deepEqual((await open({ pre })).encode(longText), ids, pre);
  }
  t.is(new Set(Object.values(idsOfLongText).map(String)).size, Object.keys(idsOfLongText).length);
});

test('a file that names no pre-tokenizer has the one that llama.cpp takes then', async (t) => {
  t.deepEqual((await open({ pre: undefined })).encode(longText), idsOfLongText['default']);
});

test('a pre-tokenizer that is not known is unsupported and named, never guessed', async (t) => {
  for (const pre of ['llama-bpe2', 'constructor', 'qwen2 llama3', ' ']) {
    const reason = reasonOf(await t.throwsAsync(() => open({ pre })));
    t.is(reason?.code, 'unsupported-tokenizer');
    t.true(reason!.message.includes(`"${pre}"`), reason!.message);
  }
});

test('characters newer than the tables of llama.cpp make the tokens that they make there', async (t) => {
  // A letter and a digit of Unicode 16 (Garay) cut a word in two, and are no number.
  const tokenizer = await open({ pre: 'qwen2' });
  const alone = tokenizer.encode('loading');
  const bytes = (text: string): number[] => [...Buffer.from(text, 'utf8')];
  t.deepEqual(tokenizer.encode('loading\u{10d50}'), [...alone, ...bytes('\u{10d50}')]);
  t.deepEqual(tokenizer.encode('!\u{10d41}').slice(-4), bytes('\u{10d41}'));
});

test('BOS and EOS are added where the model asks for them', async (t) => {
  const plain = await open({ pre: 'gpt-2' });
  t.is(plain.bos, specialIds.get('<|begin_of_text|>')!);
  const ids = plain.encode('time');
  const both = await open({ pre: 'gpt-2', add_bos_token: true, add_eos_token: true });
  t.deepEqual(both.encode('time'), [plain.bos, ...ids, specialIds.get('<|end_of_text|>')]);
  t.deepEqual((await open({ add_bos_token: false })).encode('time'), ids);
});

test('tokens that end a text are found by metadata and by their texts', async (t) => {
  const { ends } = await open();
  t.deepEqual(
    [...ends].sort((a, b) => a - b),
    ['<|end_of_text|>', '<|eot_id|>', '</s>'].map((text) => specialIds.get(text)),
  );
  t.true((await open({ eot_token_id: 300 })).ends.has(300));
  t.false((await open({ eot_token_id: 100_000 })).ends.has(100_000));
});

test('in vocabularies of the harmony format the end of a message does not end the answer', async (t) => {
  const { tokens } = byteLevelVocabulary();
  const renamed = (...texts: readonly string[]): MetadataValue =>
    strings(tokens.map((text, id) => texts[id - 300] ?? text));
  const merges = { merges: strings(['h e']) };
  t.true((await open({ ...merges, tokens: renamed('<|end|>') })).ends.has(300));
  const harmony = await open({ ...merges, tokens: renamed('<|end|>', '<|return|>', '<|call|>') });
  t.deepEqual(
    [300, 301, 302].map((id) => harmony.ends.has(id)),
    [false, true, true],
  );
});

test('a character is given out once all of its bytes are there', async (t) => {
  const tokenizer = await open();
  const decoder = new StreamDecoder(tokenizer);
  t.deepEqual(
    [...Buffer.from('é😀', 'utf8')].map((byte) => decoder.push(byte)),
    ['', 'é', '', '', '', '😀'],
  );
});

test('lone surrogates become U+FFFD', async (t) => {
  const tokenizer = await open();
  t.deepEqual(tokenizer.encode('a\ud800 \udc00'), tokenizer.encode('a\ufffd \ufffd'));
});

test('bytes without a token are left out, as llama.cpp leaves them out', async (t) => {
  const { tokens } = byteLevelVocabulary();
  const tokenizer = await open({ tokens: strings(tokens.map((text, id) => (id === 1 ? '[gone]' : text))) });
  t.deepEqual(tokenizer.encode('a\u0001b'), [...(await open()).encode('a'), 0x62]);
});

test('a vocabulary that contradicts itself is malformed, and the line says where', async (t) => {
  const { tokens, merges } = byteLevelVocabulary();
  const bad: readonly (readonly [Readonly<Record<string, MetadataValue | undefined>>, RegExp])[] = [
    [{ merges: undefined }, /merges is not there/],
    [{ merges: strings([]) }, /merges is not there/],
    [{ merges: 'h e' }, /merges is not an array/],
    [{ merges: { arrayOf: 'uint32', count: 1, elements: [1] } }, /merges is not an array of strings/],
    [{ merges: { arrayOf: 'string', count: 1e9, elements: null } }, /merges is not an array of usual size/],
    [{ merges: strings([...merges, 'zq zq']) }, /"zq zq", but "zq" is no token/],
    [{ merges: strings([...merges, 'z q']) }, /"z q", but "zq" is no token/],
    [{ merges: strings(['he']) }, /"he", which is no pair/],
    [{ tokens: strings(tokens.map((text, id) => (id === 9 ? '!' : text))) }, /"!" twice, as 9 and 33/],
    [{ tokens: undefined }, /tokens is not there/],
    [{ pre: 3 }, /pre is not a string/],
    [{ add_bos_token: 1 }, /add_bos_token is not true or false/],
    [{ token_type: { arrayOf: 'int32', count: 1, elements: [1] } }, /token_type is not an array of 512 numbers/],
  ];
  for (const [changes, complaint] of bad) {
    const reason = reasonOf(await t.throwsAsync(() => open(changes)));
    t.is(reason?.code, 'malformed');
    t.regex(reason!.message, complaint);
  }
});

test('the first of equal merges counts', async (t) => {
  const { merges } = byteLevelVocabulary();
  const again = await open({ merges: strings([...merges, merges[0]!]) });
  t.deepEqual(again.encode(longText), (await open()).encode(longText));
});

test('the time for long texts does not grow with their square: words, one word, space, special tokens', async (t) => {
  // Processor time: other processes do not count.
  for (const pre of ['llama-bpe', 'deepseek-llm']) {
    const tokenizer = await open({ pre });
    const time = (text: string): number => {
      const start = process.cpuUsage();
      tokenizer.encode(text);
      return process.cpuUsage(start).user;
    };
    for (const text of ['loading time ', 'A', '       ', '<tool></s>', '1']) {
      const least = (size: number): number =>
        Math.min(...[0, 1].map(() => time(`${text.repeat(Math.ceil(size / text.length))}1`)));
      const small = least(32_000);
      const large = least(256_000);
      // A square would take 64 times as long. Below some milliseconds the compiler's own work decides.
      t.true(
        large < 40 * Math.max(small, 3000),
        `${pre}, ${JSON.stringify(text)}: 8 times the text took ${(large / small).toFixed(1)} times as long`,
      );
    }
  }
});
