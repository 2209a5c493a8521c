import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-readahead',
  mechanism: 'mmap',
  why: "One readahead(2) over the whole file before the first fault. The manual page promises that it reads all that was asked for; the kernel cuts each call to the larger of the read-ahead window and the device's largest request, just as with MADV_WILLNEED, and says nothing. Expect mmap-shared-willneed's figures: the two are the same function of the kernel reached by two calls.",
  options: { sharing: 'shared', bring: 'readahead', chunkBytes: 0 },
});
