/**
 * Text to tokens and back for the vocabularies that GGUF files hold, with the token ids that `llama_tokenize()` of
 * llama.cpp gives when it adds and parses special tokens.
 */
import type { ModelInfo } from '../native.js';
import { SentencePiece } from './sentencepiece.js';
import { SpecialTokens } from './special-tokens.js';
import { TokenizerMetadata } from './tokenizer-metadata.js';
import { Vocabulary, tokenType } from './vocabulary.js';

/** How a kind of vocabulary splits text, and what its pieces stand for. */
export interface TokenModel {
  /** Whether encoding puts a space before a text, which decoding then takes away. */
  readonly addsSpacePrefix: boolean;
  /** Appends the tokens of `text`, in which no special tokens are left. `begins`: nothing or a special token precedes. */
  encode(text: string, begins: boolean, ids: number[]): void;
  /** The bytes that the text of a normal token stands for. */
  bytes(text: string): Buffer;
}

const loneSurrogates = /\p{Surrogate}/gu;

/** Tokens of Phi-3 models that, unlike the others, leave the white space after them alone. */
const phi3KeepsSpace: readonly string[] = ['<unk>', '<s>', '<|endoftext|>'];

export class Tokenizer {
  readonly #vocabulary: Vocabulary;
  readonly #model: TokenModel;
  readonly #special: SpecialTokens;

  constructor(vocabulary: Vocabulary, model: TokenModel, modelName: string) {
    this.#vocabulary = vocabulary;
    this.#model = model;
    const phi3 = /phi-?3/.test(modelName);
    this.#special = new SpecialTokens(vocabulary, (text) => phi3 && !phi3KeepsSpace.includes(text));
  }

  get size(): number {
    return this.#vocabulary.size;
  }

  get bos(): number | null {
    return this.#vocabulary.bos;
  }

  /** Tokens that end a text. */
  get ends(): ReadonlySet<number> {
    return this.#vocabulary.ends;
  }

  get addsSpacePrefix(): boolean {
    return this.#model.addsSpacePrefix;
  }

  /**
   * Token ids, with BOS and EOS where the model asks for them; special tokens that are spelled out in the text are
   * those tokens. Lone surrogates become U+FFFD. Time grows with n log n.
   */
  encode(text: string): number[] {
    const { addBos, bos, addEos, eos } = this.#vocabulary;
    const ids: number[] = [];
    if (addBos && bos !== null) ids.push(bos);
    let begins = true;
    for (const fragment of this.#special.split(text.replace(loneSurrogates, '\ufffd'))) {
      if (typeof fragment === 'number') ids.push(fragment);
      else this.#model.encode(fragment, begins, ids);
      begins = typeof fragment === 'number';
    }
    if (addEos && eos !== null) ids.push(eos);
    return ids;
  }

  /** The bytes that a token stands for; none for control and unused tokens. */
  bytes(id: number): Buffer {
    const text = this.#vocabulary.texts[id] ?? '';
    switch (this.#vocabulary.type(id)) {
      case tokenType.normal:
        return this.#model.bytes(text);
      case tokenType.userDefined:
        return Buffer.from(text, 'utf8');
      case tokenType.byte:
        return Buffer.from([Number.parseInt(text.slice(3, 5), 16) & 0xff]);
      default:
        return Buffer.alloc(0);
    }
  }

  /** The same, but a control token stands for its own text. */
  piece(id: number): Buffer {
    return this.#vocabulary.isControl(id) ? Buffer.from(this.#vocabulary.texts[id] ?? '', 'utf8') : this.bytes(id);
  }
}

/** `model` must have been inspected with `arrays: true`. Throws errors with code unsupported-tokenizer or malformed. */
export async function openTokenizer(model: ModelInfo): Promise<Tokenizer> {
  const read = new TokenizerMetadata(model);
  const kind = read.string('model');
  if (kind === 'llama') {
    const vocabulary = new Vocabulary(read, { bos: 1, eos: 2, unknown: 0, addBos: true });
    return new Tokenizer(vocabulary, new SentencePiece(vocabulary, read), read.modelName);
  }
  if (kind === 'gpt2') {
    // Loaded when there is such a vocabulary: other commands do not wait for its library.
    const { openBytePair } = await import('./byte-pair.js');
    const { vocabulary, model: bytePair } = openBytePair(read);
    return new Tokenizer(vocabulary, bytePair, read.modelName);
  }
  throw read.unsupported(
    kind === null
      ? 'the model has no tokenizer'
      : `the tokenizer "${kind}" is not supported; "llama" (SentencePiece) and "gpt2" (byte-level BPE) are`,
  );
}
