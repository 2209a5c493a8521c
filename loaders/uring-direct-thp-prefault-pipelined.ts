import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'uring-direct-thp-prefault-pipelined',
  mechanism: 'uring',
  why: 'uring-direct into transparent huge pages that a thread touches ahead, in the order of the forward pass, with load returning at once. Device, first touch and computation overlap: the time to first token can come down to the slowest of the three. Free memory that is slow to touch, as in a virtual machine that gave it back, makes first touch that one.',
  options: { direct: true, blockBytes: 1024 * 1024, depth: 8, arena: 'thp', prefault: true, pipelined: true },
});
