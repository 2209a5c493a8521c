import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { defineLoader, type LoadPart } from '../src/loader.js';

const CHUNK_BYTES = 1024 * 1024;

function readPart({ path, bytes, begin, end }: LoadPart, into: Uint8Array): void {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size !== bytes) throw new Error(`${path} is no longer as long as when its header was read`);
    for (let at = begin; at < end;) {
      const got = readSync(file, into, at - begin, Math.min(CHUNK_BYTES, end - at), at);
      if (got === 0) throw new Error(`${path} ended at byte ${at}, before its last tensor`);
      at += got;
    }
  } finally {
    closeSync(file);
  }
}

export default defineLoader({
  name: 'node-fs',
  mechanism: 'callback',
  why: 'What plain Node costs: fs.openSync and fs.readSync in steps of 1 MiB into buffers that the kernel then uses in place. Each step is one pread(2) below a call through JavaScript, so expect it a little behind read, and the same memory: one copy out of the page cache into pages that cannot be reclaimed.',
  load: (parts, allocate) =>
    parts.map((part) => {
      const bytes = allocate(part);
      readPart(part, bytes);
      return bytes;
    }),
});
