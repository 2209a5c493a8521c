/**
 * Every loader of the catalog makes the system calls of its mechanism and options on the model's file and its mapping,
 * and none of another mechanism: seen by strace in a process that loads with it and runs the model, or, for what keeps
 * no weights, in the process of a sample.
 */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { listLoaders } from '../../src/catalog.js';
import { roleOf, type LoaderDefinition } from '../../src/loader.js';
import { native } from '../../src/native.js';
import { READY_FD, RELEASE_FD, type ChildTask } from '../../src/samples/protocol.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { endOf, removeFolder, scratchFolder, type EndedProcess } from '../processes.js';
import { expectedCalls, type ExpectedCalls } from './mechanism-calls.js';
import { readTrace, straceMissing, straceOptions, type ModelCall, type Trace } from './system-calls.js';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const sampleProcess = fileURLToPath(new URL('../../src/samples/child.js', import.meta.url));

const loaders = await listLoaders();
const missing = straceMissing();
const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

let made: Promise<string> | undefined;
/** Large enough that no loader's request size covers it at once: 14 MB, most of it in two tensors. */
const model = (): Promise<string> =>
  (made ??= generateModel({ out: join(folder, 'model.gguf'), shape: '15m', type: 'q4_0', seed: 5, split: 1 }).then(
    ({ paths }) => paths[0] ?? '',
  ));

/** The runtime itself may use io_uring for its own files. */
const env = { ...process.env, UV_USE_IO_URING: '0' };

function traceCommand(loader: LoaderDefinition, path: string, out: string): Promise<EndedProcess> {
  const args = [cli, 'logits', path, '--tokens', '1', '--threads', '2', '--loader', loader.name];
  return endOf(
    spawn('strace', [...straceOptions(out), process.execPath, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** With -D the traced process is our own child, as that of a run is. */
function traceSample(loader: LoaderDefinition, path: string, out: string): Promise<EndedProcess> {
  const task: ChildTask = {
    kind: 'sample',
    parent: process.pid,
    node: null,
    build: null,
    loader: { name: loader.name, module: null, moduleDigest: null, paths: [path] },
    spec: {
      work: 'infer',
      ...{ path, mechanism: loader.mechanism, options: loader.options ?? {}, isa: 'auto', threads: 2 },
      ...{
        context: 4,
        batch: 4,
        prompt: 0,
        generate: 0,
        pass: 'time',
        held: false,
        node: null,
        readyFd: READY_FD,
        releaseFd: RELEASE_FD,
      },
      shape: native().kernelPlan(path, { context: 4, batch: 4, threads: 2 }).shape,
    },
  };
  const child = spawn('strace', ['-D', ...straceOptions(out), process.execPath, sampleProcess, JSON.stringify(task)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  (child.stdio[READY_FD] as Readable).once('data', () => (child.stdio[RELEASE_FD] as Writable).end('G')).resume();
  return endOf(child);
}

async function trace(t: ExecutionContext, loader: LoaderDefinition, path: string): Promise<Trace> {
  const run = roleOf(loader.mechanism) === 'loader' ? traceCommand : traceSample;
  const { code, stderr } = await run(loader, path, join(folder, loader.name));
  t.is(code, 0, stderr);
  return readTrace(folder, loader.name, path, statSync(path).size);
}

function checkKinds(t: ExecutionContext, seen: readonly ModelCall[], { must, may = [] }: ExpectedCalls): void {
  const kinds = new Set(seen.map(({ what }) => what));
  const missingKinds = must.filter((one) => ![one].flat().some((name) => kinds.has(name)));
  const allowed = new Set([...must.flat(), ...may]);
  const foreign = [...kinds].filter((kind) => !allowed.has(kind));
  t.deepEqual({ missing: missingKinds, foreign }, { missing: [], foreign: [] }, [...kinds].join(', '));
}

function checkOrder(t: ExecutionContext, seen: readonly ModelCall[], { must, inOrder = false }: ExpectedCalls): void {
  if (!inOrder) return;
  const firsts = must.map((one) => seen.findIndex(({ what }) => [one].flat().includes(what)));
  const sorted = firsts.toSorted((a, b) => a - b);
  t.deepEqual(firsts, sorted, `in this order: ${must.flat().join(', ')}`);
}

function checkSizes(t: ExecutionContext, seen: readonly ModelCall[], { bytes }: ExpectedCalls, size: number): void {
  if (bytes === undefined) return;
  const sizes = seen.filter(({ what }) => bytes.of.includes(what)).map((call) => call.bytes);
  if (bytes.whole === true) {
    t.is(sizes.length, 1, 'one call');
    t.true((sizes[0] ?? 0) >= size, 'over everything');
  } else if (bytes.most !== null) {
    const largest = Math.max(...sizes);
    t.true(largest <= bytes.most, `a call of ${largest} bytes where ${bytes.most} are stated`);
    t.true(largest > Math.min(bytes.most, size) / 2, `no call over ${largest} bytes where ${bytes.most} are stated`);
  }
}

function checkThreads(
  t: ExecutionContext,
  seen: readonly ModelCall[],
  { elsewhere = [] }: ExpectedCalls,
  caller: number,
): void {
  const misplaced = seen.filter(({ what, thread }) => elsewhere.includes(what) && thread === caller);
  t.deepEqual(misplaced, [], 'threads of the loader should make these calls, not its caller');
}

for (const loader of loaders) {
  test.serial(`${loader.name} makes the system calls of its mechanism and no other`, async (t) => {
    const expected = expectedCalls(loader);
    if (expected === undefined) {
      t.fail(`nothing is expected of the mechanism ${loader.mechanism}: say in mechanism-calls.ts what it calls`);
      return;
    }
    if (missing !== null || expected === null) {
      t.log(`skipped: ${missing ?? 'what a library calls only its author can say'}`);
      t.pass();
      return;
    }
    const path = await model();
    const reason = native().unsupported(loader.mechanism, [path], loader.options ?? {});
    if (reason !== null) {
      t.log(`skipped: ${loader.name} is unsupported here: ${reason.message}`);
      t.pass();
      return;
    }
    const { calls, caller } = await trace(t, loader, path);
    checkKinds(t, calls, expected);
    checkOrder(t, calls, expected);
    checkSizes(t, calls, expected, statSync(path).size);
    checkThreads(t, calls, expected, caller);
  });
}
