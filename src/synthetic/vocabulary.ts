/** A made-up SentencePiece-style vocabulary: valid, deterministic, and every piece reachable by merges. */

/** Token types as llama.cpp numbers them (`llama_token_type`). */
export const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Vocabulary {
  readonly tokens: readonly string[];
  /** A merge of a higher score comes first. */
  readonly scores: readonly number[];
  readonly types: readonly number[];
}

const consonants = 'b d f g h k l m n p r s t v w z ch sh th st'.split(' ');
const vowels = ['a', 'e', 'i', 'o', 'u'];

/** U+2581, which stands for a space in SentencePiece vocabularies. */
const space = '\u2581';

/** Pieces in the order of their ids, each the concatenation of two earlier ones unless it is a single character. */
function* pieces(): Generator<string> {
  yield space;
  for (let code = 0x21; code < 0x7f; code += 1) yield String.fromCharCode(code);
  for (const pair of ['ch', 'sh', 'th', 'st']) yield pair;
  const syllables = consonants.flatMap((consonant) => vowels.map((vowel) => consonant + vowel));
  yield* syllables;
  let words = syllables.map((syllable) => space + syllable);
  let ends = syllables;
  yield* words;
  for (;;) {
    words = yield* extended(words, syllables);
    ends = yield* extended(ends, syllables);
  }
}

/** Gives out every beginning with every syllable after it, one by one: few of the many are asked for. */
function* extended(beginnings: readonly string[], syllables: readonly string[]): Generator<string, string[]> {
  const longer: string[] = [];
  for (const beginning of beginnings) {
    for (const syllable of syllables) {
      longer.push(beginning + syllable);
      yield beginning + syllable;
    }
  }
  return longer;
}

/** `size` tokens, at least 400: `<unk>`, `<s>`, `</s>`, the 256 bytes, then pieces. */
export function makeVocabulary(size: number): Vocabulary {
  const tokens = ['<unk>', '<s>', '</s>'];
  const scores = [0, 0, 0];
  const types: number[] = [tokenType.unknown, tokenType.control, tokenType.control];
  for (let byte = 0; byte < 256; byte += 1) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    scores.push(0);
    types.push(tokenType.byte);
  }
  const first = tokens.length;
  for (const piece of pieces()) {
    if (tokens.length >= size) break;
    scores.push(first - tokens.length);
    tokens.push(piece);
    types.push(tokenType.normal);
  }
  return { tokens, scores, types };
}
