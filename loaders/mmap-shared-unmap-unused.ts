import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-unmap-unused',
  mechanism: 'mmap',
  why: "Maps the file and gives back by munmap(2) the whole pages before the first and behind the last tensor of each part: the header with its vocabulary, which nothing reads through the mapping. That saves address space and page tables and no page cache, so that every figure should equal mmap-shared's; where it differs, suspect the noise.",
  options: { sharing: 'shared', unmapUnused: true },
});
