/**
 * The option of llama.cpp that loads as a loader does. Since its pull request 20834 that is --load-mode MODE (none, mmap,
 * mlock, mmap+mlock, dio); releases before it have --mmap, --no-mmap, --mlock and --direct-io.
 */
import type { Arm } from '../samples/record.js';
import { READS_THROUGH_PAGE_CACHE } from '../statistics/binding.js';

export interface LlamaOption {
  readonly option: string;
  /** In releases without --load-mode. */
  readonly older: string;
  readonly caveat: string | null;
  /** Whether it loads as the loader does; else it is the nearest that llama.cpp has. */
  readonly alike: boolean;
}

type Loading = Pick<Arm, 'mechanism' | 'options'>;

/** Null where llama.cpp has none: it reads with one thread into plain memory, and maps in one way. */
export function llamaOptionOf({ mechanism, options }: Loading): LlamaOption | null {
  if (mechanism === 'mmap') return ofMapping(options);
  const usual =
    (options['threads'] ?? 1) === 1 &&
    (options['arena'] ?? 'plain') === 'plain' &&
    ['pipelined', 'prefault', 'dontCache'].every((key) => options[key] !== true);
  if (!usual) return null;
  if (READS_THROUGH_PAGE_CACHE.has(mechanism)) {
    return { option: '--load-mode none', older: '--no-mmap', caveat: null, alike: true };
  }
  return mechanism === 'direct'
    ? {
        option: '--load-mode dio',
        older: '--direct-io',
        caveat: 'where direct I/O is refused it reads through the page cache instead, which only its log tells',
        alike: true,
      }
    : null;
}

/** It maps shared, populates, and then asks once for read-ahead; how pages come in otherwise it cannot be told. */
function ofMapping(options: Loading['options']): LlamaOption | null {
  const { advice, bring } = options;
  const advised = Array.isArray(advice) && advice.length > 0;
  const near =
    options['dirtied'] !== true &&
    options['pipelined'] !== true &&
    (bring === undefined || bring === 'willneed') &&
    (!advised || advice.every((each) => each === 'sequential')) &&
    options['lock'] !== 'on-fault';
  if (!near) return null;
  const alike =
    options['sharing'] === 'shared' &&
    options['populate'] === true &&
    !advised &&
    (bring === undefined || (options['chunkBytes'] ?? 0) === 0);
  const caveat = alike ? null : 'llama.cpp also populates the mapping and then advises the whole of it';
  return options['lock'] === 'all'
    ? { option: '--load-mode mmap+mlock', older: '--mlock', caveat, alike }
    : { option: '--load-mode mmap', older: '--mmap', caveat, alike };
}
