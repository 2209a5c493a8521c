/** What block devices did meanwhile, as the kernel counts it for each of them. */
import { readFileSync, statSync } from 'node:fs';
import type { DeviceTraffic } from './measurement-types.js';

export interface DeviceCounters {
  readonly reads: number;
  readonly readBytes: number;
  readonly writeBytes: number;
}

/** Of /sys/…/stat, whatever the device's own sectors are (Documentation/block/stat.rst). */
const SECTOR_BYTES = 512;

/**
 * The devices that hold these files, as directories of /sys. Null where one lies on none that the kernel counts: btrfs,
 * overlayfs, network and memory file systems give their files a number of no block device.
 */
export function blockDevicesOf(paths: readonly string[]): readonly string[] | null {
  const devices = new Set<string>();
  for (const path of paths) {
    const status = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (status === undefined) return null;
    const directory = `/sys/dev/block/${majorOf(status.dev)}:${minorOf(status.dev)}`;
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) return null;
    devices.add(directory);
  }
  return [...devices];
}

/** Of all devices together since they were there; null where one cannot be read. */
export function deviceCounters(devices: readonly string[]): DeviceCounters | null {
  const sum = { reads: 0, readBytes: 0, writeBytes: 0 };
  for (const device of devices) {
    let text: string;
    try {
      text = readFileSync(`${device}/stat`, 'utf8');
    } catch {
      return null;
    }
    const [reads, , sectorsRead, , , , sectorsWritten] = text.trim().split(/\s+/).map(Number);
    if (![reads, sectorsRead, sectorsWritten].every(Number.isSafeInteger)) return null;
    sum.reads += reads ?? 0;
    sum.readBytes += (sectorsRead ?? 0) * SECTOR_BYTES;
    sum.writeBytes += (sectorsWritten ?? 0) * SECTOR_BYTES;
  }
  return sum;
}

/** Null where either could not be read, or where a counter began anew between the two. */
export function trafficBetween(before: DeviceCounters | null, after: DeviceCounters | null): DeviceTraffic | null {
  if (before === null || after === null) return null;
  const reads = after.reads - before.reads;
  const readBytes = after.readBytes - before.readBytes;
  if (reads < 0 || readBytes < 0) return null;
  return { reads, readBytes, meanRequestBytes: reads === 0 ? null : Math.round(readBytes / reads) };
}

/** makedev(3), as glibc splits 64 bits. */
const majorOf = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
const minorOf = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & ~0xffn);
