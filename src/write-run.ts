/** Writes what is derived from a ledger beside it. Each file appears whole or not at all. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from './pipeline.js';
import { LEDGER_FILE } from './samples/ledger.js';
import { samplesCsv } from '../reports/samples-csv.js';
import { summaryCsv } from '../reports/summary-csv.js';
import { summaryJson } from '../reports/summary-json.js';

/** Returns the paths of all files of the run, the ledger first. */
export function writeRun(directory: string, { ledger, summary, tinybench }: RunResult): string[] {
  const files: Readonly<Record<string, string>> = {
    'summary.json': summaryJson({ ...summary, tinybench }),
    'samples.csv': samplesCsv(ledger),
    'summary.csv': summaryCsv(summary),
  };
  const written = [join(directory, LEDGER_FILE)];
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
    written.push(path);
  }
  return written;
}
