import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-willneed-chunked',
  mechanism: 'mmap',
  why: "MADV_WILLNEED in calls of 512 KiB, in the order in which the forward pass needs the tensors. Each call is short enough not to be cut to the read-ahead window of common devices, so that the whole model is asked for and not its first megabytes. The calls submit reads and do not wait for them, but block once the device's queue is full: much of the reading then happens inside load, and the page tables are still empty when it returns.",
  options: { sharing: 'shared', bring: 'willneed', chunkBytes: 512 * 1024 },
});
