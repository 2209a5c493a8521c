import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'stdio-16m',
  mechanism: 'stdio',
  why: 'stdio with a buffer of 16 MiB (setvbuf), larger than most tensors of a small model: those then go through the buffer and are copied twice, once by the kernel and once by the C library. It shows how far a buffer can be enlarged before it costs.',
  options: { bufferBytes: 16 * 1024 * 1024 },
});
