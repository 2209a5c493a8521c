import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-hugepage-populate-read-pipelined',
  mechanism: 'mmap',
  why: 'Everything a map can do at once: MADV_HUGEPAGE, so that the page cache takes large folios, and two threads that run MADV_POPULATE_READ in calls of 4 MiB ahead of the forward pass, in its order, while load has already returned. The first token is computed while later layers still arrive, and a page that is not there yet is simply faulted in by whoever needs it first. Nobody waits for the threads; look at the settled time as well.',
  options: {
    sharing: 'shared',
    advice: ['hugepage'],
    bring: 'populate-read',
    chunkBytes: 4 * 1024 * 1024,
    threads: 2,
    pipelined: true,
  },
});
