/**
 * The default comparison, for a newcomer: makes a synthetic model in the user's cache directory, unless an intact one is
 * there, and runs `weighbridge run` on it. Arguments are handed to `run`: npm start -- --loader all
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = join(root, 'dist', 'src', 'cli.js');

/** 0.27 GB: large against every fixed cost, and small enough that several rounds fit into two minutes. */
const SHAPE = '110m';
const TYPE = 'f16';
const SEED = 1;

/**
 * Few tokens: more rounds in the same time, and loading is what a newcomer wants to see. Nine rounds can prove who is
 * faster; a slow machine weighs as many as the time allows.
 */
const QUICK = [
  ['--rounds', '9'],
  ['--prompt', '8'],
  ['--generate', '8'],
  ['--time-budget', '110'],
];

function cacheDirectory() {
  const chosen = process.env.XDG_CACHE_HOME;
  // The XDG base directory specification has relative paths ignored.
  return join(chosen?.startsWith('/') ? chosen : join(homedir(), '.cache'), 'weighbridge', 'models');
}

function weighbridge(args, output = 'inherit') {
  const stdio = ['inherit', output, 'inherit'];
  const { status, signal } = spawnSync(process.execPath, [command, ...args], { stdio });
  return signal === null ? (status ?? 1) : 130;
}

/** Whether the model is the one that its note describes: written to the end, and not touched since. */
function isIntact(model, note) {
  try {
    const { version, bytes, modifiedMs } = JSON.parse(readFileSync(note, 'utf8'));
    const status = statSync(model);
    return version === packageVersion() && status.size === bytes && status.mtimeMs === modifiedMs;
  } catch {
    return false;
  }
}

function packageVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** What a start that was killed left behind. */
function removeLeftovers(directory) {
  for (const name of readdirSync(directory)) {
    const writer = /^partial-(\d+)\.gguf$/.exec(name);
    if (writer !== null && !isAlive(Number(writer[1]))) rmSync(join(directory, name));
  }
}

/** The model's path; written under another name first, so that a half-written one is never taken for whole. */
function model() {
  const path = join(cacheDirectory(), `${SHAPE}-${TYPE}-seed${SEED}.gguf`);
  const note = path.replace(/\.gguf$/, '.json');
  if (isIntact(path, note)) return path;
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  removeLeftovers(directory);
  const partial = join(directory, `partial-${process.pid}.gguf`);
  process.stderr.write(`weighbridge: writing a synthetic model, ${basename(path)}, into ${directory}\n`);
  // What gen prints is the name of the partial file: nobody's business.
  const status = weighbridge(['gen', partial, '--shape', SHAPE, '--type', TYPE, '--seed', String(SEED)], 'ignore');
  if (status !== 0) {
    rmSync(partial, { force: true });
    process.exit(status);
  }
  renameSync(partial, path);
  const { size, mtimeMs } = statSync(path);
  writeFileSync(note, `${JSON.stringify({ version: packageVersion(), bytes: size, modifiedMs: mtimeMs })}\n`);
  return path;
}

// Ctrl-C reaches the run as well, which saves what it has: wait for it.
process.on('SIGINT', () => undefined);

const given = process.argv.slice(2);
const isGiven = (name) => given.some((argument) => argument === name || argument.startsWith(`${name}=`));
const defaults = isGiven('--rounds') ? QUICK.filter(([name]) => name !== '--time-budget') : QUICK;
const options = defaults.filter(([name]) => !isGiven(name)).flat();
if (options.length > 0 && !isGiven('--resume')) {
  const more = options.includes('--time-budget') ? '; npm start -- --time-budget 600 weighs more rounds' : '';
  process.stderr.write(`weighbridge: the quick run of npm start: ${options.join(' ')}${more}\n`);
}
process.exitCode = isGiven('--resume')
  ? weighbridge(['run', ...given])
  : weighbridge(['run', model(), ...options, ...given]);
