/** Finds special tokens that are spelled out in a text, as llama.cpp does with `parse_special`. */
import { tokenType, type Vocabulary } from './vocabulary.js';

/** A part of a text: what is still to be split, or a special token found in it. */
export type Fragment = string | number;

interface SpecialToken {
  readonly id: number;
  readonly text: string;
  /** Whether white space after it belongs to it. */
  readonly stripsAfter: boolean;
}

const leadingSpace = /^[ \t-\r]+/;

export class SpecialTokens {
  /** The longest in bytes first: each is cut out of all of the text before a shorter one is looked for. */
  readonly #tokens: readonly SpecialToken[];
  readonly #ids = new Map<string, number>();
  /** By first UTF-16 unit, the lengths in units of the tokens that begin with it. */
  readonly #lengths = new Map<number, Set<number>>();

  /** `stripsAfter` says of a token's text whether white space after it belongs to it. */
  constructor(vocabulary: Vocabulary, stripsAfter: (text: string) => boolean) {
    const tokens = vocabulary.texts.flatMap((text, id) => {
      const special = vocabulary.isControl(id) || vocabulary.type(id) === tokenType.userDefined;
      return special ? [{ id, text, stripsAfter: stripsAfter(text), bytes: Buffer.byteLength(text) }] : [];
    });
    this.#tokens = tokens.sort((a, b) => b.bytes - a.bytes);
    for (const { text, id } of tokens) {
      this.#ids.set(text, id);
      const first = text.charCodeAt(0);
      const lengths = this.#lengths.get(first);
      if (lengths === undefined) this.#lengths.set(first, new Set([text.length]));
      else lengths.add(text.length);
    }
  }

  split(text: string): Fragment[] {
    const present = this.#presentIn(text);
    let fragments: Fragment[] = text === '' ? [] : [text];
    for (const token of this.#tokens) {
      if (!present.has(token.id)) continue;
      fragments = fragments.flatMap((fragment) => (typeof fragment === 'number' ? [fragment] : cut(fragment, token)));
    }
    return fragments;
  }

  /** Thousands of special tokens are common, and few of them occur: one pass finds those that are worth a search. */
  #presentIn(text: string): ReadonlySet<number> {
    const present = new Set<number>();
    for (let at = 0; at < text.length; at += 1) {
      const lengths = this.#lengths.get(text.charCodeAt(at));
      if (lengths === undefined) continue;
      for (const length of lengths) {
        const id = this.#ids.get(text.slice(at, at + length));
        if (id !== undefined) present.add(id);
      }
    }
    return present;
  }
}

function cut(text: string, { text: token, id, stripsAfter }: SpecialToken): Fragment[] {
  return text
    .split(token)
    .flatMap((rest, index): Fragment[] => {
      if (index === 0) return [rest];
      return [id, stripsAfter ? rest.replace(leadingSpace, '') : rest];
    })
    .filter((part) => part !== '');
}
