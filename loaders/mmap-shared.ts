import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared',
  mechanism: 'mmap',
  why: 'Maps the file and returns: no copy, no anonymous memory, one cached copy for all processes, and a load in microseconds whatever the size. The work is not gone but put off: the first token faults every page in, from cold through the small window of fault-time read-ahead. Look at time to first token, never at load alone.',
  options: { sharing: 'shared' },
});
