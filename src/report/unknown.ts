/** What this way of measuring cannot tell, beyond what notes of a virtual machine say. */
import type { Ledger } from '../samples/record.js';
import type { Summary } from '../statistics/summary-types.js';
import { significant } from './format.js';
import { isVirtual } from './notes.js';

/** From here on the second read of fresh bytes was clearly faster, so that something outside kept them. */
const HOST_CACHED = 1.3;

export function unknownOf({ cells }: Summary, { run }: Ledger): readonly string[] {
  const cached = run.limits.find(({ name, value }) => name === 'host-cache-ratio' && value !== null)?.value ?? null;
  const settled = cells.some(({ unexplainedDebtNs }) => (unexplainedDebtNs?.median ?? 0) > 0);
  return [
    cached === null ? '' : hostCacheText(cached),
    isVirtual(run.machine) && settled
      ? 'Page faults of the second stage, which the host handles, are seen by no counter of this machine: they are in the unexplained part of the debt.'
      : '',
    'Numbers hold for this machine, disk, file and memory size. Another machine may rank the loaders otherwise.',
  ].filter((text) => text !== '');
}

function hostCacheText(ratio: number): string {
  const told = `The second direct read of a fresh range was ${significant(ratio)} times as fast as the first (host cache ratio)`;
  return ratio >= HOST_CACHED
    ? `${told}: something outside this machine kept what was read, so that cold loads here are faster than after a restart of the host.`
    : `${told}: no cache outside this machine is seen, though one that already held the file would look the same.`;
}
