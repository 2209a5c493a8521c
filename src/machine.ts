/**
 * Facts of this machine that bear on how fast weights load, for the header of a ledger and for `doctor`. Everything is
 * read from /proc and /sys (proc(5), sysfs(5), Documentation/ABI of the kernel); nothing is changed. What cannot be read
 * is null.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { storageFacts, type StorageFacts } from './storage.js';

export type { StorageFacts } from './storage.js';

/** A DAMON operation scheme that the kernel applies to memory by itself, as sysfs shows it. */
export interface DamonScheme {
  /** on or off */
  readonly state: string;
  /** pageout, cold, lru_deprio, …: the first three take pages out of the page cache or prepare it. */
  readonly action: string;
}

/** Bytes, or no limit. */
export type Limit = number | 'unlimited';

export interface MachineFacts {
  /** 16 hex digits, equal on machines whose figures may be compared; see `fingerprintOf`. */
  readonly fingerprint: string;
  readonly cpu: {
    readonly model: string | null;
    /** Logical CPUs online, and those that this process may use (affinity). */
    readonly cores: number | null;
    readonly usableCores: number;
    readonly numaNodes: number | null;
    /** SIMD extensions that CPU and kernel announce, of those that matter to a kernel over quantized weights. */
    readonly isas: readonly string[];
    /** Of the largest cache that CPU 0 sees; null where sysfs does not tell. */
    readonly lastLevelCacheBytes: number | null;
    /** The cpufreq governors in use; null where there is no cpufreq (as in most virtual machines). */
    readonly governors: readonly string[] | null;
  };
  readonly kernel: string | null;
  /** `virtual` is null where neither the CPU nor the firmware says. */
  readonly virtualization: { readonly virtual: boolean | null; readonly product: string | null };
  readonly memory: {
    readonly totalBytes: number | null;
    readonly swapBytes: number | null;
    /** The selected mode of transparent huge pages: always, madvise or never. */
    readonly transparentHugePages: string | null;
    readonly hugePageBytes: number | null;
    readonly hugePagePool: number | null;
    readonly hugePagesFree: number | null;
    /** Whether free pages are reported to the host, which may take them back; null where it cannot be known. */
    readonly pageReporting: boolean | null;
    readonly damonSchemes: readonly DamonScheme[] | null;
    /** RLIMIT_MEMLOCK: the limit in force, and how far this user may raise it. */
    readonly lockedLimit: Limit | null;
    readonly lockedLimitHard: Limit | null;
  };
  readonly cgroup: {
    /** Which hierarchy holds the memory controller of this process. */
    readonly version: 1 | 2 | null;
    /** The least memory limit from this process's group up to the root; null for none. */
    readonly memoryLimitBytes: number | null;
  };
  /** Of the path asked about; null where none was. */
  readonly storage: StorageFacts | null;
}

/** The trimmed text of a file of /proc or /sys, or null. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

function list(path: string): readonly string[] | null {
  try {
    return readdirSync(path);
  } catch {
    return null;
  }
}

function wholeNumber(text: string | null | undefined): number | null {
  return text !== null && text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** The value after `key :` in a text of such lines. */
function field(text: string | null, key: string): string | null {
  const line = text?.split('\n').find((candidate) => candidate.split(':')[0]?.trim() === key);
  return line === undefined ? null : line.slice(line.indexOf(':') + 1).trim();
}

/** A /proc/meminfo line in bytes. */
function meminfo(text: string | null, key: string): number | null {
  const value = field(text, key)?.replace(/ kB$/, '');
  const kilobytes = wholeNumber(value);
  return kilobytes === null ? null : kilobytes * 1024;
}

const KNOWN_ISAS = [
  ...['sse4_2', 'f16c', 'fma', 'avx', 'avx2', 'avx_vnni', 'avx512f', 'avx512bw', 'avx512vl', 'avx512_vnni'],
  ...['avx512_bf16', 'avx512_fp16', 'amx_tile', 'amx_int8', 'amx_bf16'],
  ...['asimd', 'asimdhp', 'asimddp', 'i8mm', 'bf16', 'sve', 'sve2', 'sme'],
];

/** How many numbers a list like "0-3,8" of sysfs names. */
function countOfList(text: string | null): number | null {
  if (text === null || text === '') return null;
  return text
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = NaN, last = first]) => sum + last - first + 1, 0);
}

function lastLevelCache(): number | null {
  const sizes = [0, 1, 2, 3, 4].map((index) => {
    const kib = /^(\d+)K$/.exec(read(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`) ?? '')?.[1];
    return kib === undefined ? 0 : Number(kib) * 1024;
  });
  const largest = Math.max(...sizes);
  return largest === 0 ? null : largest;
}

function cpuFacts(cpuinfo: string | null): MachineFacts['cpu'] {
  const flags = new Set((field(cpuinfo, 'flags') ?? field(cpuinfo, 'Features') ?? '').split(/\s+/));
  const implementer = field(cpuinfo, 'CPU implementer');
  const armModel = implementer === null ? null : `${implementer}/${field(cpuinfo, 'CPU part') ?? '?'}`;
  const cpus = list('/sys/devices/system/cpu')?.filter((name) => /^cpu\d+$/.test(name)) ?? [];
  const governors = cpus.map((cpu) => read(`/sys/devices/system/cpu/${cpu}/cpufreq/scaling_governor`));
  const distinct = [...new Set(governors.filter((governor) => governor !== null))].sort();
  return {
    model: field(cpuinfo, 'model name') ?? armModel,
    cores: countOfList(read('/sys/devices/system/cpu/online')),
    usableCores: availableParallelism(),
    numaNodes: countOfList(read('/sys/devices/system/node/online')),
    isas: KNOWN_ISAS.filter((isa) => flags.has(isa)),
    lastLevelCacheBytes: lastLevelCache(),
    governors: distinct.length === 0 ? null : distinct,
  };
}

/** x86 announces a hypervisor as a CPU flag; elsewhere the firmware's names are all there is. */
function virtualization(cpuinfo: string | null): MachineFacts['virtualization'] {
  const vendor = read('/sys/class/dmi/id/sys_vendor');
  const name = read('/sys/class/dmi/id/product_name');
  const product = [vendor, name].filter((part) => part !== null && part !== '').join(' ');
  const type = read('/sys/hypervisor/type') ?? read('/proc/device-tree/hypervisor/compatible');
  const flags = field(cpuinfo, 'flags');
  const named = /KVM|QEMU|VMware|VirtualBox|Virtual Machine|HVM domU|Google Compute Engine|Hetzner vServer/i.test(
    product,
  );
  const byName = named || (product.startsWith('Amazon EC2') && !product.includes('metal'));
  const virtual = flags !== null ? flags.split(' ').includes('hypervisor') : byName || type !== null || null;
  return { virtual, product: product !== '' ? product : type };
}

/**
 * Free page reporting is on once a balloon device has negotiated it (virtio feature bit 5, virtio specification 5.5.3) or
 * any driver has set the order from which pages are reported (mm/page_reporting.c; unset it is above every order).
 */
function pageReporting(): boolean | null {
  const devices = '/sys/bus/virtio/drivers/virtio_balloon';
  for (const device of list(devices)?.filter((name) => name.startsWith('virtio')) ?? []) {
    if (read(`${devices}/${device}/features`)?.[5] === '1') return true;
  }
  const order = wholeNumber(read('/sys/module/page_reporting/parameters/page_reporting_order'));
  if (order !== null) return order < 32;
  return list('/sys/module') === null ? null : false;
}

function damonSchemes(): readonly DamonScheme[] | null {
  const kdamonds = '/sys/kernel/mm/damon/admin/kdamonds';
  const numbered = (path: string): readonly string[] =>
    (list(path) ?? []).filter((name) => /^\d+$/.test(name)).map((name) => `${path}/${name}`);
  if (list(kdamonds) === null) return list('/sys/kernel/mm') === null ? null : [];
  return numbered(kdamonds).flatMap((kdamond) =>
    numbered(`${kdamond}/contexts`)
      .flatMap((context) => numbered(`${context}/schemes`))
      .map((scheme) => ({
        state: read(`${kdamond}/state`) ?? 'unknown',
        action: read(`${scheme}/action`) ?? 'unknown',
      })),
  );
}

function lockedLimits(): readonly [soft: Limit | null, hard: Limit | null] {
  const found = /^Max locked memory\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(read('/proc/self/limits') ?? '');
  const limit = (text: string | undefined): Limit | null => (text === 'unlimited' ? text : wholeNumber(text));
  return [limit(found?.[1]), limit(found?.[2])];
}

/** Where a cgroup hierarchy is mounted and which of its groups is the root there (mountinfo fields 4 and 5). */
function cgroupMount(version: 1 | 2, mounts: string): { root: string; at: string } | null {
  for (const line of mounts.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ');
    const [, , , root = '', at = ''] = mount.split(' ');
    const [type, , options = ''] = source.split(' ');
    if (version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes('memory'))
      return { root, at };
  }
  return null;
}

/** "max" (version 2) and numbers near 2^63 (version 1) mean no limit. */
function cgroupFacts(): MachineFacts['cgroup'] {
  const { version, folders } = memoryGroups();
  const limits = folders.map(limitOf).filter((limit) => limit !== null);
  return { version, memoryLimitBytes: limits.length === 0 ? null : Math.min(...limits) };
}

/**
 * The version of the memory controller, and the folders from the root of its hierarchy to this process's group, as
 * /proc/self/cgroup and /proc/self/mountinfo tell (cgroups(7)).
 */
export function memoryGroups(
  groupsOfProcess = read('/proc/self/cgroup') ?? '',
  mounts = read('/proc/self/mountinfo') ?? '',
): { readonly version: 1 | 2 | null; readonly folders: readonly string[] } {
  const lines = groupsOfProcess.split('\n');
  const version1 = lines.find((line) => line.split(':')[1]?.split(',').includes('memory'));
  const own = version1 ?? lines.find((line) => line.startsWith('0::'));
  if (own === undefined) return { version: null, folders: [] };
  const version = version1 === undefined ? 2 : 1;
  const mount = cgroupMount(version, mounts);
  if (mount === null) return { version, folders: [] };
  const path = own.split(':').slice(2).join(':');
  const below = mount.root !== '/' && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
  const groups = below.split('/').filter((name) => name !== '');
  const folders = [...groups.keys(), groups.length].map((depth) => [mount.at, ...groups.slice(0, depth)].join('/'));
  return { version, folders };
}

/** Of memory.stat. */
function numberOf(stat: string, name: string): number | null {
  return wholeNumber(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? null);
}

/** memory.max (version 2) or memory.limit_in_bytes (version 1), bytes; null for none. */
function limitOf(folder: string): number | null {
  const limit = wholeNumber(read(`${folder}/memory.max`) ?? read(`${folder}/memory.limit_in_bytes`));
  return limit !== null && limit < 2 ** 62 ? limit : null;
}

/**
 * Bytes that this process may still take before something is killed or swapped: MemAvailable of /proc/meminfo, or less
 * where a cgroup's limit leaves less (its limit less its use, page cache that is not in active use not counted).
 * Null if unreadable.
 */
export function availableMemory(): number | null {
  const machine = meminfo(read('/proc/meminfo'), 'MemAvailable');
  const groups = groupRooms().map(({ folder, roomBytes }) => {
    const stat = read(`${folder}/memory.stat`) ?? '';
    // Version 1 tells the group's own first, and that of all below it, which its use has too, as total.
    const idle = numberOf(stat, 'total_inactive_file') ?? numberOf(stat, 'inactive_file') ?? 0;
    return Math.max(0, roomBytes + idle);
  });
  return leastOf([machine, ...groups]);
}

/**
 * What can be taken without any page cache being dropped for it: MemFree of /proc/meminfo, or less where a cgroup's limit
 * leaves less, since the page cache of its processes is charged to it. Null if unreadable.
 */
export function unusedMemory(): number | null {
  const machine = meminfo(read('/proc/meminfo'), 'MemFree');
  return leastOf([machine, ...groupRooms().map(({ roomBytes }) => Math.max(0, roomBytes))]);
}

/** What the limit of each group that holds this process leaves above its use, of those that have one. */
function groupRooms(): readonly { readonly folder: string; readonly roomBytes: number }[] {
  return memoryGroups().folders.flatMap((folder) => {
    const limit = limitOf(folder);
    const used = wholeNumber(read(`${folder}/memory.current`) ?? read(`${folder}/memory.usage_in_bytes`));
    return limit === null || used === null ? [] : [{ folder, roomBytes: limit - used }];
  });
}

function leastOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** vm.min_free_kbytes in bytes: below a little more than that the kernel begins to reclaim. Null if unreadable. */
export function leastFreeMemory(): number | null {
  const kilobytes = wholeNumber(read('/proc/sys/vm/min_free_kbytes'));
  return kilobytes === null ? null : kilobytes * 1024;
}

/**
 * SHA-256 over what stays the same from boot to boot and moves figures when it differs: CPU model, logical CPUs, memory
 * in whole GiB, major.minor of the kernel, whether (and as what) virtualized, kind of storage and file system.
 * Frequencies, limits and settings are left out: they are in the header, and a run may change them on purpose.
 */
function fingerprintOf(facts: Omit<MachineFacts, 'fingerprint'>): string {
  const stable = [
    facts.cpu.model,
    facts.cpu.cores,
    facts.memory.totalBytes === null ? null : Math.round(facts.memory.totalBytes / 2 ** 30),
    /^\d+\.\d+/.exec(facts.kernel ?? '')?.[0] ?? null,
    facts.virtualization.virtual,
    facts.virtualization.product,
    facts.storage?.kind ?? null,
    facts.storage?.fileSystem ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(stable)).digest('hex').slice(0, 16);
}

/** Never throws. `modelPath` is a file or folder; its storage is described, and enters the fingerprint. */
export function machineFacts(modelPath?: string): MachineFacts {
  const cpuinfo = read('/proc/cpuinfo');
  const memory = read('/proc/meminfo');
  const thp = /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '');
  const [lockedLimit, lockedLimitHard] = lockedLimits();
  const facts = {
    cpu: cpuFacts(cpuinfo),
    kernel: read('/proc/sys/kernel/osrelease'),
    virtualization: virtualization(cpuinfo),
    memory: {
      totalBytes: meminfo(memory, 'MemTotal'),
      swapBytes: meminfo(memory, 'SwapTotal'),
      transparentHugePages: thp?.[1] ?? null,
      hugePageBytes: meminfo(memory, 'Hugepagesize'),
      hugePagePool: wholeNumber(field(memory, 'HugePages_Total')),
      hugePagesFree: wholeNumber(field(memory, 'HugePages_Free')),
      pageReporting: pageReporting(),
      damonSchemes: damonSchemes(),
      lockedLimit,
      lockedLimitHard,
    },
    cgroup: cgroupFacts(),
    storage: modelPath === undefined ? null : storageFacts(modelPath),
  };
  return { fingerprint: fingerprintOf(facts), ...facts };
}
