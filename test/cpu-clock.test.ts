import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { clockRange, throttleEvents } from '../src/cpu-clock.js';
import { removeFolder, scratchFolder } from './processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

/** A folder laid out as sysfs lays out CPUs. */
function cpus(name: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), text);
  }
  return join(folder, name);
}

test('the clocks of all CPUs are one range', (t) => {
  const at = cpus('clocked', {
    'cpu0/cpufreq/scaling_cur_freq': '2100000\n',
    'cpu1/cpufreq/scaling_cur_freq': '3400000\n',
    'cpu10/cpufreq/scaling_cur_freq': '800000\n',
    'cpufreq/scaling_cur_freq': '1\n',
    'cpu2/online': '0\n',
  });
  t.deepEqual(clockRange(at), { lowHz: 8e8, highHz: 34e8 });
});

test('throttling counts cores and packages', (t) => {
  const at = cpus('throttled', {
    'cpu0/thermal_throttle/core_throttle_count': '2\n',
    'cpu0/thermal_throttle/package_throttle_count': '5\n',
    'cpu1/thermal_throttle/core_throttle_count': '0\n',
    'cpu1/thermal_throttle/package_throttle_count': '5\n',
  });
  t.is(throttleEvents(at), 12);
});

test('what is not there, or is no number, is null', (t) => {
  const at = cpus('virtual', { 'cpu0/online': '1\n', 'cpu0/cpufreq/scaling_cur_freq': '<unknown>\n' });
  t.is(clockRange(at), null);
  t.is(throttleEvents(at), null);
  t.is(clockRange(join(folder, 'nowhere')), null);
});
