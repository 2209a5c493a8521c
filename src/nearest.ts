/** The word that was probably meant, where one was mistyped. */

/** Shorter words are too like each other to be the beginning of one. */
const LEAST_BEGINNING = 3;

/**
 * The candidate of the fewest edits from `word`, where those are few for its length; else the shortest that begins with it.
 * Null where none is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const tolerated = Math.max(1, Math.min(3, Math.floor(word.length / 3)));
  const near = candidates
    .map((candidate) => ({ candidate, edits: edits(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  if (near !== undefined && near.edits <= tolerated) return near.candidate;
  const begun = word.length < LEAST_BEGINNING ? [] : candidates.filter((candidate) => candidate.startsWith(word));
  return begun.sort((a, b) => a.length - b.length)[0] ?? null;
}

/** `; did you mean X?`, or nothing. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates);
  return meant === null ? '' : `; did you mean ${meant}?`;
}

/**
 * Characters to insert, delete, replace or swap with their neighbour: optimal string alignment, as Damerau (1964) counts
 * slips of typists.
 */
function edits(from: string, to: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const plain = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      next.push(isSwap ? Math.min(plain, (before[j - 2] ?? 0) + 1) : plain);
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
