import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder, start } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const model = join(folder, 'tiny.gguf');
test.before(async () => {
  await weighbridge(['gen', model, '--shape', 'tiny', '--type', 'q8_0']);
});

test('generate continues the prompt, and tells its speed on standard error', async (t) => {
  const { code, stdout, stderr } = await weighbridge(['generate', model, '-p', 'ka shi', '-n', '8']);
  t.is(code, 0);
  t.true(stdout.startsWith('ka shi') && stdout.length > 'ka shi\n'.length && stdout.endsWith('\n'));
  t.regex(stderr, /^time to first token [\d.]+ ms \(load [\d.]+ ms\), 8 tokens, [\d.]+ tokens\/s after it, \S+\n$/);
});

test('the same seed tells the same, another seed something else', async (t) => {
  const text = async (seed: string): Promise<string> =>
    (await weighbridge(['generate', model, '-p', 'ka', '-n', '16', '--temperature', '1', '--seed', seed])).stdout;
  const first = await text('1');
  t.is(await text('1'), first);
  t.not(await text('2'), first);
});

test('it stops where the context of the model ends, and says so', async (t) => {
  const { code, stderr } = await weighbridge(['generate', model, '-p', 'ka '.repeat(250), '-n', '4000']);
  t.is(code, 0);
  t.true(stderr.includes('context of 512 tokens is full') || stderr.includes('time to first token'));
});

test('bad arguments are one line and exit code 2', async (t) => {
  const bad = [
    [model, '-p', 'ka '.repeat(1000)],
    [model, '-p', 'ka', '-n', '0'],
    [model, '-p', 'ka', '--temperature', '-1'],
    [model, '-p', 'ka', '--temperature', 'x'],
    [model, '-p', 'ka', '--seed', '1.5'],
    [model, '-p', 'ka', '--threads', 'two'],
    ['/absent.gguf', '-p', 'ka'],
  ];
  for (const args of bad) {
    const { code, stdout, stderr } = await weighbridge(['generate', ...args]);
    t.is(code, 2, args.join(' ').slice(0, 80));
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
    t.false(stderr.includes('NaN'));
  }
});

test('Ctrl-C ends the text with exit code 130', async (t) => {
  const slow = join(folder, 'slow.gguf');
  await weighbridge(['gen', slow, '--shape', '110m', '--type', 'q4_0']);
  const child = start('generate', slow, '-p', 'ka', '-n', '1000', '--threads', '1', '--isa', 'scalar');
  await once(child.stdout!, 'data');
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  t.is(code, 130);
});

test('a trained model tells the story that llama.cpp tells', async (t) => {
  const models = process.env['WEIGHBRIDGE_TEST_MODELS'];
  const trained = models === undefined ? '' : join(models, 'stories260K.gguf');
  if (!existsSync(trained)) {
    t.log('skipped: WEIGHBRIDGE_TEST_MODELS names no folder with stories260K.gguf');
    t.pass();
    return;
  }
  const { stdout } = await weighbridge(['generate', trained, '-p', 'Once upon a time', '-n', '64']);
  t.true(
    stdout.startsWith(
      'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. ',
    ),
    stdout,
  );
});
