/**
 * Builds the native test programs of test/native and runs them; closes with "N passed, N failed".
 * AVX-512 is checked through SIMDe where its headers are installed (libsimde-dev), whatever the processor.
 *
 *   node scripts/native-tests.mjs [--sanitize]     with address, undefined-behaviour and thread sanitizers
 *   node scripts/native-tests.mjs --arm64          the kernel's alone, cross-compiled and run by qemu-aarch64
 *   node scripts/native-tests.mjs --only dots,…    some of them
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const arm64 = process.argv.includes('--arm64');
const compiler = arm64 ? 'aarch64-linux-gnu-g++' : (process.env.CXX ?? 'c++');
/** Runs a program that was compiled for another processor: one with all that qemu knows. */
const emulator = arm64 ? ['qemu-aarch64', '-cpu', 'max'] : [];
const sanitize = process.argv.includes('--sanitize');
const flags = [
  '-std=c++20',
  '-O2',
  '-g1',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffp-contract=off',
  '-pthread',
  // Page faults under an emulator are not the program's alone.
  ...(arm64 ? ['-static', '-DWEIGHBRIDGE_EMULATED'] : []),
];
const memorySanitizers = sanitize ? ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'] : [];
const threadSanitizer = sanitize ? ['-fsanitize=thread'] : [];

const sourcesIn = (folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.cc'))
    .map((file) => `${folder}/${file}`);

const dots = [
  ...readdirSync(join(root, 'native/kernel'))
    .filter((file) => /^(dot.*|quant|unpack|isa)\.cc$/.test(file))
    .map((file) => `native/kernel/${file}`),
  'native/format/model.cc',
  'test/native/dots.cc',
];

const arenaLoaders = [
  ...sourcesIn('native/loaders'),
  ...sourcesIn('native/probes'),
  'native/io.cc',
  'test/native/arena_loaders.cc',
];

const touch = [...sourcesIn('native/kernel'), ...sourcesIn('native/format'), 'native/io.cc', 'test/native/touch.cc'];

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
/** By name. The kernel's are what concerns the processor. */
const chosen = only?.split(',') ?? (arm64 ? ['threads', 'session', 'touch', 'dots'] : null);

const programs = [
  {
    name: 'threads',
    sources: ['native/kernel/threads.cc', 'native/kernel/control_groups.cc', 'native/io.cc', 'test/native/threads.cc'],
    flags: threadSanitizer,
  },
  {
    name: 'loaders',
    sources: [...sourcesIn('native/loaders'), ...sourcesIn('native/probes'), 'native/io.cc', 'test/native/loaders.cc'],
    flags: memorySanitizers,
  },
  { name: 'arena-loaders', sources: arenaLoaders, flags: memorySanitizers },
  ...(sanitize ? [{ name: 'arena-loaders-threads', sources: arenaLoaders, flags: threadSanitizer }] : []),
  {
    name: 'map-loaders',
    sources: [
      ...sourcesIn('native/loaders'),
      ...sourcesIn('native/probes'),
      'native/io.cc',
      'test/native/map_loaders.cc',
    ],
    flags: memorySanitizers,
  },
  {
    name: 'session',
    sources: [...sourcesIn('native/kernel'), ...sourcesIn('native/format'), 'native/io.cc', 'test/native/session.cc'],
    flags: memorySanitizers,
    arguments: ['test/fixtures/models'],
  },
  { name: 'touch', sources: touch, flags: memorySanitizers, arguments: ['test/fixtures/models'] },
  ...(sanitize ? [{ name: 'touch-threads', sources: touch, flags: threadSanitizer }] : []),
  { name: 'dots', sources: dots, flags: memorySanitizers },
  {
    name: 'dots-emulated',
    sources: dots,
    // SIMDe's own functions are not clean under every warning.
    flags: [
      ...memorySanitizers,
      '-DWEIGHBRIDGE_SIMDE="simde_avx512.h"',
      '-Itest/native',
      '-Wno-error',
      '-w',
      '-Wno-psabi',
    ],
    arguments: ['emulated'],
    needs: 'simde/x86/avx512.h',
    remedy: 'install libsimde-dev',
  },
];

/** Whether it ended well; what it says is seen. */
function ended(arguments_) {
  return new Promise((resolve) => {
    const child = spawn(compiler, arguments_, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** By flags and source: programs share most of their sources. */
const objects = new Map();

/** Compiles what no program before had, on all CPUs, and links. */
async function compile(sources, output, extra) {
  const own = sources.map((source) => {
    const key = [...extra, source].join(' ');
    const known = objects.get(key) ?? { source, path: join(folder, `${objects.size}.o`), isWell: null };
    objects.set(key, known);
    return known;
  });
  const missing = own.filter(({ isWell }) => isWell === null);
  const next = async () => {
    for (let object = missing.pop(); object !== undefined; object = missing.pop()) {
      object.isWell = await ended([...flags, ...extra, '-c', object.source, '-o', object.path]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  return own.every(({ isWell }) => isWell) && ended([...flags, ...extra, ...own.map(({ path }) => path), '-o', output]);
}

function hasHeader(header) {
  const source = `#if !__has_include(<${header}>)\n#error missing\n#endif\n`;
  const arguments_ = ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'];
  return spawnSync(compiler, arguments_, { input: source, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

const unknown = chosen?.filter((name) => programs.every((program) => program.name !== name)) ?? [];
if (unknown.length > 0) throw new RangeError(`no native test is called ${unknown.join(', ')}`);

let passed = 0;
let failed = 0;
let skipped = 0;
const folder = mkdtempSync(join(tmpdir(), 'weighbridge-native-'));
try {
  for (const program of programs.filter(({ name }) => chosen?.includes(name) ?? true)) {
    if (program.needs !== undefined && !hasHeader(program.needs)) {
      console.log(`${program.name}: skipped, ${program.needs} is not installed (${program.remedy})`);
      skipped += 1;
      continue;
    }
    const binary = join(folder, program.name);
    if (!(await compile(program.sources, binary, program.flags))) {
      console.log(`${program.name}: does not compile`);
      failed += 1;
      continue;
    }
    const [file, ...before] = [...emulator, binary];
    const { status, signal, stdout, stderr } = spawnSync(file, [...before, ...(program.arguments ?? [])], {
      cwd: root,
      encoding: 'utf8',
    });
    const counts = /(\d+) passed, (\d+) failed\n$/.exec(stdout);
    console.log(`${program.name}:\n${stdout}${stderr}`.trimEnd());
    passed += Number(counts?.[1] ?? 0);
    const counted = Number(counts?.[2] ?? 0);
    if (status !== 0 && counted === 0) console.log(`${program.name}: ended with ${signal ?? `status ${status}`}`);
    failed += status !== 0 && counted === 0 ? 1 : counted;
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
