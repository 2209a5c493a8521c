import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-private',
  mechanism: 'mmap',
  why: 'A control. MAP_PRIVATE and read-only, it shares the pages of the page cache with every other process just as MAP_SHARED does: sharing comes from mapping a file, not from the flag. It must measure the same as mmap-shared; where it does not, suspect the noise.',
  options: { sharing: 'private' },
});
