/** Programs as execvp(3) finds them: before a run begins, so that a name mistyped costs no time. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What glibc takes where PATH is unset. */
const USUAL_PATH = '/bin:/usr/bin';

/** Why the program cannot be run, and what to do; null where it is there. */
export function problemOfProgram(name: string): string | null {
  if (name.includes('/')) {
    const found = lookedAt(name);
    if (found === 'missing') return `there is no program ${name}; give another path`;
    return found === 'runs'
      ? null
      : `${name} is no program that may be run; make it one (chmod +x), or give another path`;
  }
  const places = (process.env['PATH'] ?? USUAL_PATH).split(delimiter);
  const found = places.map((place) => lookedAt(join(place === '' ? '.' : place, name)));
  return found.includes('runs')
    ? null
    : `there is no program ${name} in the folders of PATH; install it, or give its path`;
}

function lookedAt(path: string): 'runs' | 'barred' | 'missing' {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return 'missing';
    accessSync(path, constants.X_OK);
    return status.isFile() ? 'runs' : 'barred';
  } catch {
    return 'barred';
  }
}
