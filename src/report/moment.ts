/** What a load is timed to. */
import type { Arm } from '../samples/record.js';

/**
 * Where nothing is inferred it is the last of the bytes that a first token reads; of a model that the kernel does not run,
 * of all bytes.
 */
export type Moment = 'first token' | 'last needed byte';

/** Of what stands together: all of its arms that use the weights do the same. */
export function momentOf(arms: Iterable<Pick<Arm, 'work'>>): Moment {
  for (const { work } of arms) if (work === 'touch') return 'last needed byte';
  return 'first token';
}

export function momentIn(cells: readonly { readonly arm: Pick<Arm, 'work'> }[]): Moment {
  return momentOf(cells.map(({ arm }) => arm));
}

/** As it begins a sentence. */
export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
