/** Own and others, told apart by the kernel's counters around real processes. Others may be at work beside a test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import { blockDevicesOf } from '../../src/samples/device-traffic.js';
import { machineCounters, since, type MachineCounters } from '../../src/samples/noise.js';
import { removeFolder, scratchFolder, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const BYTES = 8 * 2 ** 20;

function fileOnDisk(name: string): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  const block = Buffer.alloc(2 ** 20, 7);
  for (let written = 0; written < BYTES; written += block.length) writeSync(file, block);
  fsyncSync(file);
  closeSync(file);
  return path;
}

/** A process that waits for its release, does its work, says so, and ends when its standard input does. */
function worker(work: string, ...args: readonly string[]): ChildProcess {
  const text = `process.stdin.once('data', () => { ${work}; process.stdout.write('done'); });
    process.stdin.on('end', () => process.exit()); process.stdout.write('ready');`;
  return spawn(process.execPath, ['-e', text, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

const said = (child: ChildProcess): Promise<unknown> => once(child.stdout!, 'data');

/** Lets it work; then it ends, and is waited for. */
async function workAndEnd(child: ChildProcess): Promise<void> {
  child.stdin?.write('go');
  await said(child);
  child.stdin?.end();
  await once(child, 'close');
}

const BURN = 'const until = process.cpuUsage(); while (process.cpuUsage(until).user < 4e5);';
const READ = "require('node:fs').readFileSync(process.argv[1])";
const LEAST_NS = 3e8;

test.serial('the CPU time of a child that waited is ours, and what it used before does not count', async (t) => {
  const child = worker(BURN);
  await said(child);
  const before = machineCounters({ paths: [], waiting: [child.pid!] });
  await workAndEnd(child);
  const { machine } = since(before);
  if (machine.busyNs === null || machine.otherCpuNs === null) {
    t.log('skipped: /proc/stat cannot be read here');
    t.pass();
    return;
  }
  t.true(machine.busyNs - machine.otherCpuNs >= LEAST_NS, JSON.stringify(machine));
  t.true(machine.lastedNs > 0 && (machine.cpus ?? 0) > 0);
});

test.serial('the CPU time of a process that is none of ours is that of others', async (t) => {
  const spinning = spawn(process.execPath, ['-e', 'for (;;);']);
  t.teardown(() => spinning.kill('SIGKILL'));
  const before = machineCounters({ paths: [], waiting: [] });
  if (before.busyNs === null) {
    t.log('skipped: /proc/stat cannot be read here');
    t.pass();
    return;
  }
  await t.notThrowsAsync(until(() => (since(before).machine.otherCpuNs ?? 0) >= LEAST_NS, 120, 'CPU time of others'));
});

async function readBy(child: ChildProcess, path: string, watched: () => MachineCounters): Promise<MachineCounters> {
  await said(child);
  await native().evict([path]);
  const before = watched();
  child.stdin?.write('go');
  await said(child);
  return before;
}

test.serial('what a child reads is ours once it has ended, and until then that of others', async (t) => {
  const path = fileOnDisk('model');
  const { source } = native().residency([path]);
  if (
    blockDevicesOf([path]) === null ||
    source === 'none' ||
    machineCounters({ paths: [], waiting: [] }).ownReadBytes === null
  ) {
    t.log('skipped: device counters, reads of a process or residency cannot be read here');
    t.pass();
    return;
  }
  const stranger = worker(READ, path);
  const before = await readBy(stranger, path, () => machineCounters({ paths: [path], waiting: [] }));
  const beside = since(before).machine;
  stranger.stdin?.end();
  await once(stranger, 'close');
  t.true((beside.otherReadBytes ?? 0) >= BYTES, JSON.stringify(beside));

  const child = worker(READ, path);
  const start = await readBy(child, path, () => machineCounters({ paths: [path], waiting: [child.pid!] }));
  child.stdin?.end();
  await once(child, 'close');
  const own = since(start).machine;
  t.true((own.ownReadBytes ?? 0) >= BYTES, JSON.stringify(own));
});

test.serial('what is written to the device shows', (t) => {
  const path = fileOnDisk('written');
  const before = machineCounters({ paths: [path], waiting: [] });
  if (before.device === null) {
    t.log('skipped: the file lies on no block device whose counters can be read');
    t.pass();
    return;
  }
  fileOnDisk('written');
  t.true((since(before).machine.writtenBytes ?? 0) >= BYTES);
});

test('a device or process that cannot be read is null, and nothing breaks', (t) => {
  const gone = machineCounters({ paths: [join(folder, 'nowhere')], waiting: [2 ** 30] });
  const { machine } = since(gone);
  t.is(machine.otherReadBytes, null);
  t.is(machine.writtenBytes, null);
  t.is(machine.otherCpuNs, null);
  t.is(machine.ownReadBytes, null);
});
