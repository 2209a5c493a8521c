import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-readahead-chunked',
  mechanism: 'mmap',
  why: "readahead(2) in calls of 512 KiB, in the order in which the forward pass needs the tensors: the whole model is asked for. Reads are submitted, not awaited, until the device's queue is full; pages are cached and not mapped, so that the first token still pays a minor fault for each stretch that fault-around covers.",
  options: { sharing: 'shared', bring: 'readahead', chunkBytes: 512 * 1024 },
});
