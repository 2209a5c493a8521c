import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-populate-read-parallel',
  mechanism: 'mmap',
  why: 'MADV_POPULATE_READ in calls of 4 MiB by four threads, each taking the next piece that the forward pass needs. Several windows of read-ahead are then in flight, which a fast device needs, and page tables are filled on several processors; load returns when all is there. Where there are fewer processors than threads, they compete; where one thread already fills the device, nothing is gained.',
  options: { sharing: 'shared', bring: 'populate-read', chunkBytes: 4 * 1024 * 1024, threads: 4 },
});
