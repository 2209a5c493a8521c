/** Cold and warm as the kernel knows them. These tests run one after another, each over a file that nobody else touches. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, openSync, readSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { native, type ResidencyReading } from '../../src/native.js';
import { caught, removeFolder, scratchFolder } from '../processes.js';
import { childrenOfAnyThread } from './threads.js';

const nativeModule = new URL('../../src/native.js', import.meta.url).href;

// Not a whole number of pages: the last page counts as far as the file reaches.
const BYTES = 12 * 1024 * 1024 + 123;

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

function file(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, randomBytes(BYTES));
  return path;
}

/** Why nothing can be said about the page cache here, or null. */
function impossible(path: string): string | null {
  const { fileSystem } = native().fileFacts(path);
  if (['tmpfs', 'ramfs', 'overlay'].includes(fileSystem)) return `files on ${fileSystem} cannot be evicted`;
  return native().residency([path]).source === 'none' ? 'this process may not know what is cached' : null;
}

function onRealFile(title: string, body: (t: ExecutionContext, path: string) => Promise<void>): void {
  test.serial(title, async (t) => {
    const path = file(title.replaceAll(' ', '-'));
    const reason = impossible(path);
    if (reason !== null) {
      t.log(`skipped: ${reason}`);
      t.pass();
      return;
    }
    await body(t, path);
  });
}

const resident = (...paths: readonly string[]): number => native().residency(paths).resident;

onRealFile('evicting leaves nothing and warming leaves every byte', async (t, path) => {
  await native().warm([path]);
  t.is(resident(path), BYTES);
  await native().evict([path]);
  t.is(resident(path), 0);
  await native().warm([path]);
  t.is(resident(path), BYTES);
});

onRealFile('a file that was just written is evicted too', async (t, path) => {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, randomBytes(100_000), 0, 100_000, 5_000_000);
  closeSync(descriptor);
  await native().evict([path]);
  t.is(resident(path), 0);
});

onRealFile('residency counts whole pages and does not change what it counts', async (t, path) => {
  await native().evict([path]);
  t.is(resident(path), 0);
  t.is(resident(path), 0);
  const descriptor = openSync(path, 'r');
  readSync(descriptor, Buffer.alloc(10), 0, 10, BYTES - 10);
  closeSync(descriptor);
  const now = resident(path);
  t.true(now > 0 && now < BYTES, String(now));
  t.is((BYTES - now) % 4096, 0, 'what is missing is whole pages: the cut one at the end is there');
  t.is(resident(path), now);
});

onRealFile('several files are one reading', async (t, path) => {
  const other = file('other');
  await native().evict([path, other]);
  t.is(resident(path, other), 0);
  await native().warm([other]);
  t.deepEqual(
    { ...native().residency([path, other]), source: null },
    { resident: BYTES, size: 2 * BYTES, source: null },
  );
  await native().warm([path, other]);
  t.is(resident(path, other), 2 * BYTES);
});

onRealFile('a held file stays, and may go after its release', async (t, path) => {
  await native().warm([path]);
  const hold = await native().hold([path]);
  await native().evict([path]);
  t.is(resident(path), BYTES, 'mapped pages cannot be evicted');
  hold.release();
  hold.release();
  await native().evict([path]);
  t.is(resident(path), 0);
});

onRealFile('holding brings in what is not there yet', async (t, path) => {
  await native().evict([path]);
  const hold = await native().hold([path]);
  t.is(resident(path), BYTES);
  hold.release();
});

onRealFile('a file that is cut while it is warmed is an error, not the end of this process', async (t, path) => {
  const size = 512 * 1024 * 1024;
  truncateSync(path, size);
  const before = childrenOfAnyThread(process.pid);
  // It may be done before its helper is seen.
  for (let tries = 20, cut = false; !cut; tries -= 1) {
    if (tries === 0) return void t.fail('no helper was caught at work');
    await native().evict([path]);
    let isOver = false;
    const ended = native()
      .warm([path])
      .then(
        () => null,
        (error: unknown) => error,
      );
    void ended.then(() => (isOver = true));
    while (!isOver && !cut) {
      const helper = childrenOfAnyThread(process.pid).find((pid) => !before.includes(pid)) ?? 0;
      cut = helper !== 0 && caught(helper);
      if (cut) {
        truncateSync(path, 4096);
        process.kill(helper, 'SIGCONT');
      }
      await setImmediate();
    }
    const error = await ended;
    if (cut) t.like(error, { code: 'file-changed' });
  }
  t.deepEqual(childrenOfAnyThread(process.pid), before);
});

test.serial('what cannot be read is an error with a code', async (t) => {
  const missing = join(folder, 'missing');
  t.throws(() => native().residency([missing]), { code: 'file-missing' });
  t.throws(() => native().residency([folder]), { code: 'not-a-file' });
  await t.throwsAsync(native().evict([missing]), { code: 'file-missing' });
  await t.throwsAsync(native().warm([missing]), { code: 'file-missing' });
  await t.throwsAsync(native().hold([missing]), { code: 'file-missing' });
});

test.serial('an empty file has nothing to be cached', async (t) => {
  const path = join(folder, 'empty');
  writeFileSync(path, '');
  await native().warm([path]);
  const hold = await native().hold([path]);
  hold.release();
  const { resident: cached, size } = native().residency([path]);
  t.deepEqual([cached, size], [0, 0]);
});

// Root of a user namespace has every capability there, and none over files whose owner has no number in it.
test.serial('root of a user namespace is told nothing about a file of a stranger', async (t) => {
  const path = file('stranger');
  const script = `
    import { native } from ${JSON.stringify(nativeModule)};
    const [path] = process.argv.slice(1);
    console.log(JSON.stringify({ reading: native().residency([path]), mayVerify: native().fileFacts(path).mayVerify }));`;
  try {
    chownSync(path, 12345, 12345);
    await promisify(execFile)('unshare', ['--user', '--map-root-user', 'true']);
  } catch (error) {
    t.log(`skipped: no user namespace with a stranger's file to be had: ${String(error)}`);
    t.pass();
    return;
  }
  const node = [process.execPath, '--input-type=module', '-e', script, path];
  const { stdout } = await promisify(execFile)('unshare', ['--user', '--map-root-user', ...node]);
  const { reading, mayVerify } = JSON.parse(stdout) as { reading: ResidencyReading; mayVerify: boolean };
  t.is(reading.source, 'none');
  t.false(mayVerify);
});

// A file of another user that we may only read: this program's own runtime, asked by a user who owns nothing.
test.serial('who neither owns a file nor may write it is told nothing, not everything', async (t) => {
  const path = process.execPath;
  const owner = statSync(path).uid;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && (owner === process.getuid?.() || native().fileFacts(path).mayVerify)) {
    t.log(`skipped: ${path} belongs to this user, and another cannot be had without root`);
    t.pass();
    return;
  }
  const script = `
    import { native } from ${JSON.stringify(nativeModule)};
    native();
    if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
    const path = process.execPath;
    console.log(JSON.stringify({ reading: native().residency([path]), mayVerify: native().fileFacts(path).mayVerify }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const { reading, mayVerify } = JSON.parse(stdout) as { reading: ResidencyReading; mayVerify: boolean };
  t.false(mayVerify);
  t.is(reading.source, 'none');
  t.is(reading.resident, 0);
  t.is(reading.size, statSync(path).size);
});
