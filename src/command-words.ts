/** A command as people write it, split into words as a POSIX shell would, without running one (POSIX.1-2017, XCU 2.2). */
import { UsageError } from './failure.js';

/** What only a shell could give a meaning to, where it is not quoted: expansions and operators. Globs stay as written. */
const SHELL = /[$`|&;<>()]/;
/** Within double quotes a backslash quotes these alone. */
const QUOTED_IN_DOUBLE = /[$`"\\\n]/;

/**
 * Quotes and backslashes work as in a shell. There are no variables, substitutions, redirections or pipes: an unquoted one is
 * refused, rather than passed on as a word. Patterns (`*`, `?`) and `~` are passed on as they stand. Throws UsageError that
 * names `where` the text stands.
 */
export function splitWords(where: string, text: string): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    const next = text[at + 1];
    if (quote === "'") {
      if (character === "'") quote = null;
      else word = (word ?? '') + character;
    } else if (character === '\\' && (quote === null || (next !== undefined && QUOTED_IN_DOUBLE.test(next)))) {
      if (next === undefined) throw new UsageError(`${where}: it ends in a backslash that quotes nothing`);
      if (next !== '\n') word = (word ?? '') + next;
      at += 1;
    } else if (character === '"' || (character === "'" && quote === null)) {
      quote = quote === null ? character : null;
      word ??= '';
    } else if (quote === null ? SHELL.test(character) : /[$`]/.test(character)) {
      throw new UsageError(
        `${where}: no shell runs it, so ${character} has no meaning; quote it for a word ('${character}'), or run sh -c '…'`,
      );
    } else if (quote === null && /[ \t\n]/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== null) throw new UsageError(`${where}: a ${quote} is not closed`);
  if (word !== null) words.push(word);
  return words;
}
