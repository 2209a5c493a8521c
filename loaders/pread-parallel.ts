import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'pread-parallel',
  mechanism: 'pread',
  why: "Four threads, each taking the next chunk of 4 MiB with pread(2): the copy out of the page cache and the first touch of the arena are spread over processors, and from cold several reads wait at the device at once. Expect up to as many times read as there are idle processors when warm, until memory bandwidth ends it; from cold the threads disturb the kernel's read-ahead, which follows one reader.",
  options: { chunkBytes: 4 * 1024 * 1024, threads: 4 },
});
