/** What the machine allows, the clock, and the bond of a child to its parent. */
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { native } from '../../src/native.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

const nativeModule = new URL('../../src/native.js', import.meta.url).href;

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

test('a capability is there, or says why not', (t) => {
  const { cachestat, ioUring, populateRead, lockedMemoryLimit } = native().capabilities();
  for (const { supported, reason } of [cachestat, ioUring, populateRead]) {
    t.is(supported, reason === null);
    if (reason !== null) t.true(reason.code.length > 0 && reason.message.length > 0);
  }
  t.true(lockedMemoryLimit === null || lockedMemoryLimit >= 0);
});

test('a file of ours may be verified, and its alignments are powers of two', (t) => {
  const path = join(folder, 'file');
  writeFileSync(path, 'weights');
  const facts = native().fileFacts(path);
  t.true(facts.mayVerify);
  t.regex(facts.fileSystem, /^\S+$/);
  for (const alignment of [facts.directMemoryAlignment, facts.directOffsetAlignment]) {
    t.true(alignment === null || Number.isInteger(Math.log2(alignment)));
  }
  t.throws(() => native().fileFacts(join(folder, 'missing')), { code: 'file-missing' });
});

test('a file system in memory has no direct I/O and no device ceiling', (t) => {
  let memory: string;
  try {
    memory = mkdtempSync('/dev/shm/weighbridge-machine-');
  } catch {
    t.log('skipped: /dev/shm cannot be written here');
    t.pass();
    return;
  }
  t.teardown(() => {
    removeFolder(memory);
  });
  const path = copyOfFixture('tiny-Q4_0.gguf', memory);
  const { fileSystem, directIo } = native().fileFacts(path);
  if (fileSystem !== 'tmpfs') {
    t.log(`skipped: /dev/shm is ${fileSystem} here`);
    t.pass();
    return;
  }
  t.false(directIo);
  t.is(native().deviceCeilingUnsupported(path)?.code, 'direct-io-unsupported');
});

test('the device recipe fits its buffers and names an engine that is permitted', async (t) => {
  const path = copyOfFixture('tiny-F16.gguf', folder);
  const unsupported = native().deviceCeilingUnsupported(path);
  if (unsupported !== null) {
    t.log(`skipped: ${unsupported.message}`);
    await t.throwsAsync(native().chooseDeviceRecipe(path, 1 << 20), { code: unsupported.code });
    return;
  }
  const { engine, blockBytes, depth } = await native().chooseDeviceRecipe(path, 1 << 20);
  t.is(engine, native().capabilities().ioUring.supported ? 'io_uring' : 'threads');
  t.true(depth >= 1 && blockBytes >= 4096 && depth * blockBytes <= 16 * 1024 * 1024);
});

test('a mechanism that does not exist is refused with the list of those that do', (t) => {
  t.throws(() => native().unsupported('telepathy', [], {}), { code: 'bad-option', message: /telepathy/ });
  t.true(native().mechanisms().includes('read'));
});

test('the clock is the one of the runtime, and a fixed piece of work takes time', (t) => {
  const before = Number(process.hrtime.bigint());
  const now = native().nowNs();
  const after = Number(process.hrtime.bigint());
  t.true(before <= now && now <= after);
  t.true(native().spinNs() > 10_000);
});

test('a child is bound to its own parent only, and is the first to go when memory is short', async (t) => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { native } from ${JSON.stringify(nativeModule)};
    const stranger = native().bindToParent(process.pid, false);
    const own = native().bindToParent(process.ppid, true);
    console.log(JSON.stringify({ stranger, own, score: readFileSync('/proc/self/oom_score_adj', 'utf8').trim() }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  t.deepEqual(JSON.parse(stdout), { stranger: false, own: true, score: '1000' });
});
