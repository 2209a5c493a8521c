/** Writes what is derived from a ledger beside it. Each file appears whole or not at all. */
import { join } from 'node:path';
import type { RunResult } from './pipeline.js';
import { LEDGER_FILE } from './samples/ledger.js';
import { writeWhole } from './whole-file.js';
import { groupsCsv } from '../reports/groups-csv.js';
import { samplesCsvChunks } from '../reports/samples-csv.js';
import { summaryCsv } from '../reports/summary-csv.js';
import { summaryJson } from '../reports/summary-json.js';

/** Returns the paths of all files of the run, the ledger first. */
export function writeRun(directory: string, { ledger, summary, tinybench }: RunResult): string[] {
  const files: Readonly<Record<string, Iterable<string>>> = {
    'summary.json': [summaryJson({ ...summary, tinybench })],
    'samples.csv': samplesCsvChunks(ledger.samples, ledger.run.arms, summary.noise.marks),
    ...(ledger.groups.length === 0 ? {} : { 'groups.csv': [groupsCsv(ledger.groups, ledger.run.arms)] }),
    'summary.csv': [summaryCsv(summary)],
  };
  const written = [join(directory, LEDGER_FILE)];
  for (const [name, chunks] of Object.entries(files)) {
    const path = join(directory, name);
    try {
      writeWhole(path, chunks);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${path} cannot be written (${detail}); what was measured is whole in ${join(directory, LEDGER_FILE)}`,
        {
          cause: error,
        },
      );
    }
    written.push(path);
  }
  return written;
}
