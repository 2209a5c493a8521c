/** Backing of free memory: helper processes that must never outlive their work, and the probe of the first touch. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { native } from '../../src/native.js';
import { caught, endOf, stateOf, until } from '../processes.js';
import { childrenOfAnyThread } from './threads.js';

const MIB = 1024 * 1024;
const nativeModule = new URL('../../src/native.js', import.meta.url).href;

/** The helpers of a process, as soon as there are so many: they touch their share within tens of milliseconds. */
async function helpersOf(pid: number, count: number): Promise<readonly number[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const helpers = childrenOfAnyThread(pid);
    if (helpers.length >= count) return helpers;
    if (Date.now() > deadline) throw new Error(`waited 20 s for ${count} helpers`);
    await setImmediate();
  }
}

const gone = (pid: number): boolean => [null, 'Z', 'X'].includes(stateOf(pid));

test.serial('backing touches memory in helpers and leaves none of them', async (t) => {
  const before = childrenOfAnyThread(process.pid);
  await native().backFreeMemory(64 * MIB, 3);
  t.deepEqual(childrenOfAnyThread(process.pid), before);
});

test.serial('nothing to back is nothing to do', async (t) => {
  await t.notThrowsAsync(native().backFreeMemory(0, 2));
});

test.serial('more than an address space is out of memory, at once and without remains', async (t) => {
  const before = childrenOfAnyThread(process.pid);
  const failure = await t.throwsAsync(native().backFreeMemory(2 ** 52, 2), { code: 'out-of-memory' });
  t.like(failure, { operation: 'mmap', errno: 'ENOMEM' });
  t.deepEqual(childrenOfAnyThread(process.pid), before);
});

test.serial('no helper is a mistake of the caller', async (t) => {
  await t.throwsAsync(native().backFreeMemory(MIB, 0), { code: 'bad-option' });
  t.throws(() => void native().backFreeMemory(-1, 1), { code: 'bad-option' });
});

test.serial('a helper that is killed is told as out of memory', async (t) => {
  const before = childrenOfAnyThread(process.pid);
  // They may be done before one of them is seen.
  for (let tries = 20, struck = false; !struck; tries -= 1) {
    if (tries === 0) return void t.fail('no helper was caught at work');
    const backing = native().backFreeMemory(512 * MIB, 2);
    let isOver = false;
    const ended = backing.then(
      () => null,
      (error: unknown) => error,
    );
    void ended.then(() => (isOver = true));
    while (!isOver && !struck) {
      const helper = childrenOfAnyThread(process.pid).find((pid) => !before.includes(pid));
      struck = caught(helper);
      if (struck) process.kill(helper ?? 0, 'SIGKILL');
      await setImmediate();
    }
    const error = await ended;
    if (struck) t.like(error, { code: 'out-of-memory' });
  }
  t.deepEqual(childrenOfAnyThread(process.pid), before);
});

test.serial('helpers die with a parent that is killed, and are the first to go when memory is short', async (t) => {
  const script = `import { native } from ${JSON.stringify(nativeModule)}; await native().backFreeMemory(${1024 * MIB}, 1);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const ended = endOf(parent);
  // A failed assertion must not leave it behind: this process could not end before it.
  t.teardown(() => parent.kill('SIGKILL'));
  const { pid = 0 } = parent;
  const [helper = 0] = await helpersOf(pid, 1);
  // A parent that is stopped does not let its helper go, however long what follows takes here.
  parent.kill('SIGSTOP');
  const score = (): string => readFileSync(`/proc/${helper}/oom_score_adj`, 'utf8').trim();
  await until(() => score() === '1000', 20, 'the helper to offer itself');
  // And a helper that is stopped cannot end by itself when its parent does.
  process.kill(helper, 'SIGSTOP');
  const descriptors = readdirSync(`/proc/${helper}/fd`).map(Number);
  t.true(descriptors.filter((descriptor) => descriptor > 2).length <= 2, `descriptors ${descriptors.join(' ')}`);
  parent.kill('SIGKILL');
  t.is((await ended).signal, 'SIGKILL');
  await until(() => gone(helper), 10, 'the end of the helper');
  t.true(gone(helper));
});

test.serial('the first touch covers all the memory it is asked for', async (t) => {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  // Sets the peak to what is resident now (proc_pid_clear_refs(5)).
  writeFileSync('/proc/self/clear_refs', '5');
  const before = field('VmRSS');
  const ns = await native().firstTouchNs(256 * MIB);
  // A fault cannot be had in less than 20 ns.
  t.true(ns > (256 * MIB * 20) / (2 * MIB), String(ns));
  const grown = field('VmHWM') - before;
  t.true(grown > 240 * MIB, `${grown} bytes`);
});
