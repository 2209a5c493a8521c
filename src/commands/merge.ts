/** `weighbridge merge`: ledgers of shards → one ledger a machine, and its reports. */
import { basename, join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { UsageError, exitCode, printable } from '../failure.js';
import { makeDirectory } from '../make-directory.js';
import { readResult } from '../pipeline.js';
import { isEmpty } from '../run-request.js';
import { writePage } from '../report-files.js';
import { LEDGER_FILE, refuseToOverwrite } from '../samples/ledger.js';
import { piecesOfFile } from '../samples/ledger-lines.js';
import { mergeShards, type MergedLedger } from '../samples/merge.js';
import { tracesIn } from '../samples/trace-file.js';
import { runExitCode } from '../verdict.js';
import { writeAllWhole, type NewFile } from '../whole-file.js';
import { writeRun } from '../write-run.js';
import { terminalTable } from '../../reports/terminal-table.js';
import { runDirectory } from './run-directory.js';

const options = {
  out: {
    type: 'string',
    requiresArg: true,
    describe: 'Directory for ledger and reports; of several machines one below it for each',
  },
  partial: {
    type: 'boolean',
    default: false,
    describe: 'Go on without shards that are missing or incomplete; the reports say so',
  },
} as const;

function build(argv: Argv) {
  return argv
    .positional('runs', { type: 'string', array: true, describe: 'directories of all shards of a run' })
    .options(options)
    .example('$0 merge shard-1 shard-2 --out merged', 'as if one machine had weighed the plan')
    .example('$0 merge shard-* --out merged --partial', 'what there is of it')
    .version(false);
}

type Arguments = Awaited<ReturnType<ReturnType<typeof build>['parseAsync']>>;

export const mergeCommand: CommandModule<object, Arguments> = {
  command: 'merge [runs..]',
  describe: 'Put the shards of a run together',
  builder: build,
  handler: async ({ runs = [], out, partial }) => {
    if (runs.length === 0)
      throw new UsageError('name the directories of the shards: weighbridge merge shard-* --out merged');
    if (out === undefined || out.trim() === '') throw new UsageError('--out must name a directory for the merged run');
    const merged = mergeShards(runs.map(runDirectory), partial);
    const root = resolve(out);
    const placed = placesOf(root, merged);
    for (const { directory } of placed) refuseToOverwrite(directory);
    for (const { directory } of placed) makeDirectory(directory);
    writeAllWhole(placed.flatMap(filesOf));
    const codes: number[] = [];
    for (const each of placed) codes.push(await reportOn(each, placed.length));
    process.exitCode = Math.max(exitCode.ok, ...codes);
  },
};

interface Placed {
  readonly ledger: MergedLedger;
  readonly directory: string;
}

/** Of one machine the directory named; else a directory below it a ledger, named by the machine. */
function placesOf(root: string, merged: readonly MergedLedger[]): readonly Placed[] {
  return merged.map((ledger, at) => {
    if (merged.length === 1) return { ledger, directory: root };
    const name = ledger.fingerprint.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '') || 'machine';
    const twins = merged.slice(0, at).filter(({ fingerprint }) => fingerprint === ledger.fingerprint).length;
    return { ledger, directory: join(root, twins === 0 ? name : `${name}-${twins + 1}`) };
  });
}

/** The ledger, and the timelines of traced samples, of which no two shards have the same. */
function filesOf({ ledger, directory }: Placed): readonly NewFile[] {
  const traces = ledger.directories.flatMap(tracesIn).map((path): NewFile => ({
    path: join(directory, basename(path)),
    *chunks() {
      for (const { bytes } of piecesOfFile(path, 0, Infinity)) yield bytes;
    },
  }));
  return [{ path: join(directory, LEDGER_FILE), chunks: ledger.chunks }, ...traces];
}

/** The ledger is whole by now, whatever becomes of its reports. Returns the exit code that it asks for. */
async function reportOn({ ledger, directory }: Placed, machines: number): Promise<number> {
  const result = await readResult(directory);
  const lines = [
    `Merged     ${ledger.numbers.length === 1 ? 'shard' : 'shards'} ${ledger.numbers.join(', ')}, ${result.summary.samples.total} samples`,
    ...(machines === 1 ? [] : [`Machine    ${ledger.fingerprint}, a ledger of its own: machines are never pooled`]),
    ...(ledger.lacks === null ? [] : [`Partial    ${ledger.lacks}`]),
  ];
  process.stdout.write(`${lines.map(printable).join('\n')}\n\n`);
  if (isEmpty(result.ledger.run)) {
    process.stdout.write(`Written:\n  ${printable(join(directory, LEDGER_FILE))}\n`);
    return exitCode.ok;
  }
  const columns = process.stdout.isTTY ? process.stdout.columns : 80;
  process.stdout.write(terminalTable(result.report, { width: columns, bold: process.stdout.isTTY }));
  const written = [...writeRun(directory, result), ...tracesIn(directory)];
  const { markdown, html } = await writePage(directory, result);
  const paths = [...written, markdown, html].map((path) => `  ${printable(path)}\n`);
  process.stdout.write(`Written:\n${paths.join('')}`);
  // What is missing of a partial merge was told, and nobody interrupted anything now.
  const { code, message } = runExitCode({ ...result, stopped: 'complete' });
  if (message !== null) process.stderr.write(`weighbridge: ${message}\n`);
  return code;
}
