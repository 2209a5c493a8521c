/** Text from elsewhere (names, paths, metadata, messages) as a report may hold it: on one line, and of bounded length. */
import { printable } from '../failure.js';

/** Longer than any name that people give. */
const LONGEST_NAME = 200;
/** Longer than any sentence that is written here. */
const LONGEST_SENTENCE = 2000;

/** Without its middle where it is too long: names of variants differ at their ends. */
export function nameOf(text: string): string {
  return bounded(text, LONGEST_NAME, Math.floor(LONGEST_NAME / 3));
}

/** Without its end where it is too long. */
export function sentenceOf(text: string): string {
  return bounded(text, LONGEST_SENTENCE, 0);
}

/** Cut before it is escaped, so that a huge text costs nothing, and again after. */
function bounded(text: string, most: number, tail: number): string {
  return cut(printable(cut(text, most, tail)), most, tail);
}

function cut(text: string, most: number, tail: number): string {
  if (text.length <= most) return text;
  const head = text.slice(0, most - tail - 1).replace(/[\ud800-\udbff]$/, '');
  const end = tail === 0 ? '' : text.slice(-tail).replace(/^[\udc00-\udfff]/, '');
  return `${head}…${end}`;
}
