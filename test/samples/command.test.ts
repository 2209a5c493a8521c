/** Real programs in real children: what is measured of them, and that none is left behind. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { native } from '../../src/native.js';
import { READY_FD, RELEASE_FD, type CommandAnswer } from '../../src/samples/protocol.js';
import { spawnChild, type ChildEnd, type WaitingChild } from '../../src/samples/spawn.js';
import { processesWith, removeFolder, scratchFolder, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

interface Options {
  readonly output?: 'discard' | 'first-byte';
  readonly pattern?: string;
  readonly pass?: 'time' | 'memory';
}

/** A child that waits at its barrier. */
function waiting(argv: readonly string[], { output = 'discard', pattern, pass = 'time' }: Options = {}): WaitingChild {
  const keepOutput = pattern !== undefined;
  const spec = { argv, output, keepOutput, pass, readyFd: READY_FD, releaseFd: RELEASE_FD };
  return spawnChild(
    { kind: 'command', parent: process.pid, node: null, build: null, pattern: pattern ?? null, spec },
    120_000,
  );
}

async function ended(argv: readonly string[], options?: Options): Promise<ChildEnd> {
  const child = waiting(argv, options);
  await child.ready;
  child.release();
  return child.ended;
}

async function ran(t: ExecutionContext, argv: readonly string[], options?: Options): Promise<CommandAnswer> {
  const end = await ended(argv, options);
  if (end.kind !== 'answered' || end.answer.kind !== 'command') {
    t.log(end);
    throw new Error(`${argv.join(' ')} gave no measurement`);
  }
  return end.answer;
}

const MB = 1_000_000;

test('a program that ends well has its times, its faults and its exit code', async (t) => {
  const { command, matched, lastLine } = await ran(t, ['sh', '-c', 'sleep 0.2; echo done']);
  t.is(command.exitCode, 0);
  t.is(command.signal, null);
  t.true(command.wallNs >= 0.2e9);
  t.true(command.minorFaults > 0);
  t.true(command.userNs + command.systemNs < command.wallNs);
  t.is(command.firstByteNs, null);
  t.is(command.pipeBytes, null);
  t.is(command.peakPss, null);
  t.is(matched, null);
  t.is(lastLine, '');
});

test('the first byte is timed apart from the end', async (t) => {
  const { command } = await ran(t, ['sh', '-c', 'sleep 0.1; echo first; sleep 1'], { output: 'first-byte' });
  const first = command.firstByteNs ?? 0;
  t.true(first >= 0.1e9 && first <= command.wallNs - 0.5e9, `${first} of ${command.wallNs}`);
  t.is((await ran(t, ['true'], { output: 'first-byte' })).command.firstByteNs, null);
});

for (const pattern of [undefined, 'x']) {
  test(`200 MB of output are taken off its hands, ${pattern === undefined ? 'thrown away' : 'their ends kept'}`, async (t) => {
    // Without a reader the program would wait for ever after the first MiB.
    const argv = ['head', '-c', String(200 * MB), '/dev/zero'];
    const { command } = await ran(t, argv, { output: 'first-byte', ...(pattern === undefined ? {} : { pattern }) });
    t.is(command.exitCode, 0);
    t.true((command.firstByteNs ?? Infinity) < command.wallNs);
  });
}

const patterns: readonly (readonly [string, string, 'discard' | 'first-byte', string, number | null])[] = [
  ['standard output', 'echo "eval: 12.5 tokens per second"', 'first-byte', '([\\d.]+) tokens per second', 12.5],
  ['standard error', 'echo "eval: 12.5 tokens per second" >&2', 'first-byte', '([\\d.]+) tokens per second', 12.5],
  ['standard error alone', 'echo "3 t/s"; echo "4 t/s" >&2', 'discard', '([\\d.]+) t/s', 4],
  ['a line of its own', 'echo a 1; echo b 2', 'first-byte', '^b (\\d)$', 2],
  ['the end of much output', 'seq 1 400000; echo "speed 7"', 'first-byte', '^speed (\\d+)', 7],
  ['the beginning of much output', 'echo "speed 8"; seq 1 400000', 'first-byte', '^speed (\\d+)', 8],
  // Of 123456 lines in the middle none is kept, and no half of a number is.
  ['nothing that was dropped', 'seq 100000 400000', 'first-byte', '^(250000|\\d{1,5})$', null],
  ['nothing', 'echo hello', 'first-byte', '([\\d.]+) t/s', null],
  ['no word for a number', 'echo fast t/s', 'first-byte', '(\\w+) t/s', null],
];

for (const [where, script, output, pattern, expected] of patterns) {
  test(`a pattern picks out of ${where}`, async (t) => {
    t.is((await ran(t, ['sh', '-c', script], { output, pattern })).matched, expected);
  });
}

test('an exit code and a signal are told, with the last line on standard error', async (t) => {
  const failed = await ran(t, ['sh', '-c', 'echo first >&2; echo "no such model" >&2; exit 3']);
  t.like(failed, { command: { exitCode: 3, signal: null }, lastLine: 'no such model' });
  const killed = await ran(t, ['sh', '-c', 'kill -SEGV $$']);
  t.like(killed, { command: { exitCode: null, signal: 'SIGSEGV' }, lastLine: '' });
});

test('bytes read are those of the program and of the children that it waited for', async (t) => {
  const file = join(folder, 'bytes');
  const inMemory = native().fileFacts(folder).fileSystem === 'tmpfs';
  if (inMemory || !existsSync('/proc/self/io')) {
    t.log(`skipped: ${inMemory ? 'files stay in memory' : 'the kernel counts no bytes read (/proc/PID/io)'} here`);
    t.pass();
    return;
  }
  writeFileSync(file, Buffer.alloc(20 * MB, 7), { flush: true });
  const evict = ['dd', `if=${file}`, 'iflag=nocache', 'count=0'];
  for (const argv of [
    ['cat', file],
    ['sh', '-c', `cat ${file}; true`],
  ]) {
    t.is((await ran(t, evict)).command.exitCode, 0);
    const { readBytes } = (await ran(t, argv)).command;
    t.true((readBytes ?? 0) >= 20 * MB, `${argv[0] ?? ''} ${readBytes ?? 'null'}`);
  }
});

test('peak memory is the program’s own, not that of the process that started it', async (t) => {
  const small = (await ran(t, ['sleep', '0.1'])).command;
  t.true(small.peakRssWatched);
  t.true((small.peakRss ?? 0) > 0 && (small.peakRss ?? 0) < 20 * MB, `${small.peakRss ?? 'null'}`);
  const script = 'const b = Buffer.alloc(200e6, 1); setTimeout(() => b, 200)';
  const large = (await ran(t, [process.execPath, '-e', script])).command;
  t.false(large.peakRssWatched);
  t.true((large.peakRss ?? 0) > 200 * MB);
});

test('the memory pass adds up what all processes of a program hold', async (t) => {
  const script = 'const b = Buffer.alloc(100e6, 1); setTimeout(() => b, 3000)';
  const both = `'${process.execPath}' -e '${script}' & '${process.execPath}' -e '${script}'; wait`;
  const { command } = await ran(t, ['sh', '-c', both], { pass: 'memory' });
  if (!existsSync('/proc/self/smaps_rollup')) {
    t.log('skipped: the kernel has no smaps_rollup');
    t.pass();
    return;
  }
  t.true((command.peakPss ?? 0) > 200 * MB, `${command.peakPss ?? 'null'}`);
});

test('a program has standard signals, no input, and no descriptor of ours', async (t) => {
  const pattern = '^(\\d+)$';
  const open = 'ls /proc/self/fd | wc -l';
  const ended = await ran(t, ['sh', '-c', `${open}; cat`], { output: 'first-byte', pattern });
  // Its three, and the one with which ls reads the list.
  t.like(ended, { matched: 4, command: { exitCode: 0 } });
  // A writer without a reader is ended by SIGPIPE, which Node ignores for itself.
  const script = '(yes; echo $? >&2) | true; sleep 0.2';
  t.is((await ran(t, ['sh', '-c', script], { pattern })).matched, 141);
});

for (const [name, argv, code] of [
  ['no such name', ['weighbridge-no-such-program'], 'command-not-found'],
  ['no such path', [join('/nowhere', 'program')], 'command-not-found'],
  ['a missing interpreter', [script('interpreter', '#!/nowhere/sh\n', 0o755)], 'command-not-found'],
  ['no right to execute', [script('plain', '#!/bin/sh\n', 0o644)], 'not-permitted'],
  ['no program at all', [script('text', 'hello\n', 0o755)], 'command-not-executable'],
] as const) {
  test(`${name} is ${code}`, async (t) => {
    const end = await ended(argv);
    t.like(end, { kind: 'answered', answer: { kind: 'failed', reason: { code, path: argv[0] } } });
  });
}

function script(name: string, text: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

/** A number of seconds that no other process sleeps. */
let seconds = 86_400 + (process.pid % 10_000);
const marked = (): string => String((seconds += 10_000));

test('what a program leaves behind ends with its sample', async (t) => {
  const mark = marked();
  const { command } = await ran(t, ['sh', '-c', `sleep ${mark} & exit 0`]);
  t.is(command.exitCode, 0);
  await until(() => processesWith(`sleep\0${mark}`).length === 0, 10, 'the process to end');
  t.pass();
});

test('a program and its children end with the child that is killed', async (t) => {
  const mark = marked();
  const child = waiting(['sh', '-c', `trap "" TERM HUP; sleep ${mark} & sleep ${mark}`]);
  await child.ready;
  child.release();
  await until(() => processesWith(`sleep\0${mark}`).length >= 2, 30, 'the program to start');
  child.kill();
  t.like(await child.ended, { kind: 'died', signal: 'SIGKILL' });
  await until(() => processesWith(`sleep\0${mark}`).length === 0, 10, 'the processes to end');
});
