import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { native } from '../../src/native.js';
import { openSharedLimit } from '../../src/samples/bystander.js';
import { startCompanion, type Companion, type CompanionWork } from '../../src/samples/companion.js';
import type { Refusal } from '../../src/samples/states.js';
import { childrenOf, removeFolder, scratchFolder, until } from '../processes.js';
import { MIB, isAlive, node, placeFor, said } from './groups.js';

const never = new AbortController().signal;
const moduleUrl = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;

function isCompanion(given: Companion | Refusal): given is Companion {
  if ('outcome' in given) throw new Error(given.reason.message);
  return true;
}

/** A file of this test's own, on a disk, with nothing of it cached. */
async function coldFile(t: { teardown(undo: () => void): void }, bytes: number): Promise<string> {
  const folder = scratchFolder();
  t.teardown(() => removeFolder(folder));
  const path = join(folder, 'file');
  writeFileSync(path, Buffer.alloc(bytes, 7));
  await native().evict([path]);
  return path;
}

const anonymousOf = (pid: number): number =>
  1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

test.serial(
  'memory is held when the companion is ready, and it reports what it held and how often it touched it',
  async (t) => {
    const earlier = childrenOf(process.pid);
    const companion = await startCompanion({ kind: 'hold', bytes: 100 * MIB }, never);
    if (!isCompanion(companion)) return;
    const [pid = 0] = childrenOf(process.pid).filter((child) => !earlier.includes(child));
    t.true(anonymousOf(pid) >= 100 * MIB);
    companion.begin();
    await delay(500);
    const report = await companion.end();
    if (!('kind' in report) || report.kind !== 'hold') throw new Error(JSON.stringify(report));
    t.is(report.bytes, 100 * MIB);
    t.true(report.passes > 0);
    t.true(
      report.leastResidentBytes === null || report.leastResidentBytes >= 99 * MIB,
      String(report.leastResidentBytes),
    );
    t.false(isAlive(pid));
  },
);

test.serial('a file is streamed from the release of the sample to its end, not before', async (t) => {
  const path = await coldFile(t, 8 * MIB);
  const companion = await startCompanion({ kind: 'stream', path }, never);
  if (!isCompanion(companion)) return;
  await delay(200);
  t.is(native().residency([path]).resident, 0);
  companion.begin();
  await until(() => native().residency([path]).resident >= 8 * MIB, 30, 'the file to be read');
  await delay(200);
  const report = await companion.end();
  if (!('kind' in report) || report.kind !== 'stream') throw new Error(JSON.stringify(report));
  t.true(report.passes >= 1);
  t.true(report.streamedBytes >= 8 * MIB);
  t.true(report.issuedBytes === null || report.issuedBytes >= 8 * MIB, String(report.issuedBytes));
});

test.serial('a file is in the page cache when a companion that caches it is ready', async (t) => {
  const path = await coldFile(t, 8 * MIB);
  const companion = await startCompanion({ kind: 'cache', path }, never);
  if (!isCompanion(companion)) return;
  t.is(native().residency([path]).resident, 8 * MIB);
  companion.begin();
  t.deepEqual(await companion.end(), { kind: 'cache', readBytes: 8 * MIB });
});

test.serial('a companion that is killed makes its sample invalid', async (t) => {
  const earlier = childrenOf(process.pid);
  const companion = await startCompanion({ kind: 'hold', bytes: MIB }, never);
  if (!isCompanion(companion)) return;
  companion.begin();
  const [pid = 0] = childrenOf(process.pid).filter((child) => !earlier.includes(child));
  process.kill(pid, 'SIGKILL');
  t.like(await companion.end(), { outcome: 'invalid', reason: { code: 'companion-died' } });
});

const refused: readonly (readonly [what: string, work: (empty: string) => CompanionWork, expected: object])[] = [
  [
    'more memory than there is',
    () => ({ kind: 'hold', bytes: 2 ** 50 }),
    { outcome: 'unsupported', reason: { code: 'memory-short' } },
  ],
  [
    'a file that is not there',
    () => ({ kind: 'stream', path: '/nowhere/file' }),
    { outcome: 'failed', reason: { code: 'ENOENT', path: '/nowhere/file' } },
  ],
  ['an empty file', (path) => ({ kind: 'stream', path }), { outcome: 'failed', reason: { code: 'file-empty' } }],
];

for (const [what, work, expected] of refused) {
  test.serial(`${what} is refused before a sample begins`, async (t) => {
    t.like(await startCompanion(work(await coldFile(t, 0)), never), expected);
  });
}

test.serial('an interruption ends it while it gets ready', async (t) => {
  const controller = new AbortController();
  const earlier = childrenOf(process.pid);
  const starting = startCompanion({ kind: 'hold', bytes: 300 * MIB }, controller.signal);
  const ours = (): number[] => childrenOf(process.pid).filter((child) => !earlier.includes(child));
  await until(() => ours().length > 0, 10, 'the companion');
  controller.abort();
  await t.throwsAsync(starting, { any: true });
  await until(() => ours().every((pid) => !isAlive(pid)), 10, 'the companion to end');
});

test.serial('it ends with the run that started it', async (t) => {
  const text = `
    const { startCompanion } = await import(${JSON.stringify(moduleUrl('samples/companion.js'))});
    await startCompanion({ kind: 'hold', bytes: 1048576 }, new AbortController().signal);
    console.log('ready');`;
  const run = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => run.stdout.once('data', resolve));
  const children = childrenOf(run.pid ?? 0);
  t.is(children.length, 1);
  run.kill('SIGKILL');
  await until(() => children.every((pid) => !isAlive(pid)), 10, 'the companion to end');
});

test.serial(
  'under one limit, a neighbour that takes memory pushes a bystander’s file out, and one that takes little does not',
  async (t) => {
    if (placeFor(t) === null) return;
    const file = await coldFile(t, 64 * MIB);
    const shared = await openSharedLimit({ bytes: 200 * MIB, file, processes: 2 }, never);
    if ('outcome' in shared) throw new Error(shared.reason.message);
    let closed = false;
    t.teardown(async () => {
      if (!closed) await shared.close();
    });
    t.is(shared.cachedBytes(), 64 * MIB);
    t.true((shared.counters('bystander').fileBytes ?? 0) >= 64 * MIB, 'its file is charged to it');
    const small = node(shared.model, "take(1048576); say('taken');");
    t.is(await said(small), 'taken');
    await small.ended;
    t.is(shared.cachedBytes(), 64 * MIB);
    const big = node(shared.model, "take(150 * 1048576); say('taken');");
    t.is(await said(big), 'taken');
    await big.ended;
    const left = shared.cachedBytes() ?? 0;
    t.true(left < 48 * MIB, `${left} bytes are left`);
    closed = true;
    t.deepEqual(await shared.close(), { bystander: { kind: 'cache', readBytes: 64 * MIB }, held: null });
  },
);
