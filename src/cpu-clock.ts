/**
 * The clocks of the CPUs, as cpufreq and the thermal driver show them in sysfs (Documentation/admin-guide/pm/cpufreq.rst;
 * Documentation/ABI/testing/sysfs-devices-system-cpu). Virtual machines mostly have neither: then null.
 */
import { readFileSync, readdirSync } from 'node:fs';

const CPUS = '/sys/devices/system/cpu';

/** Over all CPUs that tell. */
export interface ClockRange {
  readonly lowHz: number;
  readonly highHz: number;
}

function numbersOf(folder: string, names: readonly string[]): readonly number[] {
  let cpus: readonly string[];
  try {
    cpus = readdirSync(folder).filter((name) => /^cpu\d+$/.test(name));
  } catch {
    return [];
  }
  return cpus.flatMap((cpu) =>
    names.flatMap((name) => {
      try {
        const text = readFileSync(`${folder}/${cpu}/${name}`, 'utf8').trim();
        return /^\d+$/.test(text) ? [Number(text)] : [];
      } catch {
        return [];
      }
    }),
  );
}

/** What the CPUs run at now, or ran at last. A governor lowers an idle one within milliseconds. */
export function clockRange(folder: string = CPUS): ClockRange | null {
  const kilohertz = numbersOf(folder, ['cpufreq/scaling_cur_freq']);
  if (kilohertz.length === 0) return null;
  return { lowHz: Math.min(...kilohertz) * 1000, highHz: Math.max(...kilohertz) * 1000 };
}

/**
 * Times that a CPU or its package was slowed down because it was hot, since boot. Each CPU of a package counts the
 * package's events too, so that only a difference from 0 has a meaning.
 */
export function throttleEvents(folder: string = CPUS): number | null {
  const counts = numbersOf(folder, ['thermal_throttle/core_throttle_count', 'thermal_throttle/package_throttle_count']);
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
}
