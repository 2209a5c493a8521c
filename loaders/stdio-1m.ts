import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'stdio-1m',
  mechanism: 'stdio',
  why: 'stdio with a buffer of 1 MiB (setvbuf), as llama.cpp gave its streams in 2023. Tensors that are larger still go straight to read(2), all but their ends; ends and smaller tensors pass through the buffer and are copied twice. Expect it within the noise of stdio.',
  options: { bufferBytes: 1024 * 1024 },
});
