/** What holds a path: file system, device and its kind, read-ahead. From stat(2), /proc/self/mountinfo and /sys. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

export type StorageKind =
  'nvme' | 'ssd' | 'disk' | 'virtual' | 'mapped' | 'loop' | 'memory' | 'network' | 'fuse' | 'unknown';

export interface StorageFacts {
  readonly path: string;
  /** Type as mounted: ext4, xfs, btrfs, overlay, nfs4, tmpfs, … */
  readonly fileSystem: string | null;
  readonly mountPoint: string | null;
  readonly readOnly: boolean | null;
  /** The source as mounted (/dev/nvme0n1p2, server:/share), or null. */
  readonly device: string | null;
  readonly kind: StorageKind;
  /** As the device names itself, where it does. */
  readonly model: string | null;
  /** Read-ahead window of the backing device, KiB. */
  readonly readAheadKb: number | null;
  /** The I/O scheduler in use. */
  readonly scheduler: string | null;
}

interface Mount {
  readonly numbers: string;
  readonly at: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Octal escapes of mountinfo: a space is \040. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** The mount that a resolved path lies in: the longest mount point above it; of equal ones the last covers the others. */
function mountOf(path: string): Mount | null {
  let found: Mount | null = null;
  for (const line of (read('/proc/self/mountinfo') ?? '').split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , numbers = '', , rawAt = '', options = ''] = left.split(' ');
    const [type = '', source = ''] = right.split(' ');
    const at = unescape(rawAt);
    const holds = at === '/' || path === at || path.startsWith(`${at}/`);
    if (at !== '' && holds && at.length >= (found?.at.length ?? 0)) {
      found = { numbers, at, options: options.split(','), type, source: unescape(source) };
    }
  }
  return found;
}

/** The folder in /sys of the whole disk behind a block device; a partition has none of its queue's settings itself. */
function diskFolder(numbers: string): string | null {
  try {
    const folder = realpathSync(`/sys/dev/block/${numbers}`);
    return read(`${folder}/partition`) === null ? folder : dirname(folder);
  } catch {
    return null;
  }
}

/** major:minor; file systems with anonymous numbers of their own (btrfs, overlay) name the device as their source. */
function blockNumbers(mount: Mount): string {
  if (!mount.numbers.startsWith('0:') || !mount.source.startsWith('/dev/')) return mount.numbers;
  try {
    const { rdev } = statSync(mount.source);
    // glibc's gnu_dev_major and gnu_dev_minor, for the 32 bits that Linux uses.
    return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
  } catch {
    return mount.numbers;
  }
}

function kindOf(fileSystem: string, folder: string | null): StorageKind {
  if (fileSystem === 'tmpfs' || fileSystem === 'ramfs' || fileSystem === 'hugetlbfs') return 'memory';
  if (/^(nfs|cifs|smb|ceph|9p|virtiofs|lustre|gpfs|beegfs|afs)/.test(fileSystem)) return 'network';
  if (fileSystem.startsWith('fuse')) return 'fuse';
  if (folder === null) return 'unknown';
  const name = basename(folder);
  if (name.startsWith('nvme')) return 'nvme';
  if (/^(vd|xvd)/.test(name)) return 'virtual';
  if (/^(dm-|md)/.test(name)) return 'mapped';
  if (name.startsWith('loop')) return 'loop';
  if (/^(zram|ram|pmem)/.test(name)) return 'memory';
  const rotational = read(`${folder}/queue/rotational`);
  if (rotational === null) return 'unknown';
  return rotational === '1' ? 'disk' : 'ssd';
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Never throws: a path that is not there is described by the mount that it would lie in. */
export function storageFacts(path: string): StorageFacts {
  const mount = mountOf(resolved(path));
  if (mount === null) {
    const unknown = { fileSystem: null, mountPoint: null, readOnly: null, device: null, model: null };
    return { path, ...unknown, kind: 'unknown', readAheadKb: null, scheduler: null };
  }
  const folder = diskFolder(blockNumbers(mount));
  const bdi = read(`/sys/class/bdi/${mount.numbers}/read_ahead_kb`);
  const readAhead = bdi ?? (folder === null ? null : read(`${folder}/queue/read_ahead_kb`));
  const scheduler = folder === null ? null : read(`${folder}/queue/scheduler`);
  return {
    path,
    fileSystem: mount.type,
    mountPoint: mount.at,
    readOnly: mount.options.includes('ro'),
    device: mount.source === '' || mount.source === 'none' ? null : mount.source,
    kind: kindOf(mount.type, folder),
    model: folder === null ? null : read(`${folder}/device/model`),
    readAheadKb: readAhead !== null && /^\d+$/.test(readAhead) ? Number(readAhead) : null,
    scheduler: /\[([\w-]+)\]/.exec(scheduler ?? '')?.[1] ?? scheduler,
  };
}
