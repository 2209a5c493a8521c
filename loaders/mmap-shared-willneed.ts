import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-willneed',
  mechanism: 'mmap',
  why: "One madvise(MADV_WILLNEED) over the whole mapping asks the kernel to start reading before the first fault. A single call is cut to about the larger of the device's read-ahead window and its largest request, often a few megabytes of a model of gigabytes: expect a head start from cold and nothing from warm.",
  options: { sharing: 'shared', bring: 'willneed', chunkBytes: 0 },
});
