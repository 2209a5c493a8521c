/**
 * SentencePiece-style vocabularies (`tokenizer.ggml.model` "llama"), with the results of llama.cpp's SPM tokenizer:
 * adjacent pieces are merged by score, and characters that form no piece become bytes.
 */
import { failWith } from '../failure.js';
import { MergeQueue } from './merge-queue.js';
import type { TokenizerMetadata } from './tokenizer-metadata.js';
import type { TokenModel } from './tokenizer.js';
import type { Vocabulary } from './vocabulary.js';

/** U+2581 stands for a space within pieces. */
const visibleSpace = '\u2581';

/** Between words: where no piece reaches across, each word can be split by itself with the same result. */
const betweenWords = /(?<=[^\u2581])(?=\u2581)/u;

export class SentencePiece implements TokenModel {
  readonly addsSpacePrefix: boolean;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #scores: readonly number[];
  /** By byte value. */
  readonly #byteTokens: readonly (number | undefined)[];
  readonly #unknown: number | null;
  readonly #longestPiece: number;
  /** Whether some piece has a space after another character. */
  readonly #piecesCrossWords: boolean;

  constructor({ ids, texts, size, unknown }: Vocabulary, read: TokenizerMetadata) {
    this.addsSpacePrefix = read.flag('add_space_prefix', true);
    this.#ids = ids;
    this.#scores = read.numbers('scores', size, 0);
    this.#unknown = unknown;
    this.#longestPiece = texts.reduce((longest, piece) => Math.max(longest, piece.length), 0);
    this.#piecesCrossWords = texts.some((piece) => betweenWords.test(piece));
    this.#byteTokens = Array.from({ length: 256 }, (_, byte) => {
      const hexadecimal = byte.toString(16).toUpperCase().padStart(2, '0');
      return ids.get(`<0x${hexadecimal}>`) ?? ids.get(String.fromCharCode(byte));
    });
  }

  encode(text: string, begins: boolean, ids: number[]): void {
    const prefix = this.addsSpacePrefix && begins ? ' ' : '';
    const visible = (prefix + text).replaceAll(' ', visibleSpace);
    const words = this.#piecesCrossWords ? [visible] : visible.split(betweenWords);
    for (const word of words) this.#encodeWord(word, ids);
  }

  bytes(text: string): Buffer {
    return Buffer.from(text.replaceAll(visibleSpace, ' '), 'utf8');
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
