/** The directory of `claims`: of no earlier run. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UsageError, printable } from '../failure.js';
import { LEDGER_FILE } from '../samples/ledger.js';
import { CLAIM_PARTS } from '../statistics/claims-types.js';

export const CLAIMS_FILE = 'claims.json';

/**
 * Throws UsageError where the directory holds anything of an earlier run: each part would refuse to write over its own,
 * after time was spent on the others. An empty file, as a run leaves that died at once, is nothing.
 */
export function refuseEarlierClaims(directory: string): void {
  const found = [CLAIMS_FILE, ...CLAIM_PARTS].map((name) => somethingIn(join(directory, name)));
  const first = found.find((path) => path !== null);
  if (first == null) return;
  throw new UsageError(`${printable(first)} is there already, of an earlier run; give another --out`);
}

/** The path itself where it is a file with content, or stands where a directory would be made; else the first such in it. */
function somethingIn(path: string): string | null {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return null;
  if (!status.isDirectory()) return status.size > 0 || isPart(path) ? path : null;
  // The ledger is named rather than what follows from it.
  const names = readdirSync(path).sort((a, b) => Number(b === LEDGER_FILE) - Number(a === LEDGER_FILE));
  return names.map((name) => somethingIn(join(path, name))).find((each) => each !== null) ?? null;
}

const isPart = (path: string): boolean => CLAIM_PARTS.some((name) => name === basename(path));
