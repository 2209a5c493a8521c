/** The ends of a sample's process, of real ones. */
import test from 'ava';
import { lastLineOf } from '../../src/samples/command-output.js';
import { failureReason } from '../../src/samples/judge.js';
import { direct, type Launcher } from '../../src/samples/launch.js';
import { READY_FD, RELEASE_FD, type ChildTask } from '../../src/samples/protocol.js';
import { spawnChild } from '../../src/samples/spawn.js';
import { processesWith, runScript, until } from '../processes.js';
import { limitFor } from './groups.js';

const task: ChildTask = {
  ...{ kind: 'command', parent: process.pid, node: null, build: null, pattern: null },
  spec: {
    ...{ argv: ['true'], output: 'discard', keepOutput: false, pass: 'time' },
    ...{ readyFd: READY_FD, releaseFd: RELEASE_FD },
  },
};

/** Starts a process that holds the pipes of the one that is asked for, as what a user's loader started would. */
function besideHolder(launcher: Launcher, seconds: string): Launcher {
  const script = 'sleep "$0" & exec "$@"';
  return {
    ...launcher,
    launch: (command, args) => launcher.launch('/bin/sh', ['-c', script, seconds, command, ...args]),
  };
}

test('a child that is killed has ended, though what it left behind holds its pipes', async (t) => {
  const seconds = '600.123';
  t.teardown(() => {
    for (const pid of processesWith('sleep', seconds)) process.kill(pid, 'SIGKILL');
  });
  const child = spawnChild(task, 60_000, besideHolder(direct, seconds));
  t.true(await child.ready);
  t.is(processesWith('sleep', seconds).length, 1);
  child.kill();
  t.like(await child.ended, { kind: 'died', signal: 'SIGKILL' });
  t.is(processesWith('sleep', seconds).length, 1);
});

test('so has one in a limited group', async (t) => {
  const limit = await limitFor(t, { bytes: 400 * 2 ** 20, processes: 1 });
  if (limit === null) return;
  const seconds = '600.456';
  const child = spawnChild(task, 60_000, besideHolder(limit.launcher(), seconds));
  t.true(await child.ready);
  child.kill();
  t.like(await child.ended, { kind: 'died', signal: 'SIGKILL' });
  t.is(processesWith('sleep', seconds).length, 1);
  t.is(await limit.close(), null);
  await until(() => processesWith('sleep', seconds).length === 0, 10, 'the holder to end with its group');
});

test('of a Node that threw, the error is told', async (t) => {
  const { stderr } = await runScript(
    "function deep() { throw Object.assign(new Error('EROFS: no such luck'), { code: 'EROFS' }); } deep();",
    [],
  );
  t.is(lastLineOf(stderr), 'Error: EROFS: no such luck');
  const died = { kind: 'died', exitCode: 1, signal: null, stderr } as const;
  t.regex(failureReason(died, 1e9).message, /exit code 1 and no result: Error: EROFS: no such luck$/);
  t.is(lastLineOf('first\nlast\n'), 'last');
  t.is(lastLineOf('\n'), '');
});
