import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'stdio',
  mechanism: 'stdio',
  why: "fopen and one fread for each tensor, with the C library's own buffer: how most portable programs load weights, llama.cpp without mmap among them. glibc hands the aligned middle of a large fread to read(2) directly, so the cost is one copy out of the page cache and the first touch of as much anonymous memory.",
});
