import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-locked',
  mechanism: 'mmap',
  why: 'mlock(2) over the mapping, as llama.cpp does with --mlock: it reads everything in, maps it, and the pages cannot be reclaimed until the mapping goes, so that no later token waits for the disk. They remain shared page cache, but memory that other programs can no longer have. The usual limit of 8 MiB (ulimit -l) forbids it to most users; then it is not permitted, and never a map that is merely not locked.',
  options: { sharing: 'shared', lock: 'all' },
});
