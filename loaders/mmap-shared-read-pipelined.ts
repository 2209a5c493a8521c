import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-read-pipelined',
  mechanism: 'mmap',
  why: 'Two threads fill the page cache by pread(2) of 1 MiB into small buffers that are thrown away, ahead of the forward pass and in its order; load returns at once. The pass maps what is cached by minor faults and, where it overtakes the readers, reads by its own. It needs no kernel newer than pread, and so is the portable way to hide the disk behind the computation.',
  options: { sharing: 'shared', bring: 'read', chunkBytes: 1024 * 1024, threads: 2, pipelined: true },
});
