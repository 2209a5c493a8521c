/** Several tests made together. */

/**
 * Holm's adjusted p-values (Holm 1979, Scandinavian Journal of Statistics 6, 65–70), in the order given: rejecting those
 * at most alpha makes a false rejection among all of them no likelier than alpha, however the tests depend on each other.
 * `family` is how many tests were registered; those without a p-value count as never significant.
 */
export function holm(pValues: readonly number[], family = pValues.length): readonly number[] {
  if (family < pValues.length) throw new RangeError(`${pValues.length} p-values do not fit a family of ${family}`);
  const order = pValues.map((_, index) => index).sort((a, b) => (pValues[a] ?? 1) - (pValues[b] ?? 1));
  const adjusted = pValues.map(() => 1);
  let highest = 0;
  for (const [rank, index] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (family - rank) * (pValues[index] ?? 1)));
    adjusted[index] = highest;
  }
  return adjusted;
}
