import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'read-thp-prefault',
  mechanism: 'read',
  why: 'read-thp with a second thread that touches the arena ahead of the reads (MADV_POPULATE_WRITE, 2 MiB at a time): clearing pages and copying into them then happen on two processors instead of one after the other. Expect a gain where a processor is idle during the load, most of all when free memory is slow to touch, and none on one processor.',
  options: { chunkBytes: 1024 * 1024, arena: 'thp', prefault: true },
});
