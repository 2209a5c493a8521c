/** Directories made where they are missing, and gone again where nothing came into them. */
import { mkdirSync, rmdirSync, statSync } from 'node:fs';
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

/** Directories that a run makes. What is empty of them when it ends is removed; what was there before stays. */
export class MadeDirectories {
  readonly #made: string[] = [];

  make(path: string): void {
    this.#made.push(...makeDirectory(path));
  }

  removeEmpty(): void {
    for (const path of this.#made.splice(0).reverse()) {
      try {
        rmdirSync(path);
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!KEPT.has(code)) throw error;
      }
    }
  }
}

/** Not empty, removed by somebody else, or not to be removed: all three leave nothing to do. */
const KEPT: ReadonlySet<string> = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EACCES', 'EPERM', 'EBUSY', 'EROFS']);
