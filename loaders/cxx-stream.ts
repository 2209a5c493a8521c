import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'cxx-stream',
  mechanism: 'cxx-stream',
  why: 'C++ streams as llama.cpp used them until March 2023: an ifstream, pubsetbuf with 1 MiB after opening, one seek and one read for each tensor into anonymous memory. libstdc++ ignores a buffer offered that late and passes large reads straight to read(2), so expect it near stdio: every byte is copied once, the model is held twice (anonymous memory and page cache), and nothing is left to fault in at the first token.',
  options: { bufferBytes: 1024 * 1024 },
});
