import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'uring-direct-hugetlb-prefault-pipelined',
  mechanism: 'uring',
  why: 'The same as uring-direct-thp-prefault-pipelined with an arena from the reserved pool of 2 MiB pages. Pages of a pool that was used before are backed by the host and are not given back between loads, so that first touch stays fast in either state of free memory. The pool is paid for all the time and counts in full; unsupported where it has too few free pages.',
  options: { direct: true, blockBytes: 1024 * 1024, depth: 8, arena: 'hugetlb', prefault: true, pipelined: true },
});
