import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startTimeOf } from '../../src/samples/cgroup.js';
import { outOfMemory } from '../../src/samples/memory-limit-verdict.js';
import { openLimit, scopeOf, sweepLimits } from '../../src/samples/memory-limit.js';
import { until } from '../processes.js';
import { MIB, groupsOfRun, isAlive, limitFor, node, placeFor, said } from './groups.js';

const moduleUrl = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;

test('a process is in its group before it allocates, and speaks with us as others do', async (t) => {
  const limit = await limitFor(t, { bytes: 200 * MIB, processes: 1 });
  if (limit === null) return;
  const child = node(limit.launcher(), "say(readFileSync('/proc/self/cgroup', 'utf8')); await waited(); say('bye');");
  const name = limit.path.split('/').at(-1) ?? '';
  const group = await said(child, 20);
  t.true(group.includes(name), group);
  child.release.end();
  t.is(await said(child), 'bye');
  t.deepEqual(await child.ended, { exitCode: 0, signal: null, problem: null });
  t.is(await limit.close(), null);
  t.false(existsSync(limit.path));
});

test('its counters tell the limit, and what was charged', async (t) => {
  const limit = await limitFor(t, { bytes: 200 * MIB, processes: 1 });
  if (limit === null) return;
  const child = node(limit.launcher(), "take(64 * 1048576); say('taken'); await waited();");
  t.is(await said(child, 5), 'taken');
  const during = limit.counters();
  child.release.end();
  await child.ended;
  const { limitBytes, peakBytes, anonymousBytes, oomKills, swapAllowedBytes } = limit.counters();
  t.is(limitBytes, 200 * MIB);
  t.true((during.anonymousBytes ?? 0) >= 64 * MIB);
  t.true((anonymousBytes ?? Infinity) < 64 * MIB, 'what it took is gone with it');
  t.true(peakBytes === null || (peakBytes >= 64 * MIB && peakBytes <= 200 * MIB));
  t.is(oomKills, 0);
  t.true(swapAllowedBytes === null || swapAllowedBytes === 0);
});

test('one that takes more than the limit is killed, it alone, and the counters say so', async (t) => {
  const limit = await limitFor(t, { bytes: 100 * MIB, processes: 2 });
  if (limit === null) return;
  const outside = spawn('sleep', ['600']);
  t.teardown(() => outside.kill());
  const child = node(limit.launcher(), "take(300 * 1048576); say('taken');");
  t.is(await said(child), '');
  t.like(await child.ended, { exitCode: null, signal: 'SIGKILL' });
  const counters = limit.counters();
  t.is(counters.oomKills, 1);
  t.true((counters.limitHits ?? 1) > 0);
  t.like(outOfMemory(counters, 100 * MIB), { outcome: 'failed', reason: { code: 'out-of-memory' } });
  const another = node(limit.launcher(), "say('alive');");
  t.is(await said(another), 'alive', 'the supervisor lives');
  t.true(isAlive(outside.pid ?? 0));
});

test('a command that is not there ends at once, and says so', async (t) => {
  const limit = await limitFor(t, { bytes: 100 * MIB, processes: 1 });
  if (limit === null) return;
  const child = limit.launcher().launch('/nowhere/command', []);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  t.like(await child.ended, { exitCode: 127, signal: null });
  t.regex(stderr, /\/nowhere\/command/);
});

test('closing kills what is left in the group, and removes it', async (t) => {
  const limit = await limitFor(t, { bytes: 200 * MIB, processes: 2 });
  if (limit === null) return;
  const forks =
    "import('node:child_process').then(({ spawn }) => { const grandchild = spawn('sleep', ['600'], { detached: true }); say(String(grandchild.pid) + ' '); }); await waited(); await new Promise(() => setInterval(() => 0, 1000));";
  const child = node(limit.launcher(), forks);
  const grandchild = Number(await said(child, 2));
  t.true(isAlive(grandchild));
  t.is(await limit.close(), null);
  t.false(existsSync(limit.path));
  t.like(await child.ended, { signal: 'SIGKILL' });
  await until(() => !isAlive(grandchild), 10, 'the grandchild to end');
});

test('a process that is told to end ends, and the group stays for the next', async (t) => {
  const limit = await limitFor(t, { bytes: 200 * MIB, processes: 2 });
  if (limit === null) return;
  const child = node(limit.launcher(), "say('up'); await waited();");
  t.is(await said(child, 2), 'up');
  child.kill();
  t.like(await child.ended, { signal: 'SIGKILL' });
  t.is(await said(node(limit.launcher(), "say('next');")), 'next');
});

test('groups below share the limit and are counted apart', async (t) => {
  const limit = await limitFor(t, { bytes: 200 * MIB, processes: 3, below: ['model', 'bystander'] });
  if (limit === null) return;
  const bystander = node(limit.launcher('bystander'), "take(40 * 1048576); say('taken'); await waited();");
  t.is(await said(bystander, 5), 'taken');
  const charged = (name?: string): number => limit.counters(name).anonymousBytes ?? 0;
  t.true(charged('bystander') >= 40 * MIB);
  t.true(charged('model') < MIB);
  t.true(charged() >= 40 * MIB);
  t.is(limit.counters('model').limitBytes, 'unlimited');
  // 40 and the runtimes' own are there already: this fits into the limit alone, but not beside them.
  const model = node(limit.launcher('model'), "take(170 * 1048576); say('taken');");
  await model.ended;
  t.true((limit.counters().oomKills ?? 0) >= 1);
  t.is(await limit.close(), null);
  t.false(existsSync(limit.path));
});

test('a limit above one that already holds is refused: it would not be what limits', async (t) => {
  const support = placeFor(t);
  if (support === null) return;
  const outer = await limitFor(t, { bytes: 100 * MIB, processes: 0 });
  if (outer === null) return;
  const inner = await openLimit({ bytes: 200 * MIB, processes: 1 }, { ...support, parent: outer.path });
  t.like(inner, { outcome: 'unsupported', reason: { code: 'limit-above-available' } });
  t.is(await outer.close(), null);
});

test('without the right to make groups a limit is unsupported, with the reason and what to do', async (t) => {
  const reason = {
    code: 'no-memory-groups',
    operation: 'memory limit',
    path: null,
    errno: null,
    message: 'no',
    remedy: 'do',
  };
  t.deepEqual(await openLimit({ bytes: MIB, processes: 1 }, { kind: 'none', reason }), {
    outcome: 'unsupported',
    reason,
  });
});

test('a parent that was taken for writable and is not is unsupported, with what the kernel said', async (t) => {
  const limit = await openLimit({ bytes: MIB, processes: 1 }, { kind: 'v1', parent: '/proc/1', reason: null });
  t.like(limit, { outcome: 'unsupported' });
  t.regex('outcome' in limit ? limit.reason.message : '', /E[A-Z]+/);
});

test('systemd is asked for a scope that is delegated', (t) => {
  const command = scopeOf('weighbridge-1-2-3', true).join(' ');
  t.regex(command, /^systemd-run --user --scope .*Delegate=yes .*--unit=weighbridge-1-2-3 --$/);
  t.notRegex(scopeOf('weighbridge-1-2-3', false).join(' '), /--user/);
});

/** A run of its own that opens a limit, has a child at work in it and one outside, and tells their numbers. */
const RUN = `
  import { spawn } from 'node:child_process';
  const { openLimit } = await import(${JSON.stringify(moduleUrl('samples/memory-limit.js'))});
  const limit = await openLimit({ bytes: 200 * 1048576, processes: 1 });
  const child = limit.launcher().launch(process.execPath, ['-e',
    "require('node:fs').writeSync(3, process.pid + ' ' + process.ppid); for (;;) Buffer.alloc(1048576, 1);"]);
  const outside = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  child.answer.once('data', (chunk) => console.log(chunk.toString() + ' ' + outside.pid));
`;

interface Run {
  readonly pid: number;
  readonly child: number;
  readonly supervisor: number;
  readonly outside: number;
}

async function startRun(t: { teardown(undo: () => void): void }): Promise<Run> {
  const run = spawn(process.execPath, ['--input-type=module', '-e', RUN], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) =>
    run.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  const [child = 0, supervisor = 0, outside = 0] = line.trim().split(' ').map(Number);
  t.teardown(() => {
    run.kill('SIGKILL');
    if (isAlive(outside)) process.kill(outside, 'SIGKILL');
  });
  return { pid: run.pid ?? 0, child, supervisor, outside };
}

test('when the run is killed with a child at work, neither process nor group is left, and nothing else is killed', async (t) => {
  if (placeFor(t) === null) return;
  const run = await startRun(t);
  t.is(groupsOfRun(run.pid).length, 1);
  process.kill(run.pid, 'SIGKILL');
  await until(() => groupsOfRun(run.pid).length === 0, 30, 'the group to go');
  await until(() => !isAlive(run.child) && !isAlive(run.supervisor), 30, 'child and supervisor to end');
  t.true(isAlive(run.outside));
});

test('when the supervisor is killed, the child is reported as killed, and closing removes the group', async (t) => {
  const limit = await limitFor(t, { bytes: 200 * MIB, processes: 1 });
  if (limit === null) return;
  const launcher = limit.launcher();
  const bound = `
    const { native } = await import(${JSON.stringify(moduleUrl('native.js'))});
    if (native().bindToParent(${launcher.parent}, true)) say('up');
    await waited();
    for (;;) await new Promise((resolve) => setTimeout(resolve, 1000));`;
  const child = node(launcher, bound);
  t.is(await said(child, 2), 'up');
  process.kill(launcher.parent, 'SIGKILL');
  t.like(await child.ended, { signal: 'SIGKILL', problem: 'its supervisor died' });
  t.is(await limit.close(), null);
  t.false(existsSync(limit.path));
});

test('the next run sweeps what a run and its supervisor that were both killed left, and nothing else', async (t) => {
  const support = placeFor(t);
  if (support === null) return;
  const run = await startRun(t);
  const [left = ''] = groupsOfRun(run.pid);
  // One that could not ask the kernel to go with its supervisor yet.
  process.kill(run.supervisor, 'SIGSTOP');
  process.kill(run.pid, 'SIGKILL');
  process.kill(run.supervisor, 'SIGKILL');
  await until(() => !isAlive(run.supervisor) && !isAlive(run.pid), 10, 'run and supervisor to end');
  t.true(existsSync(left));

  const ours = join(support.parent, `weighbridge-${process.pid}-${startTimeOf(process.pid)}-999`);
  const reused = join(support.parent, `weighbridge-${process.pid}-1-999`);
  const foreign = join(support.parent, `another-${run.pid}-1-1`);
  for (const path of [ours, reused, foreign]) mkdirSync(path);
  t.teardown(() => {
    for (const path of [ours, reused, foreign]) if (existsSync(path)) rmdirSync(path);
  });
  const swept = await sweepLimits();
  t.false(existsSync(left));
  t.false(existsSync(reused), 'a process that has the number of the dead one is not the dead one');
  t.true(existsSync(ours), 'the group of a run that lives');
  t.true(existsSync(foreign), 'a group that is not ours');
  t.true(swept.includes(left.split('/').at(-1) ?? ''));
  await until(() => !isAlive(run.child), 10, 'the child to end');
});
