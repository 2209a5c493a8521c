/** Where this process may make memory control groups: looked up, nothing is made or changed. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { memoryGroups } from '../machine.js';
import { textOf } from './cgroup-counters.js';
import type { Reason } from './record.js';

export type LimitSupport =
  /** A group below which others can be made. */
  | { readonly kind: 'v1' | 'v2'; readonly parent: string; readonly reason: null }
  /** A scope that systemd delegates, of this user's manager or of the system's. */
  | { readonly kind: 'systemd'; readonly user: boolean; readonly reason: null }
  | { readonly kind: 'none'; readonly reason: Reason };

/** What the answer depends on. */
export interface Surveyed {
  readonly version: 1 | 2 | null;
  /** From the root of the hierarchy to this process's group. */
  readonly folders: readonly string[];
  readonly file: (path: string) => string | null;
  readonly mayWrite: (path: string) => boolean;
  /** Whether systemd-run is there and systemd runs the machine. */
  readonly systemd: boolean;
  readonly user: number;
}

export function limitSupport(): LimitSupport {
  return supportFrom({
    ...memoryGroups(),
    file: textOf,
    mayWrite,
    systemd: runsSystemd(),
    user: process.getuid?.() ?? 0,
  });
}

export function supportFrom(surveyed: Surveyed): LimitSupport {
  const { version, folders, mayWrite: writable, systemd, user } = surveyed;
  if (version === null) {
    const told = 'this kernel, or this container, has no memory controller of control groups';
    return none(told, 'run it where /sys/fs/cgroup shows one');
  }
  if (version === 1) {
    const own = folders.at(-1);
    if (own === undefined) return none('the memory hierarchy of control groups is not mounted', 'mount /sys/fs/cgroup');
    if (writable(own)) return { kind: 'v1', parent: own, reason: null };
    return none('this memory control group may not be written', 'run it as root, or as its owner', own);
  }
  const parent = folders.findLast((folder) => isDelegated(folder, surveyed));
  if (parent !== undefined) return { kind: 'v2', parent, reason: null };
  if (systemd) return { kind: 'systemd', user: user !== 0, reason: null };
  return none(
    'no control group that holds this process is delegated to it with the memory controller, and systemd does not run here',
    'run it as root on the host, or under systemd, or give the container a writable /sys/fs/cgroup whose root holds no processes',
    folders.at(-1) ?? null,
  );
}

/**
 * Whether groups with a memory limit can be made in it and our children moved there. The controller must be on for groups
 * below, or be there to switch on, which the kernel refuses in a group that holds processes itself. Only the true root
 * may hold some; it has no cgroup.type.
 */
function isDelegated(folder: string, { file, mayWrite: writable }: Surveyed): boolean {
  const has = (name: string): boolean => (file(join(folder, name)) ?? '').split(/\s+/).includes('memory');
  if (!writable(folder) || !writable(join(folder, 'cgroup.procs'))) return false;
  if (has('cgroup.subtree_control')) return true;
  const holdsNone = (file(join(folder, 'cgroup.procs')) ?? '').trim() === '';
  const mayHold = file(join(folder, 'cgroup.type')) === null;
  return has('cgroup.controllers') && writable(join(folder, 'cgroup.subtree_control')) && (holdsNone || mayHold);
}

function none(message: string, remedy: string, path: string | null = null): LimitSupport {
  return {
    kind: 'none',
    reason: { code: 'no-memory-groups', operation: 'memory limit', path, errno: null, message, remedy },
  };
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** sd_booted(3): that folder is there on a machine that systemd started. */
function runsSystemd(): boolean {
  if (!exists('/run/systemd/system')) return false;
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => exists(join(folder, 'systemd-run')));
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
