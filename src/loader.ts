/**
 * A loader is a named strategy: one mechanism plus its options. It is data; the mechanism is native code
 * (`native/loaders/`). A file in `loaders/` states one as its default export.
 */

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
      readonly options?: { readonly chunkBytes?: number };
    }
  | {
      readonly mechanism: 'mmap';
      readonly options: {
        readonly sharing: 'shared' | 'private';
        /** MAP_POPULATE */
        readonly populate?: boolean;
        /** One madvise(2) call over the whole mapping for each, in this order. */
        readonly advice?: readonly 'willneed'[];
      };
    }
  | {
      readonly mechanism: 'direct';
      /** `chunkBytes`: size of one O_DIRECT read. */
      readonly options?: { readonly chunkBytes?: number };
    };

export type LoaderDefinition = Mechanism & {
  /** Lower-case words joined by hyphens; the mechanism comes first, then what makes it special. */
  readonly name: string;
  /** One paragraph: why anybody would load this way, and what to expect. */
  readonly why: string;
};

/** States a loader. Returns its argument; it exists for the types. */
export function defineLoader(definition: LoaderDefinition): LoaderDefinition {
  return definition;
}

/**
 * Mechanisms that read the device whatever the page cache holds. For them a warm state does not exist: a warm sample that
 * issues reads would not be warm.
 */
export const bypassesPageCache: Readonly<Record<Mechanism['mechanism'], boolean>> = {
  null: false,
  'cxx-stream': false,
  stdio: false,
  read: false,
  mmap: false,
  direct: true,
};
