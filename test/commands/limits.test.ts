import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Limit } from '../../src/samples/limit-types.js';
import { textWidth } from '../../reports/text-layout.js';
import { weighbridge } from '../command.js';
import { childrenOf, copyOfFixture, endOf, removeFolder, scratchFolder, start, until } from '../processes.js';

/** Limits take the machine, as runs of other test files do: they wait for each other. */
const WAIT = ['--lock-wait', '600'];

const limitsOf = (stdout: string): readonly Limit[] => (JSON.parse(stdout) as { limits: readonly Limit[] }).limits;

/** What a row is, without what was measured. */
const rowsOf = (limits: readonly Limit[]): readonly string[] =>
  limits.map(({ name, unit, threads, pageBytes, memoryState }) =>
    [name, unit, threads, pageBytes ?? '', memoryState ?? ''].join(' '),
  );

test.serial('without a path memory alone is measured, and what needs a file says so', async (t) => {
  const { code, stdout, stderr } = await weighbridge(['limits', '--quick', '--json', '--threads', '2', ...WAIT]);
  t.is(code, 0, stderr);
  const limits = limitsOf(stdout);
  for (const { name, value, reason, path } of limits) {
    t.true((value === null) !== (reason === null), name);
    t.is(path, null);
    if (value !== null) t.true(value > 0, name);
  }
  const named = (name: Limit['name']): readonly Limit[] => limits.filter((limit) => limit.name === name);
  const fileLimits = ['device', 'buffered-cold', 'copy', 'memory-read-mapping', 'minor-fault', 'mmap-call'] as const;
  for (const name of fileLimits) {
    t.true(named(name).length > 0, name);
    t.true(
      named(name).every(({ reason }) => reason?.code === 'no-file'),
      name,
    );
  }
  t.regex(named('device')[0]?.reason?.remedy ?? '', /weighbridge limits PATH/);
  t.is(named('first-touch').length, 8);
  t.is(named('second-touch').length, 4);
});

test.serial('the rows are the same for any file; a file too small to tell has reasons', async (t) => {
  const folder = scratchFolder();
  t.teardown(() => removeFolder(folder));
  const small = copyOfFixture('tiny-F16.gguf', folder);
  const none = await weighbridge(['limits', '--quick', '--json', '--threads', '1', ...WAIT]);
  const some = await weighbridge(['limits', small, '--quick', '--json', '--threads', '1', ...WAIT]);
  t.is(some.code, 0, some.stderr);
  t.deepEqual(rowsOf(limitsOf(some.stdout)), rowsOf(limitsOf(none.stdout)));
  const device = limitsOf(some.stdout).find(({ name }) => name === 'device');
  t.is(device?.value, null);
  t.is(device?.reason?.code, 'file-too-small');
});

test.serial('a big file is measured whatever it holds, in a table of 80 columns', async (t) => {
  const folder = scratchFolder();
  t.teardown(() => removeFolder(folder));
  const model = `${folder}/model.gguf`;
  t.is((await weighbridge(['gen', model, '--shape', '15m', '--type', 'f16'])).code, 0);
  const { code, stdout, stderr } = await weighbridge(['limits', model, '--quick', ...WAIT]);
  t.is(code, 0, stderr);
  for (const line of stdout.split('\n').filter((text) => !text.includes(folder))) t.true(textWidth(line) <= 80, line);
  t.regex(stdout, /^warm read +[\d.]+ GB\/s +1 /m);
  t.regex(stdout, /^copy from cache +[\d.]+ GB\/s +1 /m);
  t.regex(stdout, /^read of mapping +[\d.]+ GB\/s/m);
  t.regex(stdout, /^minor fault +[\d.]+ [µn]s/m);
  t.regex(stdout, /^mmap call +[\d.]+ [µn]s/m);
});

test.serial('an interrupt ends it, and its process', async (t) => {
  const child = start('limits', '--json', ...WAIT);
  await until(() => childrenOf(child.pid!).length > 0, 600, 'the process that measures');
  const children = childrenOf(child.pid!);
  await delay(50);
  child.kill('SIGINT');
  const { code, stdout } = await endOf(child);
  t.is(code, 130);
  t.is(stdout, '');
  await until(() => children.every((pid) => !existsSync(`/proc/${pid}`)), 10, 'the process that measures to end');
});

test.serial('an interrupt while nothing is asked of the process ends it too', async (t) => {
  const child = start('limits', '--json', ...WAIT);
  await until(() => childrenOf(child.pid!).length > 0, 600, 'the process that measures');
  for (let wait = 0; wait < 8 && child.exitCode === null; wait++) {
    for (const pid of childrenOf(child.pid!)) process.kill(pid, 'SIGKILL');
    await delay(20);
  }
  child.kill('SIGINT');
  t.is((await endOf(child)).code, 130);
});

test.serial('a path that is not there is bad input', async (t) => {
  const { code, stderr } = await weighbridge(['limits', '/nowhere/model.gguf', ...WAIT]);
  t.is(code, 2);
  t.regex(stderr, /^weighbridge: \/nowhere\/model\.gguf: /);
});
