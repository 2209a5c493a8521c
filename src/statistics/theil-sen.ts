/** A slope that a few wild values do not move. */
import { median } from './order.js';

/**
 * The median of the slopes of all pairs of points with different x (Theil 1950; Sen 1968, Journal of the American
 * Statistical Association 63, 1379–1389). Null where no two x differ.
 */
export function theilSen(points: readonly { readonly x: number; readonly y: number }[]): number | null {
  const slopes: number[] = [];
  for (const [index, a] of points.entries()) {
    for (const b of points.slice(index + 1)) {
      if (a.x !== b.x) slopes.push((b.y - a.y) / (b.x - a.x));
    }
  }
  return slopes.length === 0 ? null : median(slopes);
}
