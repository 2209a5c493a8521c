/**
 * Byte-level BPE vocabularies (`tokenizer.ggml.model` "gpt2"): words are cut out of the text by the model's rules,
 * their bytes written in the byte-level alphabet, and pairs of pieces merged by rank.
 */
import * as library from '@huggingface/tokenizers';
import { fromByteLevel, toByteLevel } from './byte-level.js';
import { preTokenizer, type PreTokenizer } from './pre-tokenizers.js';
import type { TokenizerMetadata } from './tokenizer-metadata.js';
import type { TokenModel } from './tokenizer.js';
import { Vocabulary } from './vocabulary.js';

/** What is used of the library, whose own declarations do not resolve as ES modules. */
interface Merger {
  tokens_to_ids: ReadonlyMap<string, number>;
  /** The pieces of each word, in turn; those that are no tokens are left out. */
  encode(words: readonly string[]): string[];
}
const { BPE } = library as unknown as {
  readonly BPE: new (config: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
    readonly ignore_merges: boolean;
  }) => Merger;
};

class BytePair implements TokenModel {
  readonly addsSpacePrefix = false;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pre: PreTokenizer;
  readonly #merger: Merger;

  constructor(ids: ReadonlyMap<string, number>, merges: readonly [string, string][], pre: PreTokenizer) {
    this.#ids = ids;
    this.#pre = pre;
    // The tokens go in as the map that is there: as an object of 128,000 names they would take half a second more.
    this.#merger = new BPE({ vocab: {}, merges, ignore_merges: pre.ignoresMerges });
    this.#merger.tokens_to_ids = ids;
  }

  /** Bytes for which the vocabulary has no token are left out, as llama.cpp leaves them out. */
  encode(text: string, _begins: boolean, ids: number[]): void {
    for (const piece of this.#merger.encode(this.#pre.split(text).map(toByteLevel))) {
      ids.push(this.#ids.get(piece) as number);
    }
  }

  bytes(text: string): Buffer {
    return fromByteLevel(text);
  }
}

/** Throws where a merge is of, or makes, something that is no token. The first of equal merges counts. */
function checkedMerges(read: TokenizerMetadata, ids: ReadonlyMap<string, number>): [string, string][] {
  return [...new Set(read.strings('merges'))].map((merge) => {
    const middle = merge.indexOf(' ', 1);
    if (middle < 0) throw read.malformed('merges', `has ${JSON.stringify(merge)}, which is no pair`);
    const left = merge.slice(0, middle);
    const right = merge.slice(middle + 1);
    if (ids.has(left) && ids.has(right) && ids.has(left + right)) return [left, right];
    const unknown = [left, right].find((piece) => !ids.has(piece)) ?? left + right;
    throw read.malformed('merges', `has ${JSON.stringify(merge)}, but ${JSON.stringify(unknown)} is no token`);
  });
}

export function openBytePair(read: TokenizerMetadata): { readonly vocabulary: Vocabulary; readonly model: TokenModel } {
  // llama.cpp takes its default where the file names none.
  const name = read.string('pre') ?? '';
  const pre = preTokenizer(name === '' ? 'default' : name);
  if (pre === undefined) throw read.unsupported(`the pre-tokenizer "${name}" (tokenizer.ggml.pre) is not supported`);
  const vocabulary = new Vocabulary(read, { bos: pre.bos, eos: 11, unknown: null, addBos: pre.addsBos });
  return { vocabulary, model: new BytePair(vocabulary.ids, checkedMerges(read, vocabulary.ids), pre) };
}
