/** Seeded order, so that a run can be repeated and its order is no accident of the machine. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A shuffled copy (Fisher–Yates); equal seed and length give an equal permutation. `seed` is any 32-bit integer. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = xoroshiro128plus(seed);
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    const held = result[last] as T;
    result[last] = result[other] as T;
    result[other] = held;
  }
  return result;
}

/** A seed for one part of a run, from the run's seed and the part's numbers (an integer hash, FNV-1a over 32-bit words). */
export function derivedSeed(seed: number, ...parts: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const part of [seed, ...parts]) {
    hash = Math.imul(hash ^ (part | 0), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash | 0;
}
