/**
 * A program beside a model, under one memory limit: it has read a file into the page cache and wants to find it there
 * again. How much of it is left tells what a load did to its neighbours.
 */
import { native } from '../native.js';
import { size } from '../size.js';
import { cachedBytesOf, startCompanion, type Companion, type CompanionReport } from './companion.js';
import type { GroupCounters } from './cgroup-counters.js';
import type { LimitSupport } from './cgroup-place.js';
import type { Launcher } from './launch.js';
import { openLimit } from './memory-limit.js';
import { makeRoom } from './room.js';
import { refusal, type Refusal } from './states.js';

export interface SharedLimit {
  readonly path: string;
  /** Of the processes that load the model; the bystander has its own. */
  readonly model: Launcher;
  /** Of the bystander's file, in the page cache now; null where it may not be known. */
  cachedBytes(): number | null;
  /** Of both together, of the model's processes, or of the bystander. */
  counters(of?: 'model' | 'bystander'): GroupCounters;
  /** Ends the bystander and removes the groups. `held` tells why they are still there. */
  close(): Promise<{ readonly bystander: CompanionReport | Refusal; readonly held: string | null }>;
}

export interface SharedRequest {
  /** Of both together. */
  readonly bytes: number;
  /** The bystander's. It is evicted first, so that its pages are charged to the bystander. */
  readonly file: string;
  /** Most processes that will load the model. */
  readonly processes: number;
}

const GROUPS = ['model', 'bystander'] as const;

/** Ready when it resolves: the bystander has read its file. Throws AbortError when interrupted. */
export async function openSharedLimit(
  { bytes, file, processes }: SharedRequest,
  signal: AbortSignal,
  support?: LimitSupport,
): Promise<SharedLimit | Refusal> {
  await native().evict([file]);
  // Where memory is short on the machine, it would take the bystander's pages back, and not the limit.
  await makeRoom(bytes);
  const limit = await openLimit({ bytes, processes: processes + 1, below: GROUPS }, support);
  if ('outcome' in limit) return limit;
  let companion: Companion | Refusal;
  try {
    companion = await startCompanion({ kind: 'cache', path: file }, signal, limit.launcher('bystander'));
  } catch (error) {
    await limit.close();
    throw error;
  }
  const uncharged = 'outcome' in companion ? companion : refuseForeign(file, limit.counters('bystander').fileBytes);
  if ('outcome' in companion || uncharged !== null) {
    if (!('outcome' in companion)) await companion.end();
    await limit.close();
    return uncharged ?? (companion as Refusal);
  }
  companion.begin();
  return {
    path: limit.path,
    model: limit.launcher('model'),
    cachedBytes: () => cachedBytesOf(file),
    counters: (of) => limit.counters(of),
    close: async () => ({ bystander: await companion.end(), held: await limit.close() }),
  };
}

/** Pages that another process had mapped, or read meanwhile, are charged to that one, and no limit of ours touches them. */
function refuseForeign(file: string, charged: number | null): Refusal | null {
  const cached = cachedBytesOf(file);
  if (cached === null || charged === null || charged >= OWN_SHARE * cached) return null;
  return refusal(
    'invalid',
    'not-charged',
    'bystander',
    `${size(cached)} of the file are cached, and only ${size(charged)} of them are charged to the process that read it`,
    'name a file that no other program uses',
    file,
  );
}

const OWN_SHARE = 0.95;

/**
 * Why a sample says nothing of what its load did to the bystander: the file was not cached when it began. Null where it
 * was, and where it may not be known.
 */
export function refuseUncached(cachedBytes: number | null, fileBytes: number): Refusal | null {
  if (cachedBytes === null || cachedBytes >= CACHED_SHARE * fileBytes) return null;
  return refusal(
    'invalid',
    'bystander-not-cached',
    'bystander',
    `only ${size(cachedBytes)} of the ${size(fileBytes)} of the bystander's file were in the page cache before the start`,
    'free memory: the machine itself takes the file out of the page cache',
  );
}

const CACHED_SHARE = 0.99;
