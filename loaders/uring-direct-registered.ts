import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'uring-direct-registered',
  mechanism: 'uring',
  why: "uring-direct with files and buffers registered: the kernel takes hold of the arena's pages once, 2 MiB at a time as the reads get there, instead of once a read, and looks files up no more (IORING_OP_READ_FIXED). That saves a little of each request; a load writes each page just once, so that there is little to save. The pages are locked while it loads and count against RLIMIT_MEMLOCK: not permitted where that is too low.",
  options: { direct: true, blockBytes: 1024 * 1024, depth: 8, registered: true },
});
