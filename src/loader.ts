/**
 * A loader is a named strategy: one mechanism plus its options. It is data; the mechanism is native code
 * (`native/loaders/`). A file in `loaders/` states one as its default export.
 */

/** The memory that a copying loader fills. */
type ArenaOptions = {
  /**
   * Its pages: `plain` as the system gives them (default), `thp` with madvise(MADV_HUGEPAGE), `hugetlb` from the reserved
   * pool of 2 MiB pages.
   */
  readonly arena?: 'plain' | 'thp' | 'hugetlb';
  /** A thread touches the memory ahead of the reads. */
  readonly prefault?: boolean;
  /** mbind(2) to this NUMA node. */
  readonly numaNode?: number;
};

/** Options of each mechanism. Sizes are in bytes. */
export type Mechanism =
  | { readonly mechanism: 'null'; readonly options?: Record<string, never> }
  | {
      readonly mechanism: 'cxx-stream';
      /** `bufferBytes`: size of the stream's buffer (pubsetbuf). */
      readonly options?: { readonly bufferBytes?: number };
    }
  | {
      readonly mechanism: 'stdio';
      /** `bufferBytes`: setvbuf; 0 leaves the C library's own. */
      readonly options?: { readonly bufferBytes?: number };
    }
  | {
      readonly mechanism: 'read';
      /** `chunkBytes`: size of one read(2) call. */
      readonly options?: ArenaOptions & { readonly chunkBytes?: number };
    }
  | {
      readonly mechanism: 'pread';
      readonly options?: ArenaOptions & {
        /** Size of one pread(2) call. */
        readonly chunkBytes?: number;
        readonly threads?: number;
        /** preadv2(RWF_DONTCACHE): the page cache drops the pages behind. */
        readonly dontCache?: boolean;
        /** load returns at once; the threads read on in the order of the forward pass, which waits where it must. */
        readonly pipelined?: boolean;
      };
    }
  | {
      readonly mechanism: 'direct';
      readonly options?: ArenaOptions & {
        /** Size of one O_DIRECT read. */
        readonly chunkBytes?: number;
        readonly threads?: number;
        readonly pipelined?: boolean;
      };
    }
  | {
      readonly mechanism: 'uring';
      readonly options: ArenaOptions & {
        /** O_DIRECT, or through the page cache. */
        readonly direct: boolean;
        readonly blockBytes?: number;
        /** Reads in flight. */
        readonly depth?: number;
        /** IORING_REGISTER_BUFFERS over the arena, IORING_REGISTER_FILES for the parts. */
        readonly registered?: boolean;
        readonly pipelined?: boolean;
      };
    }
  | {
      readonly mechanism: 'mmap';
      readonly options: {
        readonly sharing: 'shared' | 'private';
        /** PROT_WRITE and one byte written in each page: every page becomes a private copy. Private only. */
        readonly dirtied?: boolean;
        /** MAP_POPULATE */
        readonly populate?: boolean;
        /** posix_fadvise(POSIX_FADV_SEQUENTIAL) on the open file before it is mapped. */
        readonly sequentialFile?: boolean;
        /** One madvise(2) call over the whole mapping for each, in this order. */
        readonly advice?: readonly ('sequential' | 'random' | 'hugepage')[];
        /**
         * How pages are brought in once the mapping is there: `willneed` madvise(MADV_WILLNEED), `populate-read`
         * madvise(MADV_POPULATE_READ), `readahead` readahead(2), `touch` one byte read in each page, `read` pread(2) into a
         * small buffer that is thrown away, which fills the page cache.
         */
        readonly bring?: 'willneed' | 'populate-read' | 'readahead' | 'touch' | 'read';
        /** Bytes of one such call; 0 for the whole mapping at once (not for `touch` and `read`). */
        readonly chunkBytes?: number;
        /** Threads that bring. */
        readonly threads?: number;
        /** load returns at once; the threads run on ahead of the forward pass, in its order, and nobody waits for them. */
        readonly pipelined?: boolean;
        /** mlock(2), or mlock2(MLOCK_ONFAULT). */
        readonly lock?: 'all' | 'on-fault';
        /** munmap(2) of what lies before the first and behind the last tensor of each part, once it is loaded. */
        readonly unmapUnused?: boolean;
      };
    }
  | {
      readonly mechanism: 'hybrid';
      /** `road`: how what is not resident is brought in; `auto` (default) asks page cache and free memory. */
      readonly options?: { readonly road?: 'auto' | 'map' | 'map-ahead' | 'huge-map' | 'readahead' | 'pool' };
    }
  | {
      readonly mechanism: 'discard';
      /** Reads every tensor byte into one small hot buffer and keeps nothing: a bound, not a loader. */
      readonly options: { readonly direct: boolean; readonly chunkBytes?: number; readonly threads?: number };
    }
  | {
      readonly mechanism: 'callback';
      readonly options?: Record<string, never>;
      /** Brings the bytes, synchronously. Runs inside the timed interval, in the sample's own process. */
      readonly load: LoadFunction;
    }
  | {
      readonly mechanism: 'external';
      /** A shared library that exports what native/loaders/external.h states. */
      readonly options: { readonly library: string };
    };

/** A part of a model, for a `callback` loader. */
export interface LoadPart {
  readonly path: string;
  /** Bytes of the file. */
  readonly bytes: number;
  /** The bytes that are wanted: from the first tensor byte (rounded down to a page) to the last. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Gives, for each part in order, the bytes [begin, end). They are used in place, and must begin at an address that equals
 * `begin` modulo 4096: `allocate(part)` gives such memory, not yet touched. Memory that is not from `allocate` must be
 * neither transferred nor resized while the model is open: its pages would go while they are read. Resizable buffers are
 * refused.
 */
export type LoadFunction = (
  parts: readonly LoadPart[],
  allocate: (part: LoadPart) => Uint8Array,
) => readonly Uint8Array[];

export type LoaderDefinition = Mechanism & {
  /** Lower-case words joined by hyphens; the mechanism comes first, then what makes it special. */
  readonly name: string;
  /** One paragraph: why anybody would load this way, and what to expect. */
  readonly why: string;
};

/**
 * A loader of a comparison. `module` is the absolute path of the file that a user brought, `moduleDigest` what it held
 * before it was imported; built-in ones have neither. `build` where another build than this one loads it.
 */
export type ChosenLoader = LoaderDefinition & {
  readonly module?: string;
  readonly moduleDigest?: string;
  readonly build?: OtherBuild;
};

/** Another build of weighbridge, whose addon and sample process do the work of a loader. */
export interface OtherBuild {
  readonly directory: string;
  /** Version of the tool and digest of its build. */
  readonly version: string;
}

/** States a loader. Returns its argument; it exists for the types. */
export function defineLoader<const T extends LoaderDefinition>(definition: T): T {
  return definition;
}

/**
 * Whether the mechanism, with these options, reads the device whatever the page cache holds. Then a warm state does not
 * exist: a warm sample that issues reads would not be warm.
 */
export function bypassesPageCache(mechanism: string, options: Readonly<Record<string, unknown>>): boolean {
  return mechanism === 'direct' || ((mechanism === 'uring' || mechanism === 'discard') && options['direct'] === true);
}

/**
 * Whether its weights take free memory, one copy a process. A hybrid maps wherever it does not fill the reserved pool of
 * huge pages, and that is free memory of nobody.
 */
export function copiesIntoFreeMemory({ mechanism, options = {} }: Loading): boolean {
  if (mechanism === 'mmap') return options['dirtied'] === true;
  return mechanism !== 'hybrid' && options['arena'] !== 'hugetlb';
}

interface Loading {
  readonly mechanism: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** What a loader is in a comparison: `null` measures the harness, a bound keeps nothing and is never ranked. */
export function roleOf(mechanism: string): 'loader' | 'bound' | 'harness' {
  if (mechanism === 'null') return 'harness';
  return mechanism === 'discard' ? 'bound' : 'loader';
}
