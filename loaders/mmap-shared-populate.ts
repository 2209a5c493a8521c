import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-populate',
  mechanism: 'mmap',
  why: 'MAP_POPULATE reads the whole file in and fills the page tables before mmap returns, so that the first token meets no fault: the price of mmap-shared, paid up front and in file order by one thread of the kernel. It reports no failure: under memory pressure pages may be gone again when they are needed.',
  options: { sharing: 'shared', populate: true },
});
