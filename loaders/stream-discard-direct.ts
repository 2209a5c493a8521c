import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'stream-discard-direct',
  mechanism: 'discard',
  why: 'A bound, not a loader: eight threads read every tensor byte with O_DIRECT in calls of 1 MiB, each into one small buffer that stays hot, and keep nothing. The device and the way to it, with no memory to fill: compare it with the ceiling, which reads the same bytes with the engine and depth that suit the device best.',
  options: { direct: true, chunkBytes: 1024 * 1024, threads: 8 },
});
