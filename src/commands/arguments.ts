/** Arguments checked at the edge: a wrong one is one line that says what it must be. */
import { UsageError } from '../failure.js';

/** A whole number within [least, most]. */
export function whole(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  }
  return value;
}

/** A number above 0; a trailing s is allowed for seconds. */
export function positive(name: string, text: string): number {
  const value = /^\d+(\.\d+)?s?$/.test(text.trim()) ? Number.parseFloat(text) : Number.NaN;
  if (!(value > 0)) throw new UsageError(`${name} must be a number of seconds above 0, not ${JSON.stringify(text)}`);
  return value;
}

/** Percent of "5%" or "0.05"; null where the text is neither. A number without % is below 1: 5 may mean 5 % or 500 %. */
export function percentOf(text: string): number | null {
  const [, digits = '', sign = ''] = /^(\d+(?:\.\d+)?|\.\d+) ?(%?)$/.exec(text.trim()) ?? [];
  if (digits === '' || (sign === '' && Number(digits) >= 1)) return null;
  // 0.07 is 7 %, not 7.000000000000001 %.
  return sign === '%' ? Number(digits) : Number((100 * Number(digits)).toPrecision(12));
}

/** A share above 0 and below 1, or `up to` 1: "5%" or "0.05". */
export function share(name: string, text: string, end: 'below' | 'up to' = 'below'): number {
  const percent = percentOf(text);
  if (percent !== null && percent > 0 && (percent < 100 || (percent === 100 && end === 'up to'))) return percent / 100;
  const number = /^\d+(\.\d+)?$/.test(text.trim()) && Number(text) > 0 && Number(text) < 100;
  const meant = number ? `; did you mean ${text.trim()}%?` : '';
  throw new UsageError(
    `${name} must be a share above 0 and ${end} 100%, as 5% or 0.05, not ${JSON.stringify(text)}${meant}`,
  );
}

/** Distinct words of a closed set, comma-separated, at least one. */
export function commaList<T extends string>(name: string, text: string, allowed: readonly T[]): readonly T[] {
  const words = text.split(',').map((word) => word.trim());
  const found = words.map((word) => {
    const match = allowed.find((candidate) => candidate === word);
    if (match === undefined) {
      throw new UsageError(`${name} takes ${allowed.join(', ')} (comma-separated), not ${JSON.stringify(word)}`);
    }
    return match;
  });
  return [...new Set(found)];
}

/** Distinct whole numbers within [least, most], comma-separated, in the order given. */
export function wholes(name: string, text: string, least: number, most: number): readonly number[] {
  return distinct(text.split(',').map((word) => whole(name, word, least, most)));
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

/** Given once or often. */
export function several(given: string | readonly string[]): readonly string[] {
  return [given].flat();
}
