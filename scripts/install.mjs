/**
 * Builds the native addon with node-gyp, unless an up-to-date build is there. Runs as npm's install script, from
 * scripts/ready.mjs, and with --force from `weighbridge setup`. Node built-ins only: it may run before any dependency
 * is there, and Node 20 cannot run TypeScript.
 *
 * Exit code 0: the addon is there, or this is a dependency of another project and the addon cannot be built.
 * Exit code 1: the addon could not be built, with one line that names the remedy, or the compiler's last lines.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const nativeDirectory = join(root, 'native');
const buildDirectory = join(nativeDirectory, 'build');
const addon = join(buildDirectory, 'Release', 'weighbridge.node');
const stampFile = join(buildDirectory, 'weighbridge-stamp.json');
const logFile = join(buildDirectory, 'weighbridge-build.log');

const PACKAGES = {
  python: { debian: 'python3', fedora: 'python3' },
  make: { debian: 'make', fedora: 'make' },
  compiler: { debian: 'g++', fedora: 'gcc-c++' },
};

const PROBE =
  '#include <span>\n#include <version>\nint probe(std::span<const int> s) { return s.empty() ? 0 : s[0]; }\n';

/** Carries the one line for the user. */
class CannotBuild extends Error {}

/** The program and its fixed arguments: CXX may hold "ccache g++". */
function words(command) {
  return command.trim().split(/\s+/);
}

function succeeds(command, args, input) {
  const [program, ...fixed] = words(command);
  const result = spawnSync(program, [...fixed, ...args], { input: input ?? '', stdio: ['pipe', 'ignore', 'ignore'] });
  return result.status === 0;
}

/** The first of the candidates that passes; a variable of the environment that is set is the only candidate. */
function find(variables, candidates, passes) {
  const chosen = variables.map((name) => process.env[name]).find((value) => value !== undefined && value.trim() !== '');
  return (chosen === undefined ? candidates : [chosen]).find(passes) ?? null;
}

function findPython() {
  const check = ['-c', 'import sys; sys.exit(sys.version_info < (3, 6))'];
  const variables = ['NODE_GYP_FORCE_PYTHON', 'npm_config_python', 'PYTHON'];
  return find(variables, ['python3', 'python'], (candidate) => succeeds(candidate, check));
}

function findMake() {
  return find(['MAKE'], ['make'], (candidate) => succeeds(candidate, ['--version']));
}

function findCompiler() {
  const check = ['-std=c++20', '-x', 'c++', '-fsyntax-only', '-'];
  return find(['CXX'], ['g++', 'c++', 'clang++'], (candidate) => succeeds(candidate, check, PROBE));
}

function missingTools(tools) {
  const missing = Object.keys(PACKAGES).filter((kind) => tools[kind] === null);
  if (missing.length === 0) return null;
  const names = missing.map((kind) => {
    if (kind === 'python') return 'Python 3';
    if (kind === 'make') return 'make';
    return process.env.CXX
      ? `C++20 support in CXX=${process.env.CXX}`
      : 'a C++20 compiler (g++ 11 or clang++ 14, or newer)';
  });
  const debian = missing.map((kind) => PACKAGES[kind].debian).join(' ');
  const fedora = missing.map((kind) => PACKAGES[kind].fedora).join(' ');
  return `${names.join(' and ')} not found; install it (Debian, Ubuntu: apt install ${debian}; Fedora: dnf install ${fedora})`;
}

/** SHA-256 over names and contents of everything that the build reads. */
function sourcesDigest() {
  const hash = createHash('sha256');
  const names = readdirSync(nativeDirectory, { recursive: true })
    .filter((name) => /\.(cc|h|inc|gyp)$/.test(name) && !name.startsWith('build'))
    .sort();
  for (const name of names) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(nativeDirectory, name)))
      .update('\0');
  }
  return hash.digest('hex');
}

function compilerVersion(compiler) {
  const [program, ...fixed] = words(compiler);
  const result = spawnSync(program, [...fixed, '--version'], { encoding: 'utf8' });
  return `${compiler}: ${(result.stdout ?? '').split('\n')[0]}`;
}

/** The version of Node is left out: the addon speaks Node-API, whose binary interface holds across versions. */
function platform() {
  const libc = process.report?.getReport().header.glibcVersionRuntime === undefined ? 'other' : 'glibc';
  return `${process.platform}-${process.arch}-${libc}`;
}

function readStamp() {
  if (!existsSync(addon)) return null;
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Where Node's headers are, so that node-gyp need not download them: npm's own setting, or the include folder that comes
 * with Node's archives. Outside npm (`weighbridge setup`) npm has to be asked, since node-gyp does not read .npmrc.
 */
function headersDirectory() {
  if (process.env.npm_config_nodedir) return process.env.npm_config_nodedir;
  if (process.env.npm_execpath === undefined) {
    const asked = spawnSync('npm', ['config', 'get', 'nodedir'], { encoding: 'utf8', cwd: root });
    const answer = (asked.stdout ?? '').trim();
    if (asked.status === 0 && answer !== '' && answer !== 'undefined' && answer !== 'null') return answer;
  }
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(header)) return null;
  const text = readFileSync(header, 'utf8');
  const [major, minor] = process.versions.node.split('.');
  const same = text.includes(`NODE_MAJOR_VERSION ${major}\n`) && text.includes(`NODE_MINOR_VERSION ${minor}\n`);
  return same ? prefix : null;
}

function findNodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    throw new CannotBuild('node-gyp not found; run npm ci (in a clone) or install weighbridge again');
  }
}

function run(program, args, environment) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: Buffer.concat(output).toString('utf8') }));
  });
}

/** What the compiler said last, without node-gyp's account of itself unless there is nothing else. */
function lastLines(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const compiler = lines.filter((line) => !/^gyp |^make: (Entering|Leaving)|^\s+(CXX|SOLINK|COPY|TOUCH)\(/.test(line));
  return (compiler.length > 0 ? compiler : lines).slice(-25).join('\n');
}

/** Builds; what is there is built upon where only sources changed. Throws CannotBuild. */
async function build({ force }) {
  const sources = sourcesDigest();
  const stamp = readStamp();
  const compiler = findCompiler();
  const version = compiler === null ? null : compilerVersion(compiler);
  const sameTools = stamp !== null && stamp.platform === platform() && (version === null || stamp.compiler === version);
  if (!force && sameTools && stamp.sources === sources) return { built: false };

  const tools = { python: findPython(), make: findMake(), compiler };
  const missing = missingTools(tools);
  if (missing !== null) throw new CannotBuild(missing);
  try {
    accessSync(nativeDirectory, constants.W_OK);
  } catch {
    throw new CannotBuild(`no permission to write ${nativeDirectory}; run as the user who installed weighbridge`);
  }

  const nodeGyp = findNodeGyp();
  const headers = headersDirectory();
  const args = [nodeGyp, ...(sameTools && !force ? ['configure', 'build'] : ['rebuild'])];
  args.push('-C', 'native', '--jobs', String(availableParallelism()), `--python=${tools.python}`);
  if (headers !== null) args.push(`--nodedir=${headers}`);
  const startedAt = Date.now();
  process.stderr.write('weighbridge: building the native addon, a minute or two\n');
  const { code, output } = await run(process.execPath, args, { ...process.env, CXX: compiler, MAKE: tools.make });
  mkdirSync(buildDirectory, { recursive: true });
  writeFileSync(logFile, output);
  if (code !== 0 || !existsSync(addon)) {
    throw new CannotBuild(
      `the native addon did not build; the compiler's last lines (all of them: ${logFile}):\n${lastLines(output)}`,
    );
  }
  writeFileSync(stampFile, `${JSON.stringify({ sources, platform: platform(), compiler: version })}\n`);
  return { built: true, seconds: (Date.now() - startedAt) / 1000 };
}

const force = process.argv.includes('--force');
try {
  const result = await build({ force });
  if (result.built) process.stderr.write(`weighbridge: native addon built in ${result.seconds.toFixed(0)} s\n`);
} catch (error) {
  if (!(error instanceof CannotBuild)) throw error;
  // As a dependency of another project a missing compiler must not make that project's whole install fail: npm hides what
  // is printed here then, and the line at run time names `weighbridge setup`. The sources are in a clone alone; there,
  // and when asked for by --force, a build that fails is an error.
  const isDependency = !existsSync(join(root, 'src', 'native.ts'));
  process.stderr.write(`weighbridge: ${error.message}\n`);
  if (isDependency && !force) process.stderr.write('weighbridge: then run: npx weighbridge setup\n');
  process.exitCode = isDependency && !force ? 0 : 1;
}
