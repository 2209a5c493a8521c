import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-hugepage',
  mechanism: 'mmap',
  why: 'MADV_HUGEPAGE over the mapping: where the file system keeps large folios (ext4 since Linux 6.16, xfs) or the kernel has CONFIG_READ_ONLY_THP_FOR_FS, a fault reads and maps 2 MiB at once. Without it a fault of a cached file maps the up to 16 pages around it (fault-around, 64 KiB), so that expect up to 32 times fewer faults, fewer page tables, and fewer misses of the address translation in every later token. Elsewhere the advice is accepted and changes nothing, so what was really mapped by huge pages is read back, and too little of it is a warning.',
  options: { sharing: 'shared', advice: ['hugepage'] },
});
