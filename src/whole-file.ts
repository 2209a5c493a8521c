/** Files that appear whole or not at all. */
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Throws what the system refuses, and leaves nothing half written then. */
export function writeWhole(path: string, chunks: Iterable<string | Uint8Array>): void {
  const partial = `${path}.tmp`;
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
