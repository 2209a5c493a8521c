import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'mmap-shared-touch-pipelined',
  mechanism: 'mmap',
  why: 'A background thread reads one byte of each page, in the order of the forward pass, while the first token is already being computed: what programs do that know nothing but mmap. Its faults fill the page tables that the forward pass uses, one window of read-ahead at a time; where the computation is slower than the device, most of the waiting disappears. A file that shrinks meanwhile ends the process, as with any map.',
  options: { sharing: 'shared', bring: 'touch', chunkBytes: 1024 * 1024, pipelined: true },
});
