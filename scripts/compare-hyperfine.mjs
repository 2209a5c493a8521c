/**
 * Compares the wall time of a command arm with hyperfine's, A B A B, in the same output mode, the file warm:
 *   node scripts/compare-hyperfine.mjs FILE [--rounds 11] [--output null] -- PROGRAM ARGUMENT …
 * `{model}` in an argument stands for the file; without a program it is `sha256sum {model}`. hyperfine runs without a shell
 * (-N), one timed run a turn; --output pipe compares a first-byte arm with hyperfine's pipe.
 * Exit code 2: hyperfine is missing, or the arguments are wrong; 1: a measurement failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { native } from '../dist/src/native.js';
import { READY_FD, RELEASE_FD } from '../dist/src/samples/protocol.js';
import { spawnChild } from '../dist/src/samples/spawn.js';

const TIMEOUT_MS = 600_000;

function end(code, message) {
  process.stderr.write(`compare-hyperfine: ${message}\n`);
  process.exit(code);
}

function argumentsOf() {
  const all = process.argv.slice(2);
  const at = all.indexOf('--');
  const [own, words] = at < 0 ? [all, []] : [all.slice(0, at), all.slice(at + 1)];
  const options = { rounds: { type: 'string', default: '11' }, output: { type: 'string', default: 'null' } };
  try {
    return { ...parseArgs({ args: own, allowPositionals: true, options }), words };
  } catch (error) {
    return end(2, error.message);
  }
}

const { values, positionals, words } = argumentsOf();
const [file, ...others] = positionals;
if (file === undefined || others.length > 0) end(2, 'name one file');
if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) end(2, `${file}: no such file`);
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) end(2, '--rounds must be a whole number above 0');
if (values.output !== 'null' && values.output !== 'pipe') end(2, '--output must be null or pipe');
if (spawnSync('hyperfine', ['--version']).error !== undefined) {
  end(2, 'hyperfine is not installed (apt-get install hyperfine)');
}
const path = resolve(file);
const argv = (words.length === 0 ? ['sha256sum', '{model}'] : words).map((word) => word.replaceAll('{model}', path));
const scratch = mkdtempSync(join(tmpdir(), 'weighbridge-hyperfine-'));

/** As a run weighs it: in a process of its own, which waits at the barrier. */
async function ours() {
  const output = values.output === 'null' ? 'discard' : 'first-byte';
  const spec = { argv, output, keepOutput: false, pass: 'time', readyFd: READY_FD, releaseFd: RELEASE_FD };
  const child = spawnChild(
    { kind: 'command', parent: process.pid, node: null, build: null, pattern: null, spec },
    TIMEOUT_MS,
  );
  await child.ready;
  child.release();
  const ended = await child.ended;
  const command = ended.kind === 'answered' && ended.answer.kind === 'command' ? ended.answer.command : null;
  if (command?.exitCode !== 0) end(1, `our run of ${argv[0]} failed: ${JSON.stringify(ended)}`);
  return command.wallNs / 1e9;
}

/** A command as hyperfine splits it again: it has no shell here, but reads quotes. */
const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

function hyperfine() {
  const json = join(scratch, 'result.json');
  const options = ['-N', '--runs', '1', '--output', values.output, '--export-json', json, '--style', 'none'];
  const { status, stderr } = spawnSync('hyperfine', [...options, quoted], { encoding: 'utf8' });
  if (status !== 0) end(1, `hyperfine failed (${status}): ${stderr.trim()}`);
  return JSON.parse(readFileSync(json, 'utf8')).results[0].times[0];
}

const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

try {
  await native().warm([path]);
  // The programs themselves, once each.
  await ours();
  hyperfine();
  process.stdout.write(`${argv.join(' ')}: ${values.output === 'null' ? '/dev/null' : 'a pipe'} for its output\n`);
  const pairs = [];
  for (let round = 1; round <= rounds; round++) {
    const pair = { ours: await ours(), hyperfine: hyperfine() };
    pairs.push(pair.ours / pair.hyperfine);
    process.stdout.write(
      `round ${round}: ours ${pair.ours.toFixed(4)} s, hyperfine ${pair.hyperfine.toFixed(4)} s, ratio ${pairs.at(-1).toFixed(4)}\n`,
    );
  }
  const range = `${Math.min(...pairs).toFixed(3)}–${Math.max(...pairs).toFixed(3)}`;
  process.stdout.write(`median ratio of ${pairs.length} pairs: ${median(pairs).toFixed(4)} (${range})\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
