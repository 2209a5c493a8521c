/** Adaptive stopping: whether a round is the last. For exploration; it never gates. */
import type { Block } from '../plan/blocks.js';
import type { Sample } from './record.js';

/** Whether samples of complete rounds are enough. Pure, so that a resumed run decides as the interrupted one did. */
export type Enough = (samples: readonly Sample[]) => boolean;

/**
 * To be asked of each block in its turn: whether the rounds before it are enough, and it shall not begin. Decides once a
 * round of the time pass, from the samples of the rounds before alone: what an interrupted run has of a later one must not
 * change what was decided.
 */
export function stopsBefore(enough: Enough | null, samples: () => readonly Sample[]): (block: Block) => boolean {
  let decided = 0;
  return ({ pass, round }) => {
    if (enough === null || pass !== 'time' || round - 1 <= decided) return false;
    decided = round - 1;
    return enough(samples().filter((sample) => sample.pass !== 'time' || sample.round < round));
  };
}
