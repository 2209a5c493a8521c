import { execFile } from 'node:child_process';
import { availableParallelism, release, tmpdir, totalmem } from 'node:os';
import { promisify } from 'node:util';
import test from 'ava';
import { machineFacts } from '../src/machine.js';

const run = promisify(execFile);

test('facts agree with what the system says elsewhere', async (t) => {
  const facts = machineFacts();
  t.is(facts.memory.totalBytes, totalmem());
  t.is(facts.kernel, release());
  t.is(facts.cpu.usableCores, availableParallelism());
  const { stdout } = await run('sh', ['-c', 'ulimit -l']);
  const limit = stdout.trim() === 'unlimited' ? 'unlimited' : Number(stdout) * 1024;
  t.is(facts.memory.lockedLimit, limit);
});

test('storage of a path is the mount that holds it', async (t) => {
  const path = tmpdir();
  const { stdout } = await run('df', ['--output=fstype,target', path]);
  const [type, target] = (stdout.trim().split('\n')[1] ?? '').split(/\s+/);
  const { storage } = machineFacts(path);
  t.is(storage?.fileSystem, type);
  t.is(storage?.mountPoint, target);
});

test('a path that is not there is described by the mount that it would lie in', (t) => {
  const { storage } = machineFacts('/no/such/model.gguf');
  t.is(storage?.mountPoint, '/');
});

test('memory file systems are told from disks', (t) => {
  t.is(machineFacts('/dev/shm').storage?.kind, 'memory');
});

test('a fingerprint is 16 hex digits, the same each time, and knows the storage', (t) => {
  const first = machineFacts(tmpdir()).fingerprint;
  t.regex(first, /^[0-9a-f]{16}$/);
  t.is(machineFacts(tmpdir()).fingerprint, first);
  t.not(machineFacts('/proc').fingerprint, machineFacts('/dev/shm').fingerprint);
});
