/** Directories made where they are missing. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from './failure.js';

/**
 * Makes a directory and the missing ones above it, and returns those that it made, the outermost first. Node's own
 * recursive mkdir never returns where a file system refuses with ENOENT under a parent that exists, as /proc does.
 */
export function makeDirectory(path: string): readonly string[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() === true) return [];
  if (status !== undefined) throw new UsageError(`${path} is a file, not a directory; give another path`);
  const above = makeDirectory(dirname(path));
  mkdirSync(path);
  return [...above, path];
}
