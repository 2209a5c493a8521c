/** What holds a path: file system, device and its kind, read-ahead. From stat(2), /proc/self/mountinfo and /sys. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

export type StorageKind =
  'nvme' | 'ssd' | 'disk' | 'virtual' | 'mapped' | 'loop' | 'memory' | 'network' | 'fuse' | 'unknown';

export interface StorageFacts {
  readonly path: string;
  /** Type as mounted: ext4, xfs, btrfs, overlay, nfs4, tmpfs, … */
  readonly fileSystem: string | null;
  readonly mountPoint: string | null;
  readonly readOnly: boolean | null;
  /** The source as mounted (/dev/nvme0n1p2, server:/share), for an overlay that of its layers where it is one; or null. */
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
  /** Options of the file system, such as the layers of an overlay. */
  readonly settings: readonly string[];
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
    const [type = '', source = '', settings = ''] = right.split(' ');
    const at = unescape(rawAt);
    const holds = at === '/' || path === at || path.startsWith(`${at}/`);
    if (at !== '' && holds && at.length >= (found?.at.length ?? 0)) {
      found = {
        ...{ numbers, at, options: options.split(','), type, source: unescape(source) },
        settings: settings.split(',').map(unescape),
      };
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

/**
 * The device below an overlay, where all of its layers can be seen from here and lie on one. A container does not see
 * those of its root.
 */
function belowOverlay({ at, type, settings }: Mount): StorageFacts | null {
  if (type !== 'overlay') return null;
  const layers = settings.flatMap((setting) => {
    const [, name, folders = ''] = /^(lowerdir|lowerdir\+|datadir\+|upperdir)=(\/.*)$/.exec(setting) ?? [];
    return name === 'lowerdir' ? folders.split(':').filter((folder) => folder !== '') : folders === '' ? [] : [folders];
  });
  // A path of the host may by chance be one inside of the overlay.
  const isSeen = (layer: string): boolean => existsSync(layer) && mountOf(resolved(layer))?.at !== at;
  if (layers.length === 0 || !layers.every(isSeen)) return null;
  const [first, ...others] = layers.map(storageFacts);
  if (first === undefined || first.device === null) return null;
  return others.every(({ device }) => device === first.device) ? first : null;
}

const readsOnly = ({ options }: Mount): boolean => options.includes('ro');

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
  const below = belowOverlay(mount);
  if (below !== null) {
    return { ...below, path, fileSystem: mount.type, mountPoint: mount.at, readOnly: readsOnly(mount) };
  }
  const folder = diskFolder(blockNumbers(mount));
  const bdi = read(`/sys/class/bdi/${mount.numbers}/read_ahead_kb`);
  const readAhead = bdi ?? (folder === null ? null : read(`${folder}/queue/read_ahead_kb`));
  const scheduler = folder === null ? null : read(`${folder}/queue/scheduler`);
  return {
    path,
    fileSystem: mount.type,
    mountPoint: mount.at,
    readOnly: readsOnly(mount),
    device: mount.source === '' || mount.source === 'none' ? null : mount.source,
    kind: kindOf(mount.type, folder),
    model: folder === null ? null : read(`${folder}/device/model`),
    readAheadKb: readAhead !== null && /^\d+$/.test(readAhead) ? Number(readAhead) : null,
    scheduler: /\[([\w-]+)\]/.exec(scheduler ?? '')?.[1] ?? scheduler,
  };
}
