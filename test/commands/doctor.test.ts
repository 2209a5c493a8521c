import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { root, weighbridge } from '../command.js';
import { clockRange, throttleEvents } from '../../src/cpu-clock.js';
import type { Diagnosis, Finding } from '../../src/doctor.js';

/** A folder on the file system of this repository: a temporary directory may be memory. */
async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(root, 'dist', 'doctor-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function diagnosis(path: string): Promise<Diagnosis> {
  const { code, stdout } = await weighbridge(['doctor', path, '--json']);
  if (code !== 0) throw new Error(`doctor ended with ${String(code)}`);
  return JSON.parse(stdout) as Diagnosis;
}

function finding({ findings }: Diagnosis, name: string): Finding | undefined {
  return findings.find((candidate) => candidate.name === name);
}

test('doctor looks at everything that it promises, in words that fit 80 columns', async (t) => {
  const path = await folder(t);
  const { code, stdout } = await weighbridge(['doctor', path]);
  t.is(code, 0);
  for (const name of [
    ...['eviction', 'verification', 'direct I/O', 'io_uring', 'locked memory', 'huge pages', 'page reporting', 'DAMON'],
    ...['governor', 'virtual machine', 'cgroup', 'storage'],
  ]) {
    t.regex(stdout, new RegExp(`^(ok|limited|missing) +${name.replace('/', '\\/')} `, 'm'), name);
  }
  const tooLong = stdout.split('\n').filter((line) => line.length > 80 && !line.includes(path));
  t.deepEqual(tooLong, []);
});

test('clock and throttling are told where the CPUs show them, and only there', async (t) => {
  const found = await diagnosis(await folder(t));
  t.is(finding(found, 'clock') !== undefined, clockRange() !== null);
  t.is(finding(found, 'throttling') !== undefined, throttleEvents() !== null);
  if (clockRange() === null && throttleEvents() === null) t.log('partly skipped: this machine shows neither');
});

test('doctor leaves nothing behind', async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'model.gguf'), 'GGUF');
  await diagnosis(path);
  await diagnosis(join(path, 'model.gguf'));
  t.deepEqual(await readdir(path), ['model.gguf']);
});

test('eviction works on a disk and cannot on a memory file system', async (t) => {
  const disk = await diagnosis(await folder(t));
  if (disk.machine.storage?.kind === 'memory')
    t.log('skipped: this repository lies in memory, so eviction on disk cannot be tried');
  else t.is(finding(disk, 'eviction')?.status, 'ok');
  const memory = await diagnosis('/dev/shm');
  t.is(finding(memory, 'eviction')?.status, 'missing');
  t.is(finding(memory, 'storage')?.status, 'missing');
});

test('a folder that cannot be written is said to be so, not replaced by another', async (t) => {
  const proc = await diagnosis('/proc');
  t.is(finding(proc, 'eviction')?.status, 'missing');
  t.regex(finding(proc, 'eviction')?.finding ?? '', /no file can be written here/);
});

test('a path that is not there is one line and exit code 2', async (t) => {
  const { code, stdout, stderr } = await weighbridge(['doctor', '/no/such/folder']);
  t.is(code, 2);
  t.is(stdout, '');
  t.regex(stderr, /^weighbridge: \/no\/such\/folder: no such file or directory.*\n$/);
});

test('without the addon doctor says so, names setup, and tells what it can', async (t) => {
  const env = { ...process.env, WEIGHBRIDGE_ADDON: '/no/such/addon.node' };
  const { code, stdout } = await weighbridge(['doctor', await folder(t)], env);
  t.is(code, 0);
  t.regex(stdout, /^missing +addon /m);
  t.regex(stdout, /weighbridge setup/);
  t.regex(stdout, /^(ok|limited|missing) +storage /m);
});
