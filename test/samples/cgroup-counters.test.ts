import test from 'ava';
import { countersFrom, type GroupFile } from '../../src/samples/cgroup-counters.js';

const recorded =
  (files: Readonly<Record<string, string>>): GroupFile =>
  (name) =>
    files[name] ?? null;

const without = (files: Readonly<Record<string, string>>, ...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)));

/** Linux 6.18: a Python that asked for 500 MB under 256 MiB. */
const version1 = {
  'memory.limit_in_bytes': '268435456\n',
  'memory.memsw.limit_in_bytes': '268435456\n',
  'memory.usage_in_bytes': '753664\n',
  'memory.max_usage_in_bytes': '268435456\n',
  'memory.failcnt': '0\n',
  'memory.memsw.failcnt': '31\n',
  'memory.kmem.usage_in_bytes': '598016\n',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  'memory.stat': [
    'cache 0\nrss 0\npgmajfault 0\nworkingset_refault_file 0\nhierarchical_memory_limit 268435456',
    'total_cache 20480\ntotal_rss 8192\ntotal_rss_huge 0\ntotal_swap 0\ntotal_pgmajfault 9',
    'total_workingset_refault_file 1656\n',
  ].join('\n'),
};

test('counters of version 1 are those of the whole tree below the group', (t) => {
  t.deepEqual(countersFrom(1, recorded(version1)), {
    limitBytes: 268435456,
    swapAllowedBytes: 0,
    currentBytes: 753664,
    peakBytes: 268435456,
    limitHits: 31,
    oomKills: 1,
    anonymousBytes: 8192,
    fileBytes: 20480,
    kernelBytes: 598016,
    swapBytes: 0,
    majorFaults: 9,
    fileRefaults: 1656,
  });
});

test('version 1 counts kills where the killed process was: those of groups below are added', (t) => {
  const below = recorded({ 'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n' });
  t.is(countersFrom(1, recorded(version1), [below]).oomKills, 3);
});

test('version 1 without swap accounting leaves swap unknown', (t) => {
  const files = without(version1, 'memory.memsw.limit_in_bytes', 'memory.memsw.failcnt');
  t.is(countersFrom(1, recorded(files)).swapAllowedBytes, null);
});

test('version 1 whose kernel counts no hits leaves them unknown where there must have been some', (t) => {
  const silent = { ...version1, 'memory.memsw.failcnt': '0\n' };
  t.is(countersFrom(1, recorded(silent)).limitHits, null);
  t.is(countersFrom(1, recorded({ ...silent, 'memory.max_usage_in_bytes': '200000000\n' })).limitHits, 0);
});

/** Linux 6.1, after a process had been killed in it. */
const version2 = {
  'memory.max': '134217728\n',
  'memory.swap.max': '0\n',
  'memory.current': '1236992\n',
  'memory.peak': '134217728\n',
  'memory.swap.current': '0\n',
  'memory.events': 'low 0\nhigh 0\nmax 64\noom 1\noom_kill 1\noom_group_kill 0\n',
  'memory.stat':
    'anon 4096\nfile 1089536\nkernel 143360\nkernel_stack 0\nworkingset_refault_anon 0\nworkingset_refault_file 12\npgfault 40128\npgmajfault 3\n',
};

test('counters of version 2 are read from its files', (t) => {
  t.deepEqual(countersFrom(2, recorded(version2)), {
    limitBytes: 134217728,
    swapAllowedBytes: 0,
    currentBytes: 1236992,
    peakBytes: 134217728,
    limitHits: 64,
    oomKills: 1,
    anonymousBytes: 4096,
    fileBytes: 1089536,
    kernelBytes: 143360,
    swapBytes: 0,
    majorFaults: 3,
    fileRefaults: 12,
  });
});

test('a limit that is none is told apart from one that cannot be read', (t) => {
  t.is(countersFrom(2, recorded({ ...version2, 'memory.max': 'max\n' })).limitBytes, 'unlimited');
  t.is(
    countersFrom(1, recorded({ ...version1, 'memory.limit_in_bytes': '9223372036854771712\n' })).limitBytes,
    'unlimited',
  );
  t.is(countersFrom(2, recorded({})).limitBytes, null);
});

test('what an older kernel does not count is null', (t) => {
  t.is(countersFrom(2, recorded(without(version2, 'memory.peak'))).peakBytes, null);
});
