import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'read-thp',
  mechanism: 'read',
  why: "read with an arena in transparent huge pages (madvise MADV_HUGEPAGE): the first touch of memory takes one fault for 2 MiB instead of 512, and the kernel clears the same bytes with less work around it. Expect it wherever read spends its time on first touch; tensors also need fewer entries of the processor's address cache later. Where memory is fragmented the kernel may give small pages: what it gave is read back.",
  options: { chunkBytes: 1024 * 1024, arena: 'thp' },
});
