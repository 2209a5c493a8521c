/**
 * Text to tokens and back for SentencePiece-style GGUF vocabularies (`tokenizer.ggml.model` "llama"), with the results
 * of llama.cpp's SPM tokenizer: adjacent pieces are merged by score, and characters that form no piece become bytes.
 */
import { failWith } from '../failure.js';
import type { ModelInfo, MetadataValue } from '../native.js';
import { MergeQueue } from './merge-queue.js';

/** Token types as llama.cpp numbers them (`llama_token_type`). */
const type = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** U+2581 stands for a space within pieces. */
const visibleSpace = '\u2581';

/** Tokens that end an answer whatever the metadata says of them; llama.cpp goes by these texts too. */
const endTexts = [
  '</s>',
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|endoftext|>',
  '<end_of_turn>',
  '<|eom_id|>',
  '<EOT>',
];

/** Between words: where no piece reaches across, each word can be split by itself with the same result. */
const betweenWords = /(?<=[^\u2581])(?=\u2581)/u;

const loneSurrogates = /\p{Surrogate}/gu;

/** A fragment of a text: what is still to be split, or a user-defined token found in it. */
type Fragment = string | number;

export class Tokenizer {
  readonly size: number;
  readonly bos: number | null;
  /** Tokens that end a text. */
  readonly ends: ReadonlySet<number>;
  readonly #pieces: readonly string[];
  readonly #scores: readonly number[];
  readonly #types: readonly number[];
  readonly #ids = new Map<string, number>();
  /** By byte value. */
  readonly #byteTokens: readonly (number | undefined)[];
  readonly #userDefined: readonly (readonly [text: string, id: number])[];
  readonly #unknown: number | null;
  readonly #longestPiece: number;
  /** Whether some piece has a space after another character. */
  readonly #piecesCrossWords: boolean;
  readonly #addBos: boolean;
  readonly #addEos: boolean;
  readonly #addSpacePrefix: boolean;
  readonly #eos: number | null;

  /** `model` must have been inspected with `arrays: true`. Throws errors with code unsupported-tokenizer or malformed. */
  constructor(model: ModelInfo) {
    const read = new TokenizerMetadata(model);
    read.requireModel('llama');
    this.#pieces = read.strings('tokens');
    this.size = this.#pieces.length;
    this.#scores = read.numbers('scores', this.size, 0);
    this.#types = read.numbers('token_type', this.size, type.normal);
    this.bos = read.tokenId('bos_token_id', 1, this.size);
    this.#eos = read.tokenId('eos_token_id', 2, this.size);
    this.#unknown = read.tokenId('unknown_token_id', 0, this.size);
    const endOfTurn = read.tokenId('eot_token_id', null, this.size);
    this.#addBos = read.flag('add_bos_token', true);
    this.#addEos = read.flag('add_eos_token', false);
    this.#addSpacePrefix = read.flag('add_space_prefix', true);

    let longest = 0;
    const userDefined: [string, number][] = [];
    this.#pieces.forEach((piece, id) => {
      this.#ids.set(piece, id);
      longest = Math.max(longest, piece.length);
      const textual = piece !== '' && !endTexts.includes(piece);
      if (this.#types[id] === type.userDefined && textual) userDefined.push([piece, id]);
    });
    const named = endTexts.map((piece) => this.#ids.get(piece) ?? null);
    this.ends = new Set([this.#eos, endOfTurn, ...named].filter((id) => id !== null));
    this.#longestPiece = longest;
    this.#piecesCrossWords = this.#pieces.some((piece) => betweenWords.test(piece));
    this.#userDefined = userDefined.sort((a, b) => Buffer.byteLength(b[0]) - Buffer.byteLength(a[0]));
    this.#byteTokens = Array.from({ length: 256 }, (_, byte) => {
      const hexadecimal = byte.toString(16).toUpperCase().padStart(2, '0');
      return this.#ids.get(`<0x${hexadecimal}>`) ?? this.#ids.get(String.fromCharCode(byte));
    });
  }

  /**
   * Token ids, with BOS and EOS where the model asks for them. Control tokens that are spelled out in the text are
   * text. Lone surrogates become U+FFFD. Time grows with n log n.
   */
  encode(text: string): number[] {
    const ids: number[] = [];
    if (this.#addBos && this.bos !== null) ids.push(this.bos);
    let afterToken = true;
    for (const fragment of this.#fragments(text.replace(loneSurrogates, '\ufffd'))) {
      if (typeof fragment === 'number') {
        ids.push(fragment);
        afterToken = true;
      } else {
        const prefix = this.#addSpacePrefix && afterToken ? ' ' : '';
        const visible = (prefix + fragment).replaceAll(' ', visibleSpace);
        const words = this.#piecesCrossWords ? [visible] : visible.split(betweenWords);
        for (const word of words) this.#encodeWord(word, ids);
        afterToken = false;
      }
    }
    if (this.#addEos && this.#eos !== null) ids.push(this.#eos);
    return ids;
  }

  /** The bytes that a token stands for; none for control and unused tokens. */
  bytes(id: number): Buffer {
    const piece = this.#pieces[id];
    switch (this.#types[id] ?? type.unused) {
      case type.normal:
        return Buffer.from((piece ?? '').replaceAll(visibleSpace, ' '), 'utf8');
      case type.userDefined:
        return Buffer.from(piece ?? '', 'utf8');
      case type.byte:
        return Buffer.from([Number.parseInt((piece ?? '').slice(3, 5), 16) & 0xff]);
      default:
        return Buffer.alloc(0);
    }
  }

  /** Whether encoding puts a space before a text, which decoding then takes away. */
  get addsSpacePrefix(): boolean {
    return this.#addSpacePrefix;
  }

  /** User-defined tokens are cut out of the text before anything else, the longest first. */
  #fragments(text: string): Fragment[] {
    let fragments: Fragment[] = text === '' ? [] : [text];
    for (const [piece, id] of this.#userDefined) {
      fragments = fragments.flatMap((fragment) => {
        if (typeof fragment === 'number') return [fragment];
        return fragment
          .split(piece)
          .flatMap((rest, index): Fragment[] => (index === 0 ? [rest] : [id, rest]))
          .filter((part) => part !== '');
      });
    }
    return fragments;
  }

  #encodeWord(text: string, ids: number[]): void {
    // Symbols are a doubly linked list over `text`: where each begins, its length (0 once merged away), its neighbours.
    const starts: number[] = [];
    for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) starts.push(at);
    const count = starts.length;
    const start = Int32Array.from(starts);
    const length = Int32Array.from(starts, (at, i) => (starts[i + 1] ?? text.length) - at);
    const previous = Int32Array.from(starts, (_, i) => i - 1);
    const next = Int32Array.from(starts, (_, i) => (i + 1 < count ? i + 1 : -1));
    const at = (array: Int32Array, index: number): number => array[index] as number;

    const queue = new MergeQueue();
    const consider = (left: number, right: number): void => {
      if (left < 0 || right < 0) return;
      const size = at(length, left) + at(length, right);
      if (size > this.#longestPiece) return;
      const id = this.#ids.get(text.slice(at(start, left), at(start, left) + size));
      if (id !== undefined) queue.push({ left, right, size, score: this.#scores[id] as number });
    };
    for (let i = 1; i < count; i += 1) consider(i - 1, i);
    for (let merge = queue.pop(); merge !== undefined; merge = queue.pop()) {
      const { left, right, size } = merge;
      const stale = at(length, left) === 0 || at(length, right) === 0 || at(length, left) + at(length, right) !== size;
      if (stale) continue;
      length[left] = size;
      length[right] = 0;
      const after = at(next, right);
      next[left] = after;
      if (after >= 0) previous[after] = left;
      consider(at(previous, left), left);
      consider(left, after);
    }
    for (let i = count > 0 ? 0 : -1; i >= 0; i = at(next, i)) {
      const piece = text.slice(at(start, i), at(start, i) + at(length, i));
      const id = this.#ids.get(piece);
      if (id !== undefined) ids.push(id);
      else this.#encodeBytes(piece, ids);
    }
  }

  #encodeBytes(piece: string, ids: number[]): void {
    for (const byte of Buffer.from(piece, 'utf8')) {
      const id = this.#byteTokens[byte] ?? this.#unknown;
      if (id === null) {
        throw failWith({
          code: 'malformed',
          operation: 'tokenize',
          message: `the vocabulary has neither a token for byte ${byte} nor one for unknown text`,
        });
      }
      ids.push(id);
    }
  }
}

/** Reads `tokenizer.ggml.*`, every value checked. */
class TokenizerMetadata {
  readonly #values: ReadonlyMap<string, MetadataValue>;
  readonly #path: string;

  constructor(model: ModelInfo) {
    this.#values = new Map(model.metadata.map(({ key, value }) => [key, value]));
    this.#path = model.parts[0]?.path ?? '';
  }

  #malformed(name: string, wanted: string): Error {
    return failWith({
      code: 'malformed',
      operation: 'tokenizer',
      path: this.#path,
      message: `tokenizer.ggml.${name} is not ${wanted}`,
      remedy: 'convert the model again',
    });
  }

  requireModel(supported: string): void {
    const model = this.#values.get('tokenizer.ggml.model');
    if (model === supported) return;
    throw failWith({
      code: 'unsupported-tokenizer',
      operation: 'tokenizer',
      path: this.#path,
      message:
        typeof model === 'string'
          ? `the tokenizer "${model}" is not supported; "${supported}" (SentencePiece) is`
          : 'the model has no tokenizer',
      remedy: 'feed token ids with: weighbridge logits',
    });
  }

  #elements(name: string): readonly MetadataValue[] | null {
    const value = this.#values.get(`tokenizer.ggml.${name}`);
    if (value === undefined) return null;
    if (typeof value !== 'object' || value.elements === null) throw this.#malformed(name, 'an array of usual size');
    return value.elements;
  }

  strings(name: string): string[] {
    const elements = this.#elements(name);
    if (elements === null || elements.length === 0) throw this.#malformed(name, 'there');
    return elements.map((element) => {
      if (typeof element !== 'string') throw this.#malformed(name, 'an array of strings');
      return element;
    });
  }

  numbers(name: string, count: number, otherwise: number): number[] {
    const elements = this.#elements(name);
    if (elements === null) return Array.from({ length: count }, () => otherwise);
    if (elements.length !== count) throw this.#malformed(name, `an array of ${count} numbers, one a token`);
    return elements.map((element) => {
      if (typeof element !== 'number' || Number.isNaN(element)) throw this.#malformed(name, 'an array of numbers');
      return element;
    });
  }

  /** null where the id names no token. */
  tokenId(name: string, otherwise: number | null, size: number): number | null {
    const value = this.#values.get(`tokenizer.ggml.${name}`) ?? otherwise;
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.#malformed(name, 'a token id');
    return value >= 0 && value < size ? value : null;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(`tokenizer.ggml.${name}`) ?? otherwise;
    if (typeof value !== 'boolean') throw this.#malformed(name, 'true or false');
    return value;
  }
}
