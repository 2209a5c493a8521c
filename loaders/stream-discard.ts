import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'stream-discard',
  mechanism: 'discard',
  why: "A bound, not a loader: four threads read every tensor byte through the page cache in calls of 1 MiB, each into one small buffer that stays in the processor's cache, and keep nothing. What a buffered reader takes longer than this is what its own memory costs: filling it, and getting it from the system at all.",
  options: { direct: false, chunkBytes: 1024 * 1024, threads: 4 },
});
