import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'read-hugetlb',
  mechanism: 'read',
  why: 'read with an arena from the reserved pool of 2 MiB pages (vm.nr_hugepages): certain to be huge, set aside before the load begins, and never swapped. The pool is memory that nobody else can use, loaded model or not, and counts in full. A page must still be cleared at its first touch. Unsupported where the pool has too few free pages.',
  options: { chunkBytes: 1024 * 1024, arena: 'hugetlb' },
});
