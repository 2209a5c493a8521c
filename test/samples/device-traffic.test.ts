import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import { blockDevicesOf, deviceCounters, trafficBetween } from '../../src/samples/device-traffic.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const BYTES = 8 * 2 ** 20;

function fileOnDisk(): string {
  const path = join(folder, 'bytes');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(2 ** 20, 7);
  for (let written = 0; written < BYTES; written += block.length) writeSync(file, block);
  fsyncSync(file);
  closeSync(file);
  return path;
}

test('reading a file from its disk shows in the counters of the device', async (t) => {
  const path = fileOnDisk();
  const devices = blockDevicesOf([path, path]);
  const { source } = native().residency([path]);
  if (devices === null || source === 'none') {
    t.log('skipped: the file lies on no block device whose counters can be read, or residency cannot be read here');
    t.pass();
    return;
  }
  t.is(devices.length, 1);
  await native().evict([path]);
  const before = deviceCounters(devices);
  // Fills the page cache from the device.
  await native().warm([path]);
  const traffic = trafficBetween(before, deviceCounters(devices));
  if (traffic === null) {
    t.fail('the counters can be read before and not after');
    return;
  }
  t.true(traffic.readBytes >= BYTES, `${traffic.readBytes}`);
  t.true(traffic.reads > 0);
  t.is(traffic.meanRequestBytes, Math.round(traffic.readBytes / traffic.reads));
});

test('files that lie on no block device have no traffic, and nothing breaks', (t) => {
  t.is(blockDevicesOf(['/proc/self/status']), null);
  t.is(blockDevicesOf([join(folder, 'nowhere')]), null);
  t.is(deviceCounters([join(folder, 'no-device')]), null);
});

test('without reads there is no mean size, and a counter that began anew tells nothing', (t) => {
  const at = (reads: number, readBytes: number) => ({ reads, readBytes, writeBytes: 0 });
  t.deepEqual(trafficBetween(at(5, 4096), at(5, 4096)), { reads: 0, readBytes: 0, meanRequestBytes: null });
  t.deepEqual(trafficBetween(at(5, 4096), at(8, 8192)), { reads: 3, readBytes: 4096, meanRequestBytes: 1365 });
  t.is(trafficBetween(at(5, 4096), at(1, 512)), null);
  t.is(trafficBetween(null, at(1, 512)), null);
});
