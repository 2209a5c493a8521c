import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'pread-parallel-pipelined',
  mechanism: 'pread',
  why: 'pread-parallel in the order in which the forward pass needs tensors, with load returning at once: the first layers are computed while later ones are read. Load looks instant and is not; time to first token tells what the overlap saves, at most the shorter of reading and computing. Reader threads and the computation share the processors.',
  options: { chunkBytes: 4 * 1024 * 1024, threads: 4, pipelined: true },
});
