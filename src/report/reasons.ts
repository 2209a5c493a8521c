/** Reasons that differ in nothing but their figures, told once: a busy machine gives dozens. */
import type { CellSummary } from '../statistics/summary-types.js';

type Counted = CellSummary['reasons'][number];

const NUMBER = /(\d+(?:\.\d+)?)/;

/** In the order of their first; figures that differ are told as a range. */
export function toldOnce(reasons: readonly Counted[]): readonly Counted[] {
  const groups = new Map<string, Counted[]>();
  for (const each of reasons) {
    const { code, operation, path, message, remedy } = each.reason;
    const words = message.split(NUMBER).filter((_, index) => index % 2 === 0);
    const key = JSON.stringify([each.outcome, code, operation, path, remedy, words]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const message = ranged(group.map(({ reason }) => reason.message));
    return [
      { ...first, reason: { ...first.reason, message }, count: group.reduce((sum, { count }) => sum + count, 0) },
    ];
  });
}

function ranged(messages: readonly string[]): string {
  const [first = [], ...others] = messages.map((message) => message.split(NUMBER));
  return first
    .map((piece, at) => {
      if (at % 2 === 0) return piece;
      const texts = [piece, ...others.map((pieces) => pieces[at] ?? piece)].toSorted((a, b) => Number(a) - Number(b));
      const [low = piece, high = piece] = [texts[0], texts.at(-1)];
      return low === high ? piece : `${low}–${high}`;
    })
    .join('');
}
