/** What a limited group's counters mean for a sample. */
import { size, sizes } from '../size.js';
import type { GroupCounters } from './cgroup-counters.js';
import { refusal, type Refusal } from './states.js';

/** What must have been charged to a group in which a sample did its work. */
export interface LeastCharge {
  readonly limitBytes: number;
  /** Anonymous memory that they were seen to hold at one time. */
  readonly anonymousBytes: number;
  /** Of the model, that came into the page cache while they ran. */
  readonly cachedBytes: number;
}

/**
 * Null where the kernel killed nothing in the group for want of memory below the limit. The counter has the kills of a
 * machine, or of a group above, that ran out of memory too; then this limit was not hit.
 */
export function outOfMemory({ oomKills, peakBytes, limitHits }: GroupCounters, limitBytes: number): Refusal | null {
  if (oomKills === null || oomKills === 0 || limitHits === 0) return null;
  const peak = peakBytes === null ? '' : `, and ${size(peakBytes)} were in use at the peak`;
  return refusal(
    'failed',
    'out-of-memory',
    'memory limit',
    `the kernel killed ${oomKills} of its processes: the limit is ${size(limitBytes)}${peak}`,
    'give a higher limit, or load it in a way that holds less',
  );
}

/** Null where the limit was in force. A limit that was not charged would make an unlimited sample look limited. */
export function refuseUncharged(counters: GroupCounters, least: LeastCharge): Refusal | null {
  const { limitBytes, peakBytes, currentBytes } = counters;
  const bad = (code: string, message: string): Refusal => refusal('invalid', code, 'memory limit', message);
  if (limitBytes === null || (peakBytes ?? currentBytes) === null) {
    return bad('limit-not-verified', "the group's counters cannot be read");
  }
  if (limitBytes === 'unlimited' || limitBytes > least.limitBytes) {
    return bad('limit-not-set', `the group's limit reads ${limitBytes} instead of ${least.limitBytes}`);
  }
  const charged = Math.max(peakBytes ?? 0, currentBytes ?? 0);
  const must = CHARGED_SHARE * Math.min(limitBytes, least.anonymousBytes + least.cachedBytes);
  if (charged >= must) return null;
  return bad(
    'limit-not-charged',
    `only ${size(charged)} were charged to the limited group, of at least ${size(Math.round(must))}`,
  );
}

/** The runtime's own pages are cached and charged elsewhere, and each CPU holds back some charges. */
const CHARGED_SHARE = 0.9;

/** `neededBytes`: what the runtime holds without any weights. Below it a limit says nothing of a loader. */
export function refuseBelowRuntime(limitBytes: number, neededBytes: number): Refusal | null {
  if (limitBytes >= neededBytes) return null;
  const [limit, need] = sizes(limitBytes, neededBytes);
  return refusal(
    'unsupported',
    'limit-below-runtime',
    'memory limit',
    `a limit of ${limit} is below the ${need} that the runtime needs without weights`,
    'give a higher limit, or a shorter --context',
  );
}

/** The same where a bystander shares the limit: before a load begins there must be room for the file that it has cached. */
export function refuseBelowBystander(limitBytes: number, neededBytes: number, fileBytes: number): Refusal | null {
  const needed = neededBytes + fileBytes;
  if (limitBytes >= needed) return null;
  const [limit, need] = sizes(limitBytes, needed);
  return refusal(
    'unsupported',
    'limit-below-bystander',
    'memory limit',
    `a limit of ${limit} has no room for the bystander's file and the runtime: they need ${need} before any weights`,
    'give a higher limit, or a bystander with a smaller file',
  );
}
