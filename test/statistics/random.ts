/** Seeded numbers for simulations. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Random {
  /** Within [0, 1). */
  uniform(): number;
  /** Standard normal (Box & Muller). */
  normal(): number;
  /** Student's t with 3 degrees of freedom: heavy tails, standard deviation √3. */
  heavy(): number;
  /** A stationary series of standard normal values with this autocorrelation at lag 1. */
  series(n: number, lagOne: number): number[];
}

export function random(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  const uniform = (): number => uniformFloat64(generator);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    uniform,
    normal,
    heavy: () => normal() / Math.sqrt((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3),
    series: (n, lagOne) => {
      const values: number[] = [];
      let value = normal();
      for (let at = 0; at < n; at += 1) {
        values.push(value);
        value = lagOne * value + Math.sqrt(1 - lagOne ** 2) * normal();
      }
      return values;
    },
  };
}

/** The same values in another order. */
export function reordered<T>(values: readonly T[], draw: Random): T[] {
  return values
    .map((value) => ({ value, key: draw.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
