/** Text from elsewhere (names, paths, metadata, messages) as a report may hold it: on one line, and of bounded length. */
import { printable } from '../failure.js';

/** Longer than any name that people give. */
const LONGEST_NAME = 200;
/** Longer than any sentence that is written here. */
const LONGEST_SENTENCE = 2000;

/** Its last part is kept as well: variants of a name differ there. */
const NAMES_END = 60;

/** The first `most` UTF-16 units, without half of a surrogate pair. */
function start(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}

function end(text: string, most: number): string {
  const first = text.charCodeAt(text.length - most);
  return text.slice(text.length - (first >= 0xdc00 && first <= 0xdfff ? most - 1 : most));
}

/** Cut before it is escaped, so that a huge text costs nothing; and once more, since escapes are longer. */
function bounded(text: string, most: number, cut: (long: string) => string): string {
  const shown = printable(text.length > most ? cut(text) : text);
  return shown.length > most ? cut(shown) : shown;
}

export function nameOf(text: string): string {
  return bounded(text, LONGEST_NAME, (long) => `${start(long, LONGEST_NAME - NAMES_END - 1)}…${end(long, NAMES_END)}`);
}

export function sentenceOf(text: string): string {
  return bounded(text, LONGEST_SENTENCE, (long) => `${start(long, LONGEST_SENTENCE - 1)}…`);
}
