/**
 * Whether reports keep their bounds: repeats the samples of a recorded run until there are 100,000 and 1,000,000, makes
 * the usual report of each (page and Markdown) and then every form but PNG, and prints time and memory. Exit code 1 where
 * one of them takes longer than its bound, or more memory.
 *
 *     node scripts/scale-report.mjs RUN [--samples 100000,1000000] [--keep DIR]
 *
 * Each copy has rounds, groups and moments of its own, and its times vary by some per cent, by a fixed seed. A million
 * samples take some 5 GB of disk, in DIR or the system's folder for temporary files.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** `seconds`: of the usual report; every form at once may take twice as long. */
const BOUNDS = [
  { samples: 100_000, seconds: 10, bytes: 1e9 },
  { samples: 1_000_000, seconds: 60, bytes: 1e9 },
];
const command = fileURLToPath(new URL('../dist/src/cli.js', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { samples: { type: 'string', default: '100000,1000000' }, keep: { type: 'string' } },
});
const [run] = positionals;
if (run === undefined) {
  process.stderr.write('name the directory of a run: node scripts/scale-report.mjs RUN\n');
  process.exit(2);
}

/** Marsaglia's xorshift: the same run gives the same ledgers. */
let state = 1;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

const TIMES = new Set(['ttftNs', 'completeNs', 'settledNs', 'ns', 'userNs', 'systemNs', 'spinBeforeNs', 'spinAfterNs']);

/** Times as a machine would measure them next time: all of a sample by one factor, so that they still add up. */
function jittered(value, factor, name = '') {
  if (typeof value === 'number') return TIMES.has(name) ? Math.round(value * factor) : value;
  if (Array.isArray(value)) return name === 'perTokenNs' ? value.map((ns) => Math.round(ns * factor)) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jittered(inner, factor, key)]));
}

/** The records of one copy. */
function* copyOf(records, copy, { rounds, lastedMs }) {
  const factors = new Map();
  for (const record of records) {
    const group = record.kind === 'group' ? record.id : record.group;
    if (group === null || !factors.has(group)) factors.set(group, 0.97 + 0.06 * random());
    yield {
      ...jittered(record, factors.get(group)),
      round: record.round + copy * rounds,
      startedAt: new Date(Date.parse(record.startedAt) + copy * lastedMs).toISOString(),
      ...(record.kind === 'group' ? { id: `${group}-${copy}` } : { group: group === null ? null : `${group}-${copy}` }),
    };
  }
}

function writeLedger(path, lines, samples) {
  const [header, ...rest] = lines;
  const records = rest.filter(({ kind }) => kind === 'sample' || kind === 'group');
  const moments = records.map(({ startedAt }) => Date.parse(startedAt)).sort((a, b) => a - b);
  const each = {
    rounds: Math.max(...records.map(({ round }) => round)),
    lastedMs: moments.at(-1) - moments[0] + 1000,
  };
  const file = openSync(path, 'w');
  let written = 0;
  let text = `${JSON.stringify(header)}\n`;
  for (let copy = 0; written < samples; copy += 1) {
    for (const record of copyOf(records, copy, each)) {
      if (record.kind === 'sample') written += 1;
      text += `${JSON.stringify(record)}\n`;
      if (text.length > 2 ** 22) {
        writeSync(file, text);
        text = '';
      }
    }
  }
  const end = rest.find(({ kind }) => kind === 'end');
  writeSync(file, `${text}${end === undefined ? '' : `${JSON.stringify(end)}\n`}`);
  closeSync(file);
  return written;
}

/** Wall seconds and the highest resident memory, as the kernel tells the parent of a process that has ended. */
async function weigh(directory, outputs) {
  const args = [command, 'report', directory, ...outputs];
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peak = 0;
  // VmHWM only grows, and the last of it is read again and again until the process is gone.
  const watch = setInterval(() => {
    try {
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024 || peak;
    } catch {
      // It ended.
    }
  }, 50);
  const code = await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`the report ended with exit code ${code}`);
  return { seconds: (performance.now() - startedAt) / 1000, bytes: peak };
}

/** Options, and where the page is then. */
function formsIn(directory) {
  const out = join(directory, 'out');
  const files = ['html', 'md', 'json', 'junit'].flatMap((name) => [`--${name}`, join(out, `report.${name}`)]);
  return [
    { name: 'usual', outputs: [], page: join(directory, 'report.html') },
    {
      name: 'all forms',
      outputs: [...files, '--csv', join(out, 'csv'), '--svg', join(out, 'svg')],
      page: join(out, 'report.html'),
    },
  ];
}

const lines = readFileSync(join(run, 'ledger.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const place = values.keep ?? mkdtempSync(join(tmpdir(), 'weighbridge-scale-'));
let missed = false;
try {
  process.stdout.write(`${basename(run)} repeated\n    samples     ledger             seconds     peak      page\n`);
  for (const wanted of values.samples.split(',').map(Number)) {
    const directory = join(place, String(wanted));
    mkdirSync(directory, { recursive: true });
    const ledger = join(directory, 'ledger.jsonl');
    if (!existsSync(ledger)) writeLedger(ledger, lines, wanted);
    const bound = BOUNDS.find(({ samples }) => wanted <= samples);
    const mega = (size) => `${(size / 1e6).toFixed(size < 1e7 ? 1 : 0)} MB`.padStart(10);
    for (const { name, outputs, page } of formsIn(directory)) {
      const { seconds, bytes } = await weigh(directory, outputs);
      const times = name === 'usual' ? 1 : 2;
      const kept = bound === undefined || (seconds < times * bound.seconds && bytes < bound.bytes);
      missed ||= !kept;
      process.stdout.write(
        `${String(wanted).padStart(11)} ${mega(statSync(ledger).size)}  ${name.padEnd(9)}${seconds.toFixed(1).padStart(8)} ${mega(bytes)}${mega(statSync(page).size)}${kept ? '' : '  beyond its bound'}\n`,
      );
    }
  }
} finally {
  if (values.keep === undefined) rmSync(place, { recursive: true, force: true });
}
process.exitCode = missed ? 1 : 0;
