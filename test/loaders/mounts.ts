/**
 * File systems of a test's own: made in sparse files and mounted through loop devices, which needs root. Whatever was
 * mounted is unmounted by unmountAll(), and when the process exits.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type FileSystem = 'ext4' | 'xfs' | 'btrfs';

export interface Mounted {
  readonly kind: 'mounted';
  /** The folder where it is mounted. */
  readonly at: string;
  /** Mounts it anew with these options; null, or why not. */
  readonly remount: (options: string) => string | null;
  /** Lets the device fail from the place on where it holds that byte of the file; null, or why it cannot. */
  readonly failBehind: (path: string, offset: number) => string | null;
}

export interface Refused {
  readonly kind: 'refused';
  readonly why: string;
}

const refused = (why: string): Refused => ({ kind: 'refused', why });

const mounts: string[] = [];

/** Null, or why the command failed. */
function attempt(command: string, ...args: readonly string[]): string | null {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) return `${command} cannot be run here (${error.message})`;
  return status === 0 ? null : `${command} ${args.join(' ')}: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

/** Why nothing can be mounted here, or null. */
export function cannotMount(): string | null {
  return process.getuid?.() === 0 ? null : 'mounting needs root';
}

export function unmountAll(): void {
  for (let at = mounts.pop(); at !== undefined; at = mounts.pop()) {
    if (attempt('umount', at) !== null) attempt('umount', '--lazy', at);
  }
}
process.once('exit', unmountAll);

function mount(at: string, ...args: readonly string[]): string | null {
  const why = cannotMount();
  if (why !== null) return why;
  mkdirSync(at, { recursive: true });
  const failed = attempt('mount', ...args, at);
  if (failed === null) mounts.push(at);
  return failed;
}

/** The least that each can be made in, and a little room. ext4 has no journal here: its device may fail. */
const makers: Readonly<Record<FileSystem, { readonly bytes: number; readonly make: readonly string[] }>> = {
  ext4: { bytes: 32 * 2 ** 20, make: ['mkfs.ext4', '-q', '-F', '-O', '^has_journal'] },
  xfs: { bytes: 320 * 2 ** 20, make: ['mkfs.xfs', '-q', '-f'] },
  btrfs: { bytes: 128 * 2 ** 20, make: ['mkfs.btrfs', '-q', '-f'] },
};

/** Makes the file system in `folder` and mounts it in a folder beside its image. */
export function mountImage(folder: string, type: FileSystem, options = 'loop'): Mounted | Refused {
  const why = cannotMount();
  if (why !== null) return refused(why);
  const { bytes, make } = makers[type];
  const image = join(folder, `${type}.image`);
  const at = join(folder, type);
  writeFileSync(image, '');
  truncateSync(image, bytes);
  const [maker = '', ...rest] = make;
  const failed = attempt(maker, ...rest, image) ?? mount(at, '-t', type, '-o', options, image);
  if (failed !== null) return refused(failed);
  return {
    kind: 'mounted',
    at,
    remount: (wanted) => attempt('mount', '-o', `remount,${wanted}`, at),
    failBehind: (path, offset) => {
      const place = readFileSync(image).indexOf(bytesAt(path, offset - (offset % 4096), 4096));
      if (place < 0) return `the bytes of ${path} are not found in ${image}`;
      truncateSync(image, place);
      return null;
    },
  };
}

/** Mounts an overlay of `lower`; what is written goes to a folder beside it. */
export function mountOverlay(folder: string, lower: string): Mounted | Refused {
  const at = join(folder, 'merged');
  const [upper, work] = [join(folder, 'upper'), join(folder, 'work')];
  for (const path of [upper, work]) mkdirSync(path, { recursive: true });
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const failed = mount(at, '-t', 'overlay', 'overlay', '-o', layers);
  if (failed !== null) return refused(failed);
  return {
    kind: 'mounted',
    at,
    remount: (wanted) => attempt('mount', '-o', `remount,${wanted}`, at),
    failBehind: () => 'an overlay has no device of its own',
  };
}

/** Mounts memory of that many bytes. */
export function mountMemory(at: string, bytes: number): string | null {
  return mount(at, '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs');
}

function bytesAt(path: string, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const file = openSync(path, 'r');
  readSync(file, bytes, 0, length, offset);
  closeSync(file);
  return bytes;
}
