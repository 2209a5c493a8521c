import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-private-dirtied',
  mechanism: 'mmap',
  why: 'The real counter-example to sharing. A private mapping with PROT_WRITE, one byte written in each page: the kernel copies every page of the page cache into memory of this process alone, so that the model is held twice, no second process shares the copy, and none of it can be dropped without swap. It is what a program pays that maps privately and then changes weights in place, byte order or repacking among the reasons. Expect the time of a copying loader plus a fault for every page of 4 KiB.',
  options: { sharing: 'private', dirtied: true },
});
