/** Files that appear whole or not at all. */
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from './make-directory.js';

/** Makes the directory too. Throws what the system refuses, and leaves nothing half written then. */
export function writeWhole(path: string, chunks: Iterable<string | Uint8Array>): void {
  makeDirectory(dirname(path));
  // Another process may write the same file.
  const partial = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(partial, 'w', 0o644);
    try {
      for (const chunk of chunks) writeFileSync(file, chunk);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
