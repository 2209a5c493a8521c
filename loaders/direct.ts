import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'direct',
  mechanism: 'direct',
  why: 'O_DIRECT reads of 4 MiB, aligned as statx(STATX_DIOALIGN) asks: the device writes into the arena itself, no copy is made and the page cache keeps nothing, so that the model is held once, though in memory that cannot be reclaimed. One read at a time leaves a fast device idle in between, and a second load asks the device again: the page cache of this system holds nothing of it, though in a virtual machine the host may have kept it. A file system without direct I/O, such as tmpfs, makes it unsupported.',
  options: { chunkBytes: 4 * 1024 * 1024 },
});
