import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-read-parallel',
  mechanism: 'mmap',
  why: 'Four threads read the file by pread(2) in calls of 1 MiB into small buffers that are thrown away; what remains is a full page cache, and the mapping is used afterwards. Buffered reads keep more of a device busy than faults do and leave pages as cheap to map as they can be, at the price of one copy into hot memory. Load waits for all of them; the first token pays minor faults only.',
  options: { sharing: 'shared', bring: 'read', chunkBytes: 1024 * 1024, threads: 4 },
});
