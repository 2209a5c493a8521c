import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'dontcache',
  mechanism: 'pread',
  why: 'preadv2(2) with RWF_DONTCACHE (Linux 6.14): reads go through the page cache, with its read-ahead and without rules of alignment, but the pages are dropped once they are copied. The model is held once, as with direct, and nothing else is pushed out of the cache; a second load reads the device again. Pages that were cached before stay. Unsupported on older kernels and on file systems that do not take part.',
  options: { chunkBytes: 4 * 1024 * 1024, dontCache: true },
});
