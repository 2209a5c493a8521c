import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'direct-parallel-thp-prefault-pipelined',
  mechanism: 'direct',
  why: 'direct-parallel-thp-prefault in the order of the forward pass, with load returning at once and inference waiting only for tensors that have not come. The threads sleep while the device works, so that they leave the processors to the computation.',
  options: { chunkBytes: 4 * 1024 * 1024, threads: 4, arena: 'thp', prefault: true, pipelined: true },
});
