/** Adaptive stopping: whether a round is the last. For exploration; it never gates. */
import type { Block } from '../plan/blocks.js';
import type { Ledger } from './record.js';

type Weighed = Pick<Ledger, 'samples' | 'groups'>;

/** Whether what complete rounds gave is enough. Pure, so that a resumed run decides as the interrupted one did. */
export type Enough = (weighed: Weighed) => boolean;

/**
 * To be asked of each block in its turn: whether the rounds before it are enough, and it shall not begin. Decides once a
 * round of the time pass, from the rounds before alone: what an interrupted run has of a later one must not
 * change what was decided.
 */
export function stopsBefore(enough: Enough | null, weighed: () => Weighed): (block: Block) => boolean {
  let decided = 0;
  return ({ pass, round }) => {
    if (enough === null || pass !== 'time' || round - 1 <= decided) return false;
    decided = round - 1;
    const isBefore = (record: Pick<Block, 'pass' | 'round'>): boolean => record.pass !== 'time' || record.round < round;
    const { samples, groups } = weighed();
    return enough({ samples: samples.filter(isBefore), groups: groups.filter(isBefore) });
  };
}
