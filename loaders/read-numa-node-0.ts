import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'read-numa-node-0',
  mechanism: 'read',
  why: 'read with the arena bound to NUMA node 0 (mbind MPOL_BIND): on a machine with several nodes, all weights lie next to the processors of that one, whichever thread touched them first. Fast for inference that is pinned there and slow for one that is not. Where the pages lie is read back. Unsupported on a machine with one node, where there is nothing to choose.',
  options: { chunkBytes: 1024 * 1024, numaNode: 0 },
});
