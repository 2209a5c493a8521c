import { defineLoader } from '../src/loader.js';

export default defineLoader({
  name: 'read',
  mechanism: 'read',
  why: "read(2) in calls of 1 MiB, front to back, into one arena: the plainest eager load, and the reference whose logits all others must equal. The sequential order suits the kernel's read-ahead and network file systems; the copy and the anonymous memory cost the same as with stdio.",
  options: { chunkBytes: 1024 * 1024 },
});
