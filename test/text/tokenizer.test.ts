import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { reasonOf } from '../../src/failure.js';
import { native, type MetadataValue, type ModelInfo } from '../../src/native.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { StreamDecoder } from '../../src/text/stream-decoder.js';
import { openTokenizer, type Tokenizer } from '../../src/text/tokenizer.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const synthetic = join(folder, 'tiny.gguf');
test.before(async () => {
  await generateModel({ out: synthetic, shape: 'tiny', type: 'q4_0', seed: 1, split: 1 });
});

const open = (path: string): Promise<Tokenizer> =>
  openTokenizer(native().inspect(path, { arrays: true, digest: false }));

function decodeAll(tokenizer: Tokenizer, ids: readonly number[]): string {
  const decoder = new StreamDecoder(tokenizer);
  return ids.map((id) => decoder.push(id)).join('') + decoder.end();
}

type Case = readonly [text: string, ids: readonly number[]];

// Token ids of llama_tokenize() of llama.cpp v0.5.0 (add_special, parse_special) for the same models.
const syntheticCases: readonly Case[] = [
  ['', [1]],
  [' ', [1, 259, 259]],
  ['Once upon a time', [1, 259, 306, 337, 326, 328, 259, 344, 406, 337, 259, 324, 259, 420, 394]],
  ['two  spaces   three', [1, 259, 343, 431, 259, 259, 342, 403, 326, 328, 342, 259, 259, 259, 356, 409, 328]],
  [
    ' leading and trailing ',
    [1, 259, 489, 324, 365, 337, 330, 259, 324, 337, 327, 259, 343, 408, 332, 390, 337, 330, 259],
  ],
  ['lines\n\nand\ttabs', [1, 490, 399, 342, 13, 13, 324, 337, 327, 12, 418, 325, 342]],
  ['naïve café', [1, 498, 198, 178, 424, 259, 326, 324, 329, 198, 172]],
  ['😀 👩‍👧', [1, 259, 243, 162, 155, 131, 259, 243, 162, 148, 172, 229, 131, 144, 243, 162, 148, 170]],
  [
    '日本語 Привет',
    [
      1, 259, 233, 154, 168, 233, 159, 175, 235, 173, 161, 259, 211, 162, 212, 131, 211, 187, 211, 181, 211, 184, 212,
      133,
    ],
  ],
  ['▁visible', [1, 259, 259, 425, 415, 325, 389]],
  ['bada shigo chunesthe kami', [1, 458, 363, 259, 445, 376, 259, 442, 399, 342, 449, 483, 395]],
];
/** Its special tokens are spelled out, and decode to nothing. */
const specialCase: Case = [
  '<s>control</s><0x41> ka <unk>ka',
  [1, 1, 259, 326, 338, 337, 343, 411, 335, 2, 259, 287, 275, 347, 279, 276, 289, 483, 259, 0, 483],
];
const storiesCases: readonly Case[] = [
  ['', [1]],
  [' ', [1, 410, 410]],
  ['Once upon a time', [1, 403, 407, 261, 378]],
  ['two  spaces   three', [1, 259, 424, 414, 410, 262, 427, 412, 331, 419, 410, 410, 308, 276, 411]],
  [' leading and trailing ', [1, 410, 278, 411, 380, 299, 269, 259, 420, 412, 290, 299, 410]],
  ['lines\n\nand\ttabs', [1, 278, 271, 406, 13, 13, 412, 264, 12, 413, 412, 430, 419]],
  ['naïve café', [1, 297, 412, 198, 178, 360, 280, 412, 431, 485]],
  ['😀 👩‍👧', [1, 410, 243, 162, 155, 131, 410, 243, 162, 148, 172, 229, 131, 144, 243, 162, 148, 170]],
  [
    '日本語 Привет',
    [
      1, 410, 233, 154, 168, 233, 159, 175, 235, 173, 161, 410, 211, 162, 212, 131, 211, 187, 211, 181, 211, 184, 212,
      133,
    ],
  ],
  ['▁visible', [1, 410, 410, 435, 293, 417, 430, 305]],
  ['bada shigo chunesthe kami', [1, 268, 380, 412, 262, 415, 333, 414, 280, 415, 379, 411, 356, 260, 409, 314, 417]],
];

function checkCases(
  t: { readonly deepEqual: (a: unknown, b: unknown, message: string) => unknown },
  tokenizer: Tokenizer,
  cases: readonly Case[],
): void {
  for (const [text, ids] of cases) {
    t.deepEqual(tokenizer.encode(text), ids, text);
    t.deepEqual(decodeAll(tokenizer, ids), text.replaceAll('\u2581', ' '), text);
  }
}

test('texts become the tokens that llama.cpp makes of them, and come back, with a synthetic vocabulary', async (t) => {
  checkCases(t, await open(synthetic), syntheticCases);
});

test('special tokens that are spelled out in a text are those tokens, and a space follows them', async (t) => {
  const tokenizer = await open(synthetic);
  const [text, ids] = specialCase;
  t.deepEqual(tokenizer.encode(text), ids);
  t.is(decodeAll(tokenizer, ids), 'control <0x41> ka  ka');
});

test('texts become the tokens that llama.cpp makes of them, and come back, with a trained vocabulary', async (t) => {
  const models = process.env['WEIGHBRIDGE_TEST_MODELS'];
  const path = models === undefined ? '' : join(models, 'stories260K.gguf');
  if (!existsSync(path)) {
    t.log('skipped: WEIGHBRIDGE_TEST_MODELS names no folder with stories260K.gguf');
    t.pass();
    return;
  }
  checkCases(t, await open(path), storiesCases);
});

test('a character is given out once all of its bytes are there', async (t) => {
  const tokenizer = await open(synthetic);
  const decoder = new StreamDecoder(tokenizer);
  // Byte tokens follow <unk>, <s> and </s>.
  const pushed = [...Buffer.from('é😀', 'utf8')].map((byte) => decoder.push(byte + 3));
  t.deepEqual(pushed, ['', 'é', '', '', '', '😀']);
  t.is(decoder.push(0xc3 + 3), '');
  t.is(decoder.end(), '\ufffd');
});

test('control tokens have no text, and lone surrogates become U+FFFD', async (t) => {
  const tokenizer = await open(synthetic);
  t.is(decodeAll(tokenizer, [1, 0, 2]), '');
  t.deepEqual(tokenizer.encode('\ud800'), tokenizer.encode('\ufffd'));
});

/** The synthetic model with some of its metadata changed; undefined takes a key away. */
function changed(changes: Readonly<Record<string, MetadataValue | undefined>>): ModelInfo {
  const info = native().inspect(synthetic, { arrays: true, digest: false });
  const kept = info.metadata.filter(({ key }) => !(key in changes));
  const added = Object.entries(changes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, type: '', value }],
  );
  return { ...info, metadata: [...kept, ...added] };
}

test('BOS, EOS and the space in front are added where the model asks for them', async (t) => {
  const plain = (await open(synthetic)).encode('ka');
  const bare = changed({ 'tokenizer.ggml.add_bos_token': false, 'tokenizer.ggml.add_eos_token': true });
  t.deepEqual((await openTokenizer(bare)).encode('ka'), [...plain.slice(1), 2]);
  const unprefixed = await openTokenizer(changed({ 'tokenizer.ggml.add_space_prefix': false }));
  t.is(unprefixed.encode('ka').length, 2);
  t.not(unprefixed.encode('ka')[1], plain[1]);
  t.is(decodeAll(unprefixed, unprefixed.encode(' ka')), ' ka');
});

test('user-defined tokens are cut out of the text first, the longest before the shorter', async (t) => {
  const tokens = await open(synthetic);
  const info = changed({});
  const types = info.metadata.find(({ key }) => key === 'tokenizer.ggml.token_type')!.value as unknown as {
    elements: number[];
  };
  const [ka] = tokens.encode('ka').slice(1);
  const userDefined = types.elements.map((type, id) => (id === ka ? 4 : type));
  const tokenizer = await openTokenizer(
    changed({ 'tokenizer.ggml.token_type': { arrayOf: 'int32', count: 512, elements: userDefined } }),
  );
  t.deepEqual(tokenizer.encode('\u2581ka').slice(0, 2), [1, ka]);
});

test('another kind of tokenizer is unsupported, a broken one malformed', async (t) => {
  const codeOf = async (changes: Readonly<Record<string, MetadataValue | undefined>>): Promise<string | undefined> =>
    reasonOf(await t.throwsAsync(() => openTokenizer(changed(changes))))?.code;
  const tokens = changed({}).metadata.find(({ key }) => key === 'tokenizer.ggml.tokens')!.value;
  const twice = (tokens as unknown as { elements: string[] }).elements.map((text, id) => (id === 300 ? '<s>' : text));
  t.is(await codeOf({ 'tokenizer.ggml.model': 'bert' }), 'unsupported-tokenizer');
  t.is(await codeOf({ 'tokenizer.ggml.model': undefined }), 'unsupported-tokenizer');
  t.is(await codeOf({ 'tokenizer.ggml.model': 1 }), 'malformed');
  t.is(await codeOf({ 'tokenizer.ggml.tokens': undefined }), 'malformed');
  t.is(await codeOf({ 'tokenizer.ggml.tokens': { arrayOf: 'string', count: 512, elements: twice } }), 'malformed');
  t.is(await codeOf({ 'tokenizer.ggml.scores': { arrayOf: 'float32', count: 1, elements: [0] } }), 'malformed');
  t.is(await codeOf({ 'tokenizer.ggml.bos_token_id': 'one' }), 'malformed');
});

test('the time for long texts does not grow with their square, with words and without', async (t) => {
  const tokenizer = await open(synthetic);
  // Processor time: other processes do not count.
  const time = (text: string): number => {
    const start = process.cpuUsage();
    tokenizer.encode(text);
    return process.cpuUsage(start).user;
  };
  for (const text of ['ka shi ', 'kashi']) {
    time(text.repeat(2000));
    const small = Math.min(...[0, 1, 2].map(() => time(text.repeat(4000))));
    const large = Math.min(...[0, 1, 2].map(() => time(text.repeat(64000))));
    t.true(large < 100 * small, `16 times the text took ${(large / small).toFixed(1)} times as long`);
  }
});
