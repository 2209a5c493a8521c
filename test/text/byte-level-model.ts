/**
 * A model of tiny's shape with a made-up byte-level BPE vocabulary of 512 tokens: the 256 bytes, the merges that a small
 * text teaches, and special tokens. Deterministic, and it opens in llama.cpp.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { native, type MetadataValue } from '../../src/native.js';
import { writeHeader, type HeaderValue } from '../../src/synthetic/gguf-writer.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';

/** Token types as llama.cpp numbers them. */
const [normal, control, userDefined] = [1, 3, 4];

const special: readonly (readonly [text: string, type: number])[] = [
  ['<|begin_of_text|>', control],
  ['<|end_of_text|>', control],
  ['<|eot_id|>', control],
  ['<|start|>', control],
  ['<|start|>user', control],
  ['<tool>', userDefined],
  ['\n\n\n', userDefined],
  // Not said to be a control token, and one all the same.
  ['</s>', normal],
];
const size = 512;

const lessons =
  'a123 b123 c123 d1234 e\u0301a e\u0301b e\u0301c `a` `b` `c` `` `` x!\n y!\n z!\n ' +
  "Hello hello world, the weights of the model don't we'll I'M they're it's 12 123 1234 2023 10000 naïve café 日本語 " +
  'Привет мир 😀 🙂 code: for (int i = 0; i < 10; i++) { return; } camelCase HTMLParser end.\n\n\tnew   line\r\n...!!! ' +
  'loading loads loaded the the and and in in of to once upon a time there was a time which weighs memory against ' +
  'speed, mapping pages without copying bytes; warm caches answer quickly while cold disks make everybody wait long';

/** The printable characters that stand for bytes, by byte. */
function alphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte < 0xad) || byte > 0xad;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** Byte pair encoding as it is taught: the most frequent pair becomes a token, the first of equals. */
function learn(text: string, count: number): [string, string][] {
  const characters = alphabet();
  let words = (text.match(/ ?[^ ]+| +/g) ?? []).map((word) =>
    Array.from(Buffer.from(word, 'utf8'), (byte) => characters[byte]!),
  );
  const made = new Set(characters);
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const pairs = new Map<string, number>();
    for (const word of words) {
      for (let i = 1; i < word.length; i += 1) {
        const pair = `${word[i - 1]!} ${word[i]!}`;
        if (!made.has(word[i - 1]! + word[i]!)) pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...pairs].reduce((a, b) => (b[1] > a[1] ? b : a));
    const [left, right] = best.split(' ') as [string, string];
    merges.push([left, right]);
    made.add(left + right);
    words = words.map((word) => {
      const merged: string[] = [];
      for (const piece of word) {
        if (merged.at(-1) === left && piece === right) merged[merged.length - 1] = left + right;
        else merged.push(piece);
      }
      return merged;
    });
  }
  return merges;
}

export interface ByteLevelVocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[];
}

export function byteLevelVocabulary(): ByteLevelVocabulary {
  const merges = learn(lessons, size - 256 - special.length);
  const pieces = [...alphabet(), ...merges.map((pair) => pair.join(''))];
  return {
    tokens: [...pieces, ...special.map(([text]) => text)],
    types: [...pieces.map(() => normal), ...special.map(([, type]) => type)],
    merges: merges.map((pair) => pair.join(' ')),
  };
}

/** Ids of the special tokens by text. */
export const specialIds: ReadonlyMap<string, number> = new Map(
  special.map(([text], index) => [text, size - special.length + index]),
);

const ggmlTypes: Readonly<Record<string, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 8 };

function headerValue(type: string, value: MetadataValue): HeaderValue {
  if (typeof value === 'string') return { type: 'string', value };
  return { type: type === 'float32' ? 'f32' : 'u32', value: Number(value) };
}

/** Writes the model; `pre` names the pre-tokenizer. */
export async function writeByteLevelModel(path: string, pre: string): Promise<void> {
  await generateModel({ out: path, shape: 'tiny', type: 'q8_0', seed: 1, split: 1 });
  const { metadata, tensors, parts, alignment } = native().inspect(path, { arrays: false, digest: false });
  const data = readFileSync(path).subarray(parts[0]!.dataOffset);
  const kept = metadata.filter(({ key }) => !key.startsWith('tokenizer.'));
  const { tokens, types, merges } = byteLevelVocabulary();
  const header = writeHeader(
    [
      ...kept.map(({ key, type, value }): [string, HeaderValue] => [key, headerValue(type, value)]),
      ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
      ['tokenizer.ggml.pre', { type: 'string', value: pre }],
      ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
      ['tokenizer.ggml.token_type', { type: 'i32s', value: types }],
      ['tokenizer.ggml.merges', { type: 'strings', value: merges }],
      ['tokenizer.ggml.bos_token_id', { type: 'u32', value: specialIds.get('<|begin_of_text|>')! }],
      ['tokenizer.ggml.eos_token_id', { type: 'u32', value: specialIds.get('<|end_of_text|>')! }],
    ],
    tensors.map(({ name, shape, type, offset }) => ({
      name,
      shape,
      type: ggmlTypes[type]!,
      offset: offset - parts[0]!.dataOffset,
    })),
    alignment,
  );
  writeFileSync(path, Buffer.concat([header, data]));
}
