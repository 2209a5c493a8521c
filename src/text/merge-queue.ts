/** A binary heap of possible merges: the highest score first, the leftmost of equals. */
export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly score: number;
  /** Length of the merged text. */
  readonly size: number;
}

const before = (a: Merge, b: Merge): boolean => a.score > b.score || (a.score === b.score && a.left < b.left);

export class MergeQueue {
  readonly #heap: Merge[] = [];

  push(merge: Merge): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(merge);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] as Merge;
      if (!before(merge, above)) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = merge;
  }

  pop(): Merge | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Merge, heap[child] as Merge)) child += 1;
      const below = heap[child] as Merge;
      if (!before(below, last)) break;
      heap[hole] = below;
      hole = child;
    }
    heap[hole] = last;
    return first;
  }
}
