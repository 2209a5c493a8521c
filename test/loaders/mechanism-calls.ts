/** Which system calls each mechanism makes on a model, by its options: what a trace of any loader is held against. */
import type { LoaderDefinition, Mechanism } from '../../src/loader.js';

type OptionsOf<Name extends Mechanism['mechanism']> = NonNullable<
  Extract<Mechanism, { readonly mechanism: Name }>['options']
>;

export interface ExpectedCalls {
  /** Each must be seen; of a list at least one. Nothing else may be seen. */
  readonly must: readonly (string | readonly string[])[];
  /** What must be seen begins in the order in which it is listed. */
  readonly inOrder?: boolean;
  /** May be seen as well. */
  readonly may?: readonly string[];
  /** The calls that bring bytes in, and the most that one of them asks for; null where no limit is stated. */
  readonly bytes?: { readonly of: readonly string[]; readonly most: number | null; readonly whole?: boolean };
  /** Calls that must not come from the thread that mapped or opened: threads of their own make them. */
  readonly elsewhere?: readonly string[];
}

/** Plain calls that read into memory: which of them a C or C++ library takes is its own choice. */
const streamReads = ['read', 'readv', 'pread64', 'preadv'];
const MiB = 1024 * 1024;

interface ArenaLike {
  readonly arena?: 'plain' | 'thp' | 'hugetlb';
  readonly prefault?: boolean;
  readonly numaNode?: number;
}

function arenaCalls({ arena, prefault, numaNode }: ArenaLike): Required<Pick<ExpectedCalls, 'must' | 'may'>> {
  const must: string[] = [];
  if (arena === 'thp') must.push('memory MADV_HUGEPAGE');
  if (arena === 'hugetlb') must.push('memory MAP_HUGETLB');
  if (numaNode !== undefined) must.push('mbind');
  if (prefault === true) must.push('memory MADV_POPULATE_WRITE');
  return { must, may: [] };
}

/** Some file systems want memory to be there before a direct read fills it. */
const beforeDirect = 'memory MADV_POPULATE_WRITE';

function mappingCalls(options: OptionsOf<'mmap'>): ExpectedCalls {
  const must: string[] = [];
  if (options.sequentialFile === true) must.push('fadvise POSIX_FADV_SEQUENTIAL');
  must.push(`map ${options.sharing}`);
  if (options.populate === true) must.push('map populate');
  if (options.dirtied === true) must.push('map writable');
  for (const advice of options.advice ?? []) must.push(`advise MADV_${advice.toUpperCase()}`);
  const bringing = {
    willneed: 'advise MADV_WILLNEED',
    'populate-read': 'advise MADV_POPULATE_READ',
    readahead: 'readahead',
    read: 'pread64',
    touch: null,
  };
  const call = options.bring === undefined ? null : bringing[options.bring];
  if (call !== null) must.push(call);
  if (options.lock === 'all') must.push('mlock');
  if (options.lock === 'on-fault') must.push('mlock2 on-fault');
  if (options.unmapUnused === true) must.push('unmap');
  if (call === null) return { must, inOrder: true };
  const chunk = options.chunkBytes ?? (options.bring === 'read' ? MiB : 0);
  const apart = options.pipelined === true || (options.threads ?? 1) > 1;
  return {
    must,
    inOrder: options.pipelined !== true,
    bytes: { of: [call], most: chunk === 0 ? null : chunk, whole: chunk === 0 },
    ...(apart ? { elsewhere: [call] } : {}),
  };
}

/** Null where only the loader's author can say, as for a library. */
export function expectedCalls(loader: LoaderDefinition): ExpectedCalls | null {
  switch (loader.mechanism) {
    case 'null':
      return { must: [] };
    case 'cxx-stream':
    case 'stdio':
      return { must: [streamReads] };
    case 'read': {
      const { chunkBytes = MiB, ...memory } = loader.options ?? {};
      const { must, may } = arenaCalls(memory);
      return { must: ['read', ...must], may, bytes: { of: ['read'], most: chunkBytes } };
    }
    case 'pread': {
      const { chunkBytes, dontCache = false, threads = 1, pipelined = false, ...memory } = loader.options ?? {};
      const { must, may } = arenaCalls(memory);
      const reads = dontCache ? ['preadv2 dontcache'] : ['pread64', 'preadv', 'preadv2'];
      return {
        must: [reads, ...must],
        may,
        bytes: { of: reads, most: chunkBytes ?? null },
        ...(pipelined || threads > 1 ? { elsewhere: reads } : {}),
      };
    }
    case 'direct': {
      const { chunkBytes, threads = 1, pipelined = false, ...memory } = loader.options ?? {};
      const { must, may } = arenaCalls(memory);
      const reads = ['pread64 direct', 'preadv direct', 'preadv2 direct'];
      return {
        must: ['open direct', reads, ...must],
        may: [...may, beforeDirect],
        bytes: { of: reads, most: chunkBytes ?? null },
        ...(pipelined || threads > 1 ? { elsewhere: reads } : {}),
      };
    }
    case 'uring': {
      const { direct, registered = false, ...memory } = loader.options;
      const { must, may } = arenaCalls(memory);
      return {
        must: [
          'ring',
          ...(direct ? ['open direct'] : []),
          ...(registered
            ? [
                ['ring IORING_REGISTER_BUFFERS', 'ring IORING_REGISTER_BUFFERS2'],
                ['ring IORING_REGISTER_FILES', 'ring IORING_REGISTER_FILES2'],
              ]
            : []),
          ...must,
        ],
        may: [
          ...may,
          'ring IORING_REGISTER_PROBE',
          ...(direct ? [beforeDirect] : []),
          // A table of buffers is filled one by one, and given back before the ring is closed.
          ...(registered ? ['ring IORING_REGISTER_BUFFERS_UPDATE', 'ring IORING_UNREGISTER_BUFFERS'] : []),
        ],
      };
    }
    case 'mmap':
      return mappingCalls(loader.options);
    case 'hybrid':
      // It maps what is cached, and takes for the rest the road that the machine's state allows.
      return {
        must: [['map shared', 'open direct']],
        may: [
          ...['advise MADV_HUGEPAGE', 'advise MADV_POPULATE_READ', 'advise MADV_WILLNEED', 'pread64 direct', 'ring'],
          ...['ring IORING_REGISTER_BUFFERS', 'ring IORING_REGISTER_FILES', 'memory MADV_HUGEPAGE'],
          ...['memory MAP_HUGETLB', 'memory MADV_POPULATE_WRITE'],
        ],
      };
    case 'discard': {
      const { direct, chunkBytes = MiB, threads = 1 } = loader.options;
      const reads = direct ? 'pread64 direct' : 'pread64';
      return {
        must: [reads, ...(direct ? ['open direct'] : [])],
        may: direct ? [beforeDirect] : [],
        bytes: { of: [reads], most: chunkBytes },
        ...(threads > 1 ? { elsewhere: [reads] } : {}),
      };
    }
    case 'callback':
      // JavaScript has no other way to a file than to read it.
      return { must: [streamReads] };
    case 'external':
      return null;
  }
}
