/** What of a plan has been weighed, from the records of a ledger. */
import { allBlocks, loadsOf, type Block } from '../plan/blocks.js';
import type { WeighingContext } from './prepare.js';
import type { Group, Sample } from './record.js';
import { stopsBefore, type Enough } from './stopping.js';

/** An invalid sample is retried at once with its partner, this many times at most. */
export const RETRIES = 2;

export interface Done {
  readonly samples: readonly Sample[];
  readonly groups: readonly Group[];
}

type PlannedArms = Pick<WeighingContext, 'plan' | 'arms'>;

/** What of a record tells whether its block is complete. */
type PlaceInBlock = 'arm' | 'outcome' | 'load' | 'attempt' | 'position';
export type BlockEntry = Pick<Sample, PlaceInBlock | 'kind' | 'group'> | Pick<Group, PlaceInBlock | 'kind'>;

/** Whether every block of the plan has its samples, or a round was the last. */
export function isFinished(planned: PlannedArms, done: Done, enough: Enough | null): boolean {
  const earlier = groupByBlock(done);
  const stops = stopsBefore(enough, () => done);
  for (const block of allBlocks(planned.plan, planned.arms)) {
    if (stops(block)) return true;
    if (!isComplete(planned, block, earlier.get(blockKey(block)) ?? [])) return false;
  }
  return true;
}

/** Whether a load leaves what the next of its chain can meet. */
export function goesOn(outcome: Sample['outcome']): boolean {
  return outcome === 'ok' || outcome === 'mismatch';
}

export const blockKey = (block: { readonly pass: string; readonly round: number; readonly index: number }): string =>
  `${block.pass} ${block.round} ${block.index}`;

export function groupByBlock({ samples, groups }: Done): Map<string, (Sample | Group)[]> {
  const blocks = new Map<string, (Sample | Group)[]>();
  for (const record of [...samples, ...groups]) {
    const key = blockKey({ pass: record.pass, round: record.round, index: record.block });
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, [record]);
    else block.push(record);
  }
  return blocks;
}

/**
 * Every cell has an attempt that is not invalid, with all loads that follow, or was tried as often as it may be. Samples
 * of a group count for nothing without it: a run may have ended between them.
 */
export function isComplete({ plan, arms }: PlannedArms, block: Block, had: readonly BlockEntry[]): boolean {
  return block.cells.every((cell) => {
    const units = had.filter((unit) => unit.arm.id === cell.arm && (unit.kind === 'group' || unit.group === null));
    const loads = loadsOf(plan, arms[cell.arm], cell.state, block.pass);
    const attempts = new Map<string, BlockEntry>();
    for (const unit of units) {
      const last = attempts.get(attemptKey(unit));
      if (last === undefined || unit.load > last.load) attempts.set(attemptKey(unit), unit);
    }
    const lasts = [...attempts.values()];
    const ended = lasts.some(({ outcome, load }) => (goesOn(outcome) ? load >= loads : outcome !== 'invalid'));
    return ended || lasts.filter(({ outcome }) => outcome === 'invalid').length > RETRIES;
  });
}

/** A cell may run twice in one attempt: where its partner made the block begin again. */
const attemptKey = ({ attempt, position }: BlockEntry): string => `${attempt} ${position}`;
