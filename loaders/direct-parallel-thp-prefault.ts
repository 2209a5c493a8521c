import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'direct-parallel-thp-prefault',
  mechanism: 'direct',
  why: "direct-parallel into transparent huge pages touched ahead: the device writes into memory that is there, in long runs of physical addresses, so that requests are not split into small pages. Expect it between direct-parallel and the device's own limit, and compare it with the uring loaders to see what threads cost against a queue.",
  options: { chunkBytes: 4 * 1024 * 1024, threads: 4, arena: 'thp', prefault: true },
});
