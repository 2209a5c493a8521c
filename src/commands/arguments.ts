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

/** A share above 0 and below 1: "5%" or "0.05". */
export function share(name: string, text: string): number {
  const number = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const value = Number(number?.[1]) / (number?.[2] === '%' ? 100 : 1);
  if (!(value > 0 && value < 1)) {
    throw new UsageError(`${name} must be a share above 0 and below 100%, as 5% or 0.05, not ${JSON.stringify(text)}`);
  }
  return value;
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
