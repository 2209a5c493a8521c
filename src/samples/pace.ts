/** How long the blocks of a run take, and what those that are left will. */
import type { Block } from '../plan/blocks.js';

/** Blocks of the same pass, states and setting take about as long. */
interface Kind {
  pending: number;
  weighed: number;
  ms: number;
}

export class Pace {
  readonly #kinds = new Map<string, Kind>();
  /** Of blocks in which something ran: those whose every cell is unsupported say nothing of the others. */
  #ran = { blocks: 0, ms: 0 };

  constructor(pending: readonly Block[]) {
    for (const block of pending) this.#of(block).pending += 1;
  }

  /** `ran`: whether any of its cells was more than refused. */
  took(block: Block, ms: number, ran: boolean): void {
    const own = this.#of(block);
    own.pending -= 1;
    own.weighed += 1;
    own.ms += ms;
    if (!ran) return;
    this.#ran.blocks += 1;
    this.#ran.ms += ms;
  }

  /** It will not run. */
  skipped(block: Block): void {
    this.#of(block).pending -= 1;
  }

  get pending(): number {
    return [...this.#kinds.values()].reduce((sum, own) => sum + own.pending, 0);
  }

  /** Of a block of this kind; null before there was one. */
  meanMs(block: Block): number | null {
    return meanOf(this.#of(block));
  }

  /** Of what is pending; kinds that have not begun are taken to go like the others. Null before there is anything to go by. */
  remainingMs(): number | null {
    const mean = this.#ran.blocks === 0 ? null : this.#ran.ms / this.#ran.blocks;
    let sum = 0;
    for (const kind of this.#kinds.values()) {
      if (kind.pending === 0) continue;
      const own = meanOf(kind) ?? mean;
      if (own === null) return null;
      sum += kind.pending * own;
    }
    return sum;
  }

  #of({ pass, reference, cells }: Block): Kind {
    const states = new Set(cells.map(({ state, memoryState }) => `${state} ${memoryState}`));
    // Without its reference a block holds less, or what no state makes possible.
    const paired = cells.some(({ arm }) => arm === reference);
    const key = [pass, reference, paired, ...[...states].sort()].join(' ');
    const own = this.#kinds.get(key) ?? { pending: 0, weighed: 0, ms: 0 };
    this.#kinds.set(key, own);
    return own;
  }
}

function meanOf({ weighed, ms }: Kind): number | null {
  return weighed === 0 ? null : ms / weighed;
}
