import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder, start } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

test('gen writes the model that it was asked for and prints its path', async (t) => {
  const out = join(folder, 'tiny.gguf');
  const { code, stdout } = await weighbridge(['gen', out, '--shape', 'tiny', '--type', 'q8_0', '--seed', '4']);
  t.is(code, 0);
  t.is(stdout, `${out}\n`);
  const inspected = await weighbridge(['inspect', out, '--json']);
  t.true(inspected.stdout.includes('"Q8_0"'));
});

test('gen writes a mix of types, and inspect reads them', async (t) => {
  const out = join(folder, 'mix.gguf');
  t.is((await weighbridge(['gen', out, '--shape', 'tiny', '--type', 'q4_k_m'])).code, 0);
  const { code, stdout } = await weighbridge(['inspect', out]);
  t.is(code, 0);
  for (const type of ['F32', 'Q4_K', 'Q6_K']) t.regex(stdout, new RegExp(`^ *${type} `, 'm'));
});

test('a type that does not fit the rows of the shape is refused, with those that do', async (t) => {
  const out = join(folder, 'misfit.gguf');
  const { code, stderr } = await weighbridge(['gen', out, '--shape', '15m', '--type', 'q4_k']);
  t.is(code, 2);
  t.regex(stderr, /^weighbridge: q4_k takes rows of a multiple of 256 [^\n]*288[^\n]*110m[^\n]*\n$/);
  t.false(existsSync(out));
});

test('gen prints the paths of all parts', async (t) => {
  const { code, stdout } = await weighbridge(['gen', join(folder, 'parts.gguf'), '--shape', 'tiny', '--split', '2']);
  t.is(code, 0);
  t.deepEqual(stdout.trim().split('\n'), [
    join(folder, 'parts-00001-of-00002.gguf'),
    join(folder, 'parts-00002-of-00002.gguf'),
  ]);
});

test('gen replaces a file only when told to', async (t) => {
  const out = join(folder, 'mine.gguf');
  writeFileSync(out, 'mine');
  const refused = await weighbridge(['gen', out, '--shape', 'tiny']);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /^weighbridge: .*--force.*\n$/);
  t.is(readFileSync(out, 'utf8'), 'mine');
  t.is((await weighbridge(['gen', out, '--shape', 'tiny', '--force'])).code, 0);
  t.is(readFileSync(out).toString('latin1', 0, 4), 'GGUF');
});

test('bad arguments are one line and exit code 2', async (t) => {
  const out = join(folder, 'never.gguf');
  const bad = [
    [out],
    [out, '--shape', 'huge'],
    [out, '--shape', 'tiny', '--type', 'q9'],
    [out, '--shape', 'tiny', '--seed', '-1'],
    [out, '--shape', 'tiny', '--seed', 'x'],
    [out, '--shape', 'tiny', '--split', '0'],
    [out, '--shape', 'tiny', '--split', '99'],
    [join(folder, 'absent', 'x.gguf'), '--shape', 'tiny'],
    [folder, '--shape', 'tiny'],
  ];
  for (const args of bad) {
    const { code, stderr } = await weighbridge(['gen', ...args]);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, /^weighbridge: [^\n]+\n$/, args.join(' '));
  }
  t.false(existsSync(out));
});

test('Ctrl-C ends gen with exit code 130 and leaves no file', async (t) => {
  const directory = scratchFolder();
  t.teardown(() => {
    removeFolder(directory);
  });
  const child = start('gen', join(directory, 'large.gguf'), '--shape', '1b', '--type', 'f16');
  while (readdirSync(directory).length === 0 && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  t.is(code, 130);
  t.deepEqual(readdirSync(directory), []);
});
