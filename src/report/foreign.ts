/** Text from elsewhere (names, paths, metadata, messages) as a report may hold it: on one line, and of bounded length. */
import { printable } from '../failure.js';

/** Longer than any name that people give. */
const LONGEST_NAME = 200;
/** Longer than any sentence that is written here. */
const LONGEST_SENTENCE = 2000;

/** Cut before it is escaped, so that a huge text costs nothing. */
function bounded(text: string, most: number): string {
  const shown = printable(text.length > most ? text.slice(0, most) : text);
  return text.length > most || shown.length > most ? `${whole(shown.slice(0, most - 1))}…` : shown;
}

/** Without half of a surrogate pair at its end. */
function whole(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

export function nameOf(text: string): string {
  return bounded(text, LONGEST_NAME);
}

export function sentenceOf(text: string): string {
  return bounded(text, LONGEST_SENTENCE);
}
