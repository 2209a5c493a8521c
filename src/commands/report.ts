/** `weighbridge report`: a run as files for people and for programs. */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Argv, CommandModule } from 'yargs';
import { isClaimsDirectory, readClaims, usualOutputs, writeClaims } from '../claims-files.js';
import { UsageError, printable } from '../failure.js';
import { CsvSpool } from '../csv-spool.js';
import { makeDirectory } from '../make-directory.js';
import { SAMPLES_FILE, writePage, writeReports, type Outputs } from '../report-files.js';
import { leadOf } from '../run-lead.js';
import { LEDGER_FILE, readLedger } from '../samples/ledger.js';
import { readLedgerInParts } from '../samples/ledger-parts.js';
import { baselineSchema } from '../schema/baseline-schema.js';
import { ledgerSchema } from '../schema/ledger-schema.js';
import type { Schema } from '../schema/words.js';
import { summarize } from '../statistics/summarize.js';
import { reportSchema } from '../../reports/report-schema.js';
import { tell } from '../wrap.js';
import { runDirectory } from './run-directory.js';

const file = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

const options = {
  html: file('The page: one file that needs nothing else'),
  md: file('Markdown for a comment on a pull request'),
  json: file('Everything on the page, for programs'),
  junit: file('JUnit XML for build servers'),
  csv: file('Directory for samples and summary as CSV'),
  svg: file('Directory for the charts as SVG'),
  png: file('Directory for the charts as PNG'),
  schema: { type: 'string', describe: 'Print a JSON Schema, and nothing else: of report (--json), ledger or baseline' },
} as const;

const schemas: Readonly<Record<string, Schema>> = {
  report: reportSchema,
  ledger: ledgerSchema,
  baseline: baselineSchema,
};

const NAMES = ['html', 'md', 'json', 'junit', 'csv', 'svg', 'png'] as const;

function build(argv: Argv) {
  return argv
    .positional('runs', { type: 'string', array: true, describe: 'directory of a run or of claims, or a ledger' })
    .options(options)
    .example('$0 report weighbridge-runs/…', 'report.html and report.md beside the ledger')
    .example('$0 report weighbridge-runs/… --html page.html --png charts', 'only these')
    .example('$0 report --schema > report.schema.json', 'what --json holds')
    .example('$0 report --schema ledger', 'what a line of a ledger holds')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const reportCommand: CommandModule<object, Arguments> = {
  command: 'report [runs..]',
  describe: 'Write the page of a run, and other forms of it',
  builder: build,
  handler: async (args) => {
    if (args.schema !== undefined) {
      process.stdout.write(`${JSON.stringify(schemaNamed(args.schema), null, 2)}\n`);
      return;
    }
    const [run, ...others] = args.runs ?? [];
    if (run === undefined) throw new UsageError('name the directory of a run: weighbridge report weighbridge-runs/…');
    if (others.length > 0) {
      throw new UsageError(`a report is of one run, and ${others.length + 1} are named; make one of each`);
    }
    const directory = runDirectory(run);
    const outputs = outputsOf(args);
    if (isClaimsDirectory(directory)) {
      process.stdout.write(written(await claimsReports(directory, outputs)));
      return;
    }
    const path = join(directory, LEDGER_FILE);
    // V8 lets garbage grow to several times what is kept before it looks: a million samples took 1.8 GB so, and 0.7 GB now.
    const long = isLong(path);
    if (long) setFlagsFromString('--heap-growing-percent=40');
    const spool = long ? spoolOf(outputs?.csv ?? null) : null;
    try {
      const { ledger } = long
        ? await readLedgerInParts(directory, Math.min(MOST_READERS, availableParallelism()), spool?.start)
        : readLedger(directory, 'columns');
      const summary = summarize(ledger);
      for (const warning of ledger.warnings) tell(process.stderr, `weighbridge: ${printable(path)}: ${warning}`);
      const lead = leadOf(ledger, directory);
      if (outputs === null) {
        const { markdown, html } = await writePage(directory, { summary, ledger }, lead);
        process.stdout.write(written([markdown, html]));
      } else {
        process.stdout.write(written(await writeReports(outputs, summary, ledger, lead, spool)));
      }
    } finally {
      spool?.end();
    }
  },
};

async function claimsReports(directory: string, outputs: Outputs | null): Promise<readonly string[]> {
  if (outputs !== null && (outputs.json !== null || outputs.junit !== null)) {
    throw new UsageError(
      `${directory} holds claims, of which there is no --json and no --junit: claims.json lies there, and each part in it is a run with both`,
    );
  }
  return writeClaims(outputs ?? usualOutputs(directory), readClaims(directory));
}

/** From this size on a second thread costs less than it saves. */
const LONG_BYTES = 16e6;

function isLong(ledger: string): boolean {
  try {
    return statSync(ledger).size >= LONG_BYTES;
  } catch {
    // Reading it says why.
    return false;
  }
}

/** More would save little: what follows is one thread's work, and takes longer. */
const MOST_READERS = 4;

/** Null where no CSV is asked for. */
function spoolOf(csv: string | null): CsvSpool | null {
  if (csv === null) return null;
  makeDirectory(csv);
  return new CsvSpool(join(csv, `${SAMPLES_FILE}.${process.pid}.spool`));
}

/** Without a name that of the report. */
function schemaNamed(name: string): Schema {
  const wanted = name === '' ? 'report' : name;
  const schema = Object.hasOwn(schemas, wanted) ? schemas[wanted] : undefined;
  if (schema === undefined) {
    throw new UsageError(
      `--schema ${JSON.stringify(name)} is not known; there are: ${Object.keys(schemas).join(', ')}`,
    );
  }
  return schema;
}

function written(paths: readonly string[]): string {
  return `Written:\n${paths.map((path) => `  ${printable(path)}\n`).join('')}`;
}

/** Null where no output is named. */
function outputsOf(args: Arguments): Outputs | null {
  const named = NAMES.flatMap((name) => {
    const path = args[name];
    return path === undefined ? [] : [[name, path] as const];
  });
  const empty = named.find(([, path]) => path.trim() === '');
  if (empty !== undefined) throw new UsageError(`--${empty[0]} needs a path`);
  if (named.length === 0) return null;
  const of = (name: (typeof NAMES)[number]): string | null => {
    const path = args[name];
    return path === undefined ? null : resolve(path);
  };
  return {
    ...{ html: of('html'), md: of('md'), json: of('json'), junit: of('junit') },
    ...{ csv: of('csv'), svg: of('svg'), png: of('png') },
  };
}
