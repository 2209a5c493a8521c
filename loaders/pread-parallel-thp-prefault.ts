import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'pread-parallel-thp-prefault',
  mechanism: 'pread',
  why: 'pread-parallel into transparent huge pages that another thread touches ahead: everything a copying loader can do about first touch at once. What is left beside the copy itself is what the page cache costs.',
  options: { chunkBytes: 4 * 1024 * 1024, threads: 4, arena: 'thp', prefault: true },
});
