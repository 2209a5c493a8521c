/** The run that a command line names. */
import { basename, dirname, resolve } from 'node:path';
import { LEDGER_FILE } from '../samples/ledger.js';

/** A run's directory, or the ledger in it. */
export function runDirectory(run: string): string {
  const path = resolve(run);
  return basename(path) === LEDGER_FILE ? dirname(path) : path;
}
