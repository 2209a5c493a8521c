import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-locked-on-fault',
  mechanism: 'mmap',
  why: "mlock2(MLOCK_ONFAULT), Linux 4.4: locks each page when it is first touched and brings in none itself. Load is as short as a plain map's and the first token as long, but from the second on no weight can be lost to memory pressure. It counts its whole size against the limit of locked memory (ulimit -l) all the same.",
  options: { sharing: 'shared', lock: 'on-fault' },
});
