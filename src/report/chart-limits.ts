/** Where the names of limits stand: above the drawing, each on a line of its own and beside its dashed line. */

export interface LimitPlace {
  /** Of text above the drawing, from 0 for the lowest. */
  readonly line: number;
  /** Whether the text ends at the dashed line or begins there: it reaches into the drawing, and not beyond it. */
  readonly side: 'left' | 'right';
}

/**
 * In the order of `along`, which is 0 at the left of the drawing and 1 at its right. At the right the leftmost has the lowest
 * text, at the left the rightmost, so that dashed lines run past the texts of their neighbours.
 */
export function limitPlaces(along: readonly number[]): readonly LimitPlace[] {
  const side = (at: number): LimitPlace['side'] => (at >= 0.5 ? 'right' : 'left');
  const indices = along.map((_, index) => index);
  const of = (which: LimitPlace['side']): readonly number[] =>
    indices.filter((index) => side(along[index] ?? 0) === which);
  const upwards = [
    ...of('right').toSorted((a, b) => (along[a] ?? 0) - (along[b] ?? 0)),
    ...of('left').toSorted((a, b) => (along[b] ?? 0) - (along[a] ?? 0)),
  ];
  return along.map((at, index) => ({ line: upwards.indexOf(index), side: side(at) }));
}
