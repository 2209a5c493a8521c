import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'uring-direct',
  mechanism: 'uring',
  why: 'io_uring with O_DIRECT: 8 reads of 1 MiB in flight from one thread, from the device into place, past the page cache. No copy and no crowd of threads; what remains beside the device is taking and clearing the pages of the arena, which the one thread does as it submits.',
  options: { direct: true, blockBytes: 1024 * 1024, depth: 8 },
});
