/** How sure it is that free memory was in the state that samples name. */
import type { Ledger, MemoryState } from '../samples/record.js';
import { duration } from './format.js';

/**
 * `certified`: a probe before each sample told backed memory from returned. `never-returned`: the machine gives no free
 * page to a host, so that there is nothing to tell apart. `not-told`: it may, but the probe saw no difference.
 */
type Certainty = 'certified' | 'never-returned' | 'not-told';

/** A resumed run learns the limit anew, and so does each shard: it is certified as a whole only if each part is. */
function certaintyOf({ run, resumes }: Ledger): Certainty {
  const { memory } = run.machine;
  if (typeof memory === 'object' && memory !== null && 'pageReporting' in memory && memory.pageReporting === false) {
    return 'never-returned';
  }
  const parts = [run, ...resumes, ...(run.merged?.shards ?? [])];
  return parts.every(({ ceilings }) => ceilings.firstTouch.limitNs !== null) ? 'certified' : 'not-told';
}

/** What a memory state means in this run, in a few words. */
export function memoryCondition(state: MemoryState, ledger: Ledger): string {
  if (state === 'as-is') return 'free memory as it was';
  if (state === 'returned') return 'free memory returned to the host';
  return certaintyOf(ledger) === 'not-told' ? 'free memory touched beforehand (not certified)' : 'free memory backed';
}

export function certificationNotes(ledger: Ledger): readonly string[] {
  const { plan, ceilings } = ledger.run;
  if (plan.memoryStates.every((state) => state === 'as-is')) return [];
  const { backedNs, returnedNs } = ceilings.firstTouch;
  const seen =
    returnedNs === null
      ? ''
      : ` (first touch of 32 MiB took ${duration(backedNs)} just after free memory was touched, ${duration(returnedNs)} after a rest)`;
  switch (certaintyOf(ledger)) {
    case 'certified':
      return [];
    case 'never-returned':
      return ['This machine returns no free memory to a host: free memory is always backed.'];
    case 'not-told':
      return [
        `Backed free memory could not be told from memory returned to the host${seen}: it was touched before each sample of the backed state, but that none had gone back when the sample began is not certified.`,
      ];
  }
}
