import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-populate-read-chunked',
  mechanism: 'mmap',
  why: 'MADV_POPULATE_READ in calls of 4 MiB, in the order in which the forward pass needs the tensors, and only where tensors lie. One thread does the same work as with a single call; what differs is the order, and that nothing between the tensors is brought in. It is the control for the parallel and the pipelined variant.',
  options: { sharing: 'shared', bring: 'populate-read', chunkBytes: 4 * 1024 * 1024 },
});
