import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-populate-read',
  mechanism: 'mmap',
  why: 'One MADV_POPULATE_READ (Linux 5.14) over the whole mapping: it reads everything in and fills the page tables, as MAP_POPULATE does, but reports what fails and copies nothing in a private mapping. One thread of the kernel works through the file in order and waits for each window of read-ahead, so that a fast device idles in between. An older kernel makes it unsupported.',
  options: { sharing: 'shared', bring: 'populate-read', chunkBytes: 0 },
});
