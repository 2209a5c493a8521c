import test from 'ava';
import { memoryGroups } from '../../src/machine.js';
import { supportFrom, type Surveyed } from '../../src/samples/cgroup-place.js';

const MOUNT_2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const MOUNT_1 = '36 32 0:31 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory';

const APP = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice';

/** A machine with cgroup version 2, where these folders hold these files, and all below `own` may be written. */
function version2(
  group: string,
  files: Readonly<Record<string, string>>,
  more: Partial<Surveyed> & { readonly own?: string } = {},
): Surveyed {
  const { own = '/nowhere', ...rest } = more;
  return {
    ...memoryGroups(`0::${group}\n`, MOUNT_2),
    file: (path) => files[path] ?? null,
    mayWrite: (path) => path.startsWith(own),
    systemd: true,
    user: 1000,
    ...rest,
  };
}

test('of a hybrid machine the hierarchy that has the memory controller counts', (t) => {
  const groups = memoryGroups('5:memory:/jobs/7\n0::/\n', `${MOUNT_1}\n${MOUNT_2}`);
  t.deepEqual(groups, {
    version: 1,
    folders: ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/memory/jobs', '/sys/fs/cgroup/memory/jobs/7'],
  });
});

test('in version 1 groups are made below this process, where that may be written', (t) => {
  const surveyed: Surveyed = {
    ...memoryGroups('5:memory:/jobs/7\n', MOUNT_1),
    file: () => null,
    mayWrite: () => true,
    systemd: false,
    user: 0,
  };
  t.deepEqual(supportFrom(surveyed), { kind: 'v1', parent: '/sys/fs/cgroup/memory/jobs/7', reason: null });
  const refused = supportFrom({ ...surveyed, mayWrite: () => false });
  t.is(refused.kind, 'none');
  t.is(refused.reason?.path, '/sys/fs/cgroup/memory/jobs/7');
  t.regex(refused.reason?.remedy ?? '', /root/);
});

test('in version 2 the nearest group above that is ours and has the controller on for others is taken', (t) => {
  const files = {
    [`${APP}/cgroup.subtree_control`]: 'memory pids\n',
    [`${APP}/terminal.scope/cgroup.controllers`]: 'memory pids\n',
    [`${APP}/terminal.scope/cgroup.subtree_control`]: '\n',
    [`${APP}/terminal.scope/cgroup.procs`]: '4711\n',
    [`${APP}/terminal.scope/cgroup.type`]: 'domain\n',
  };
  const group = '/user.slice/user-1000.slice/user@1000.service/app.slice/terminal.scope';
  t.deepEqual(supportFrom(version2(group, files, { own: APP })), { kind: 'v2', parent: APP, reason: null });
});

test('in version 2 the controller may be switched on where no process is in the way', (t) => {
  const at = '/sys/fs/cgroup/jobs';
  const files: Readonly<Record<string, string>> = {
    [`${at}/cgroup.controllers`]: 'memory\n',
    [`${at}/cgroup.subtree_control`]: '\n',
    [`${at}/cgroup.procs`]: '',
    [`${at}/cgroup.type`]: 'domain\n',
  };
  const taken = version2('/jobs/7', files, { own: at, systemd: false });
  t.deepEqual(supportFrom(taken), { kind: 'v2', parent: at, reason: null });
  const busy = supportFrom({
    ...taken,
    file: (path) => (path === `${at}/cgroup.procs` ? '12\n' : (files[path] ?? null)),
  });
  t.is(busy.kind, 'none');
  t.regex(busy.reason?.message ?? '', /delegated/);
});

test('the root of the whole hierarchy may hold processes', (t) => {
  const at = '/sys/fs/cgroup';
  const files = {
    [`${at}/cgroup.controllers`]: 'cpu memory\n',
    [`${at}/cgroup.subtree_control`]: '\n',
    [`${at}/cgroup.procs`]: '1\n2\n',
  };
  t.deepEqual(supportFrom(version2('/', files, { own: at, user: 0 })), { kind: 'v2', parent: at, reason: null });
});

test('in a session whose groups belong to root, systemd is asked for a scope, of the manager that is the user’s', (t) => {
  const group = '/user.slice/user-1000.slice/session-3.scope';
  t.deepEqual(supportFrom(version2(group, {})), { kind: 'systemd', user: true, reason: null });
  t.deepEqual(supportFrom(version2(group, {}, { user: 0 })), { kind: 'systemd', user: false, reason: null });
  t.is(supportFrom(version2(group, {}, { systemd: false })).kind, 'none');
});

test('without a memory controller there is none, and it says why', (t) => {
  const found = supportFrom({
    version: null,
    folders: [],
    file: () => null,
    mayWrite: () => true,
    systemd: true,
    user: 0,
  });
  t.is(found.kind, 'none');
  t.is(found.reason?.code, 'no-memory-groups');
});
