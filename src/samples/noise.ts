/** What the machine did meanwhile, as the kernel counts it, and what of that was not ours. Null where it does not count. */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { clockRange, throttleEvents } from '../cpu-clock.js';
import { blockDevicesOf, deviceCounters, type DeviceCounters } from './device-traffic.js';
import type { MachineActivity, Noise } from './measurement-types.js';

type Pressure = Noise['pressureNs'];

export interface Watched {
  /** Files whose block devices are watched. */
  readonly paths: readonly string[];
  /** Processes that wait now and will have ended when the watch ends: what they used until now is no part of it. */
  readonly waiting: readonly Pid[];
  /**
   * Other processes of ours that are there before and after it: what works against a sample, and what the waiting ones are
   * children of where that is not this process. Absent for none.
   */
  readonly beside?: readonly Pid[];
}

/** Undefined where it is not known: nor is then what it used. */
type Pid = number | undefined;

export interface MachineCounters {
  readonly atMs: number;
  readonly cpus: number | null;
  readonly busyNs: number | null;
  readonly stealNs: number | null;
  readonly ownCpuNs: number | null;
  readonly ownReadBytes: number | null;
  readonly pressureNs: Pressure;
  readonly throttles: number | null;
  readonly devices: readonly string[] | null;
  readonly device: DeviceCounters | null;
  readonly beside: readonly Pid[];
}

/** What `since` finds: everything in Noise but what child and probe tell of themselves. */
export type Meanwhile = Pick<Noise, 'stealNs' | 'pressureNs' | 'loadAverage'> & { readonly machine: MachineActivity };

/** USER_HZ is 100 on every Linux architecture that Node runs on. */
const NS_PER_TICK = 1e7;

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Stalled time of "some" tasks since boot, /proc/pressure (Documentation/accounting/psi.rst); null without PSI. */
function pressure(resource: string): number | null {
  const total = /^some .*total=(\d+)/m.exec(readText(`/proc/pressure/${resource}`) ?? '')?.[1];
  return total === undefined ? null : Number(total) * 1000;
}

/** /proc/stat, proc_stat(5): user nice system idle iowait irq softirq steal …; time of guests is part of user. */
function cpuTimes(): Pick<MachineCounters, 'cpus' | 'busyNs' | 'stealNs'> {
  const text = readText('/proc/stat') ?? '';
  const total = /^cpu +(.*)$/m.exec(text)?.[1]?.split(' ').map(Number);
  const [user, nice, system, , , irq, softirq, steal] = total ?? [];
  const busy = sum([user, nice, system, irq, softirq].map((ticks) => ticks ?? null));
  return {
    cpus: text.match(/^cpu\d+ /gm)?.length ?? null,
    busyNs: busy === null ? null : busy * NS_PER_TICK,
    stealNs: steal === undefined ? null : steal * NS_PER_TICK,
  };
}

/** CPU time of a process and of the children that it has waited for: proc_pid_stat(5), fields 14 to 17. */
function cpuOf(pid: number | 'self'): number | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in field 2 may hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = sum(fields.slice(11, 15).map(Number));
  return ticks === null ? null : ticks * NS_PER_TICK;
}

/** Issued to storage by a process and, as the kernel adds up, by the children that it has waited for: proc_pid_io(5). */
function readsOf(pid: number | 'self'): number | null {
  const bytes = /^read_bytes: (\d+)$/m.exec(readText(`/proc/${pid}/io`) ?? '')?.[1];
  return bytes === undefined ? null : Number(bytes);
}

/**
 * Of this process, those beside it and their children. Of a child that waits what it used until now is added; when it has
 * ended, all that it used is in what its parent has waited for, so that the difference is what it used in between.
 */
function ours(of: (pid: number | 'self') => number | null, others: readonly Pid[]): number | null {
  return sum((['self', ...others] as const).map((pid) => (pid === undefined ? null : of(pid))));
}

function sum(parts: readonly (number | null)[]): number | null {
  return parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);
}

export function machineCounters({ paths, waiting, beside = [] }: Watched): MachineCounters {
  return countersOf(blockDevicesOf(paths), waiting, beside);
}

function countersOf(
  devices: readonly string[] | null,
  waiting: readonly Pid[],
  beside: readonly Pid[],
): MachineCounters {
  const others = [...beside, ...waiting];
  return {
    atMs: performance.now(),
    ...cpuTimes(),
    ownCpuNs: ours(cpuOf, others),
    ownReadBytes: ours(readsOf, others),
    pressureNs: { cpu: pressure('cpu'), io: pressure('io'), memory: pressure('memory') },
    throttles: throttleEvents(),
    devices,
    device: devices === null ? null : deviceCounters(devices),
    beside,
  };
}

/** Null where either could not be read, or where a counter began anew between the two. */
function difference(after: number | null | undefined, before: number | null | undefined): number | null {
  const grown = (after ?? Number.NaN) - (before ?? Number.NaN);
  return grown >= 0 ? grown : null;
}

/** Of the whole what was not ours. Ticks are samples of what ran, so that a little less than nothing is nothing. */
function beyond(whole: number | null, own: number | null): number | null {
  return whole === null || own === null ? null : Math.max(0, whole - own);
}

export function since(before: MachineCounters): Meanwhile {
  const after = countersOf(before.devices, [], before.beside);
  const busyNs = difference(after.busyNs, before.busyNs);
  const ownReadBytes = difference(after.ownReadBytes, before.ownReadBytes);
  const grown = (resource: keyof Pressure): number | null =>
    difference(after.pressureNs[resource], before.pressureNs[resource]);
  return {
    stealNs: difference(after.stealNs, before.stealNs),
    pressureNs: { cpu: grown('cpu'), io: grown('io'), memory: grown('memory') },
    loadAverage: loadavg()[0] ?? 0,
    machine: {
      lastedNs: Math.round((after.atMs - before.atMs) * 1e6),
      cpus: after.cpus,
      busyNs,
      otherCpuNs: beyond(busyNs, difference(after.ownCpuNs, before.ownCpuNs)),
      ownReadBytes,
      otherReadBytes: beyond(difference(after.device?.readBytes, before.device?.readBytes), ownReadBytes),
      writtenBytes: difference(after.device?.writeBytes, before.device?.writeBytes),
      throttleEvents: difference(after.throttles, before.throttles),
      clock: clockRange(),
    },
  };
}
