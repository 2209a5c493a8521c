import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'stdio-64k',
  mechanism: 'stdio',
  why: "stdio with a buffer of 64 KiB (setvbuf), sixteen times the C library's usual 4 KiB. glibc fills its buffer only for the ends of a large fread and hands the middle to read(2), so expect no difference from stdio with large tensors: a control for the advice to enlarge the buffer.",
  options: { bufferBytes: 64 * 1024 },
});
