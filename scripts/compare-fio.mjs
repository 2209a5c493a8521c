/**
 * Compares our device ceiling with fio, A B A B, at the same block size and depth over the same bytes of a file:
 *   node scripts/compare-fio.mjs FILE [--rounds 5] [--block 1048576] [--depth 8] [--mebibytes 256] [--mem mmaphuge]
 * fio's buffers are in reserved 2 MiB pages (--mem=mmaphuge); with scattered 4 KiB pages requests are split and its figure
 * is another one. Another --mem is used only where it is named, and then the output names it too.
 * Exit code 2: fio is missing, has no huge pages to use, or the arguments are wrong; 1: a measurement failed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { native } from '../dist/src/native.js';

const MIB = 2 ** 20;
const HUGE_PAGE = 2 * MIB;

function refuse(message) {
  process.stderr.write(`compare-fio: ${message}\n`);
  process.exit(2);
}

function argumentsOf() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        block: { type: 'string', default: String(MIB) },
        depth: { type: 'string', default: '8' },
        mebibytes: { type: 'string', default: '256' },
        mem: { type: 'string', default: 'mmaphuge' },
      },
    });
  } catch (error) {
    return refuse(error.message);
  }
}

const { values, positionals } = argumentsOf();
const [file, ...others] = positionals;
if (file === undefined || others.length > 0) refuse('name one file to read');
const whole = (name) => {
  const value = Number(values[name]);
  return Number.isInteger(value) && value > 0 ? value : refuse(`--${name} must be a whole number above 0`);
};
const rounds = whole('rounds');
const recipe = { engine: 'io_uring', blockBytes: whole('block'), depth: whole('depth') };
const status = statSync(file, { throwIfNoEntry: false });
if (status === undefined) refuse(`${file}: no such file`);
const bytes = Math.floor(Math.min(status.size, whole('mebibytes') * MIB) / recipe.blockBytes) * recipe.blockBytes;
if (bytes === 0) refuse(`${file} is smaller than one block`);

if (spawnSync('fio', ['--version']).error !== undefined) refuse('fio is not installed (apt-get install fio)');
if (values.mem === 'mmaphuge') needHugePages(recipe.blockBytes * recipe.depth);

/** fio takes its buffers from the reserved pool, and does not say plainly when that is empty. */
function needHugePages(wanted) {
  const free = Number(/^HugePages_Free:\s+(\d+)$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
  // fio rounds up and takes a page more.
  const pages = Math.ceil(wanted / HUGE_PAGE) + 1;
  if (free >= pages) return;
  refuse(
    `--mem=mmaphuge needs ${pages} free huge pages, the pool has ${free}: reserve them (sysctl vm.nr_hugepages=${pages}), or name another, such as --mem mmap, whose figures are lower`,
  );
}

function ours() {
  const result = native().directTransfer({ paths: [file], from: 0, bytes, recipe, home: false });
  return (result.bytes * 1e9) / result.ns;
}

function fio() {
  const {
    stdout,
    stderr,
    status: code,
  } = spawnSync(
    'fio',
    [
      ...['--name=compare', '--rw=read', '--direct=1', '--ioengine=io_uring', '--readonly', '--output-format=json'],
      ...[`--filename=${file}`, `--bs=${recipe.blockBytes}`, `--iodepth=${recipe.depth}`, `--mem=${values.mem}`],
      ...[`--size=${bytes}`, '--allow_file_create=0', '--invalidate=0'],
    ],
    { encoding: 'utf8' },
  );
  const job = code === 0 ? JSON.parse(stdout.slice(stdout.indexOf('{'))).jobs[0] : undefined;
  if (job === undefined || job.error !== 0) {
    process.stderr.write(`compare-fio: fio failed (${code}): ${stderr.trim()}\n`);
    process.exit(1);
  }
  return job.read.bw_bytes;
}

const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const gigabytes = (value) => (value / 1e9).toFixed(2);

// Reads of a fresh range teach a host's cache: both begin where it is warm.
ours();
fio();
const pairs = [];
process.stdout.write(
  `${file}: ${bytes / MIB} MiB, ${recipe.blockBytes / 1024} KiB × ${recipe.depth}, fio --mem=${values.mem}\n`,
);
for (let round = 1; round <= rounds; round++) {
  const pair = { ours: ours(), fio: fio() };
  pairs.push(pair.ours / pair.fio);
  process.stdout.write(
    `round ${round}: ours ${gigabytes(pair.ours)} GB/s, fio ${gigabytes(pair.fio)} GB/s, ratio ${pairs.at(-1).toFixed(3)}\n`,
  );
}
process.stdout.write(
  `median ratio of ${pairs.length} pairs: ${median(pairs).toFixed(3)} (${Math.min(...pairs).toFixed(3)}–${Math.max(...pairs).toFixed(3)})\n`,
);
