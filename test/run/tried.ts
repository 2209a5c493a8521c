import type { Sample } from '../../src/samples/record.js';

/** Without those that were tried again since their state could not be certified, which a busy machine brings about. */
export function tried<T extends { readonly outcome: Sample['outcome'] }>(units: readonly T[]): readonly T[] {
  return units.filter(({ outcome }) => outcome !== 'invalid');
}
