import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'direct-parallel',
  mechanism: 'direct',
  why: 'direct with four threads: four O_DIRECT reads of 4 MiB wait at the device at once, which most solid-state drives need to reach their bandwidth. It does with threads what uring-direct does with a queue; each thread takes and clears the pages of its own chunk before the device may write.',
  options: { chunkBytes: 4 * 1024 * 1024, threads: 4 },
});
