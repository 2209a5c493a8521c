/**
 * Which version of a user's loader was weighed. A path alone would let a file that was edited between two samples, or
 * before a run goes on, be taken for the one that was weighed first.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface LoaderFiles {
  readonly module: string;
  readonly mechanism: string;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** The file that the user named and, where it names a library, that one. */
function filesOf({ module, mechanism, options = {} }: LoaderFiles): readonly string[] {
  const { library } = options;
  return mechanism === 'external' && typeof library === 'string' && library !== module ? [module, library] : [module];
}

/** Of what cannot be read: the loader itself says why, where it is used. */
const UNREADABLE = 'unreadable';

function digestOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
  } catch {
    return UNREADABLE;
  }
}

/** The first 16 hex digits of each file's SHA-256, joined by `+`. What the files import in turn is not in it. */
export function moduleDigest(files: LoaderFiles): string {
  return filesOf(files).map(digestOf).join('+');
}

/** The first file that is no longer what the digest states; null where all are. */
export function changedFile(files: LoaderFiles, digest: string): string | null {
  const known = digest.split('+');
  return filesOf(files).find((path, index) => digestOf(path) !== known[index]) ?? null;
}
