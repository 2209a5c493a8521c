/**
 * What a machine lets us measure, as a list of findings. Everything is read, and one small file is written beside the
 * models, evicted and removed; nothing else is changed.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { clockRange, throttleEvents } from './cpu-clock.js';
import { describe, failureOf, reasonOf } from './failure.js';
import { machineFacts, type Limit, type MachineFacts } from './machine.js';
import { native, type FileFacts, type Native } from './native.js';

export interface Finding {
  /** What was looked at: eviction, verification, O_DIRECT, … */
  readonly name: string;
  /** ok: nothing stands in the way. limited: it works, with a caveat. missing: it cannot be measured or used here. */
  readonly status: 'ok' | 'limited' | 'missing';
  readonly finding: string;
  /** What would change it; null where nothing needs to or can be done. */
  readonly remedy: string | null;
}

export interface Diagnosis {
  readonly path: string;
  readonly machine: MachineFacts;
  readonly findings: readonly Finding[];
}

const ok = (name: string, finding: string): Finding => ({ name, status: 'ok', finding, remedy: null });
const limited = (name: string, finding: string, remedy: string | null = null): Finding => ({
  ...{ name, status: 'limited', finding, remedy },
});
const missing = (name: string, finding: string, remedy: string | null = null): Finding => ({
  ...{ name, status: 'missing', finding, remedy },
});

const PROBE_BYTES = 4 * 2 ** 20;

/** Bytes with a binary unit and three figures at most. */
function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${Number((bytes / 2 ** (10 * step)).toPrecision(3))} ${units[step] ?? ''}`;
}

function limitText(limit: Limit | null): string {
  return typeof limit === 'number' ? size(limit) : (limit ?? 'unknown');
}

/** Findings about a file written for the purpose in `folder`: what the page cache and O_DIRECT do there. */
async function fileFindings(addon: Native, folder: string): Promise<readonly Finding[]> {
  let scratch: string;
  try {
    scratch = await mkdtemp(join(folder, '.weighbridge-doctor-'));
  } catch (error) {
    const remedy = `name a folder on the same file system that you may write: weighbridge doctor FOLDER`;
    return [missing('eviction', `not tried: no file can be written here (${failureOf(error).line})`, remedy)];
  }
  try {
    const file = join(scratch, 'probe');
    await writeFile(file, randomBytes(PROBE_BYTES), { flush: true });
    return [await evictionFinding(addon, file), directFinding(addon.fileFacts(file))];
  } catch (error) {
    return [missing('eviction', `the trial failed: ${failureOf(error).line}`)];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function evictionFinding(addon: Native, file: string): Promise<Finding> {
  const before = addon.residency([file]);
  await addon.evict([file]);
  const after = addon.residency([file]);
  if (after.source === 'none') {
    return limited(
      'eviction',
      'a file was evicted, and the kernel does not tell what stayed; cold is certified by bytes read',
    );
  }
  if (after.resident > 0) {
    const remedy = 'cold samples need a disk file system; put the models on one';
    return missing('eviction', `${size(after.resident)} of ${size(PROBE_BYTES)} stayed in the page cache`, remedy);
  }
  return ok(
    'eviction',
    `${size(before.resident)} of ${size(PROBE_BYTES)} cached before, 0 after, asked by ${after.source}`,
  );
}

function directFinding(facts: FileFacts): Finding {
  if (!facts.directIo) {
    const remedy = 'loaders that use O_DIRECT and the device ceiling are unsupported here; use ext4, xfs or btrfs';
    return missing('direct I/O', `${facts.fileSystem} refuses O_DIRECT`, remedy);
  }
  if (facts.directOffsetAlignment === null || facts.directMemoryAlignment === null) {
    const remedy = 'Linux 6.1 or newer, and a file system that reports STATX_DIOALIGN';
    return limited('direct I/O', 'O_DIRECT opens; its alignment is not reported', remedy);
  }
  const { directOffsetAlignment: offset, directMemoryAlignment: memory } = facts;
  return ok('direct I/O', `aligned to ${size(offset)} in the file and ${size(memory)} in memory`);
}

function verificationFinding(addon: Native, path: string, isFile: boolean): Finding {
  const name = 'verification';
  const { cachestat } = addon.capabilities();
  if (isFile && !addon.fileFacts(path).mayVerify) {
    const remedy =
      'own the file or be allowed to write it; until then cold is certified by the bytes that a load reads';
    return limited(name, 'the kernel does not tell others than owner and writers which pages are cached', remedy);
  }
  if (cachestat.supported) return ok(name, 'cachestat(2) counts cached pages without mapping the file');
  const why = cachestat.reason === null ? 'no cachestat(2)' : describe(cachestat.reason);
  return limited(name, `mincore(2) is used: ${why}`, 'Linux 6.5 or newer');
}

function kernelFindings(addon: Native): readonly Finding[] {
  const { ioUring, populateRead } = addon.capabilities();
  const isas = addon.isas();
  const of = (name: string, has: string, capability: typeof ioUring): Finding =>
    capability.supported
      ? ok(name, has)
      : missing(name, capability.reason?.message ?? 'refused by the kernel', capability.reason?.remedy ?? null);
  return [
    isas.length > 1
      ? ok('instructions', `the kernel runs with ${isas.join(', ')}`)
      : limited('instructions', `the kernel runs with ${isas.join(', ')} alone, which is slow`),
    of('io_uring', 'a ring could be set up; the device ceiling uses it', ioUring),
    of('populate', 'MADV_POPULATE_READ works', populateRead),
  ];
}

/** Findings that only need /proc and /sys. */
function systemFindings(facts: MachineFacts): readonly Finding[] {
  return [
    lockedFinding(facts),
    hugePageFinding(facts),
    hugePoolFinding(facts),
    reportingFinding(facts),
    damonFinding(facts),
    swapFinding(facts),
    governorFinding(facts),
    ...clockFindings(),
    virtualFinding(facts),
    cgroupFinding(facts),
    storageFinding(facts),
  ];
}

function lockedFinding({ memory }: MachineFacts): Finding {
  const name = 'locked memory';
  const { lockedLimit: soft, lockedLimitHard: hard } = memory;
  if (soft === null) return limited(name, 'the limit could not be read');
  if (soft === 'unlimited') return ok(name, 'unlimited');
  const raise = hard === 'unlimited' || (hard !== null && hard > soft) ? 'ulimit -l hard' : 'memlock in limits.conf(5)';
  return limited(
    name,
    `${size(soft)} (hard limit ${limitText(hard)}); a larger model cannot be locked`,
    `raise it: ${raise}`,
  );
}

function hugePageFinding({ memory }: MachineFacts): Finding {
  const name = 'huge pages';
  const mode = memory.transparentHugePages;
  if (mode === null) return missing(name, 'this kernel has no transparent huge pages');
  if (mode !== 'never') return ok(name, `transparent huge pages: ${mode}`);
  const remedy = 'write madvise to /sys/kernel/mm/transparent_hugepage/enabled';
  return missing(
    name,
    'transparent huge pages are off (never); the device ceiling is measured with small pages',
    remedy,
  );
}

function hugePoolFinding({ memory }: MachineFacts): Finding {
  const name = 'huge page pool';
  const { hugePagePool: pool, hugePagesFree: free, hugePageBytes: bytes } = memory;
  if (pool === null || bytes === null) return missing(name, 'this kernel has no hugetlb pages');
  if (pool === 0)
    return limited(
      name,
      'none reserved: the hugetlb loaders are unsupported, and hybrid takes other roads; reserve with sysctl vm.nr_hugepages',
    );
  return ok(name, `${pool} pages of ${size(bytes)}, ${free ?? 'unknown'} free`);
}

function reportingFinding({ memory }: MachineFacts): Finding {
  const name = 'page reporting';
  if (memory.pageReporting === null)
    return limited(name, 'could not be read; compare --memory-state backed and returned');
  if (!memory.pageReporting) return ok(name, 'off: free pages stay with this machine');
  return limited(
    name,
    'on: the host takes free pages back after seconds, and their next first touch is slow',
    'measure in both states: --memory-state backed,returned',
  );
}

function damonFinding({ memory }: MachineFacts): Finding {
  const name = 'DAMON';
  if (memory.damonSchemes === null) return limited(name, 'could not be read');
  const active = memory.damonSchemes.filter((scheme) => scheme.state === 'on');
  if (active.length === 0) return ok(name, 'no scheme at work');
  const actions = active.map((scheme) => scheme.action).join(', ');
  return limited(name, `at work: ${actions}; warm files are held by a mapping while they are measured`);
}

function swapFinding({ memory }: MachineFacts): Finding {
  if (memory.swapBytes === null) return limited('swap', 'could not be read');
  if (memory.swapBytes === 0) return ok('swap', 'none');
  return limited('swap', `${size(memory.swapBytes)}: filled memory may be swapped out; the footprint counts it`);
}

function governorFinding({ cpu, virtualization }: MachineFacts): Finding {
  const name = 'governor';
  if (cpu.governors === null) {
    const why = virtualization.virtual === true ? 'the host sets the clock' : 'no cpufreq here';
    return limited(name, `${why}; spin times in each sample show a clock that moved`);
  }
  const used = cpu.governors.join(', ');
  if (used === 'performance') return ok(name, used);
  return limited(name, `${used}: the clock follows the load`, 'cpupower frequency-set -g performance');
}

/** Only where something is readable: that the host sets the clock is said of the governor. */
function clockFindings(): readonly Finding[] {
  const clock = clockRange();
  const events = throttleEvents();
  const gigahertz = (hz: number): string => (hz / 1e9).toFixed(2);
  return [
    ...(clock === null
      ? []
      : [ok('clock', `${gigahertz(clock.lowHz)} to ${gigahertz(clock.highHz)} GHz now; each sample records it`)]),
    ...(events === null ? [] : [throttlingFinding(events)]),
  ];
}

function throttlingFinding(events: number): Finding {
  const name = 'throttling';
  if (events === 0) return ok(name, 'counted by the CPUs, none since boot; samples that meet it are marked');
  return limited(name, `${events} events since boot: the CPUs get hot; samples that meet it are marked`);
}

function virtualFinding({ virtualization }: MachineFacts): Finding {
  const name = 'virtual machine';
  if (virtualization.virtual === null) return limited(name, 'could not be told');
  if (!virtualization.virtual) return ok(name, 'no: cold means that the device is read');
  const product = virtualization.product === null ? 'yes' : `yes (${virtualization.product})`;
  return limited(name, `${product}: cold is guest-cold, since the host may still cache what is evicted here`);
}

function cgroupFinding({ cgroup, memory }: MachineFacts): Finding {
  const name = 'cgroup';
  if (cgroup.version === null) return limited(name, 'no memory controller found');
  const limit = cgroup.memoryLimitBytes;
  if (limit === null || (memory.totalBytes !== null && limit >= memory.totalBytes)) {
    return ok(name, `version ${cgroup.version}, no memory limit`);
  }
  const remedy = 'page cache counts too: a model that does not fit is evicted while it is read';
  return limited(name, `version ${cgroup.version}, memory limited to ${size(limit)}`, remedy);
}

function storageFinding({ storage }: MachineFacts): Finding {
  const name = 'storage';
  if (storage === null || storage.fileSystem === null) return limited(name, 'unknown');
  const { fileSystem, device, kind, readAheadKb } = storage;
  const ahead = readAheadKb === null ? '' : `, read-ahead ${readAheadKb} KiB`;
  const text = `${fileSystem} on ${device ?? 'no device'} (${kind})${ahead}`;
  if (kind === 'memory')
    return missing(name, `${text}: it is memory; nothing is loaded from it`, 'name a path on a disk');
  if (kind === 'network' || kind === 'fuse') {
    return limited(name, `${text}: its server caches, and eviction here does not reach it`);
  }
  return ok(name, text);
}

/** Throws the system's error for a path that is not there. Without the addon what needs it is reported missing. */
export async function diagnose(path: string): Promise<Diagnosis> {
  const full = resolve(path);
  const isFile = !(await stat(full)).isDirectory();
  const machine = machineFacts(full);
  let addon: Native;
  try {
    addon = native();
  } catch (error) {
    const why = reasonOf(error)?.message ?? String(error);
    const first = missing('addon', `${why.split(';')[0] ?? why}; what needs it was not looked at`, 'weighbridge setup');
    return { path: full, machine, findings: [first, ...systemFindings(machine)] };
  }
  return {
    path: full,
    machine,
    findings: [
      ...(await fileFindings(addon, isFile ? dirname(full) : full)),
      verificationFinding(addon, full, isFile),
      ...kernelFindings(addon),
      ...systemFindings(machine),
    ],
  };
}
