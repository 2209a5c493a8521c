/** A loader is one file: the conformance suite must run over a new one without being told. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'ava';
import { addonPath } from '../../src/native.js';
import { root } from '../command.js';
import { endOf, removeFolder, scratchFolder } from '../processes.js';

const ava = join(dirname(createRequire(import.meta.url).resolve('ava')), 'cli.mjs');

const definition = (name: string, options: string): string =>
  `export default { name: '${name}', mechanism: 'read', why: 'made by a test', options: ${options} };\n`;

test('the conformance suite runs over a loader from the moment its file exists', async (t) => {
  const copy = scratchFolder();
  t.teardown(() => {
    removeFolder(copy);
  });
  for (const part of ['src', 'loaders', 'test/loaders', 'test/processes.js']) {
    cpSync(join(root, 'dist', part), join(copy, 'dist', part), { recursive: true });
  }
  mkdirSync(join(copy, 'test'));
  symlinkSync(join(root, 'test', 'fixtures'), join(copy, 'test', 'fixtures'));
  writeFileSync(
    join(copy, 'package.json'),
    JSON.stringify({
      type: 'module',
      ava: { files: ['dist/test/loaders/conformance.test.js'], workerThreads: false, timeout: '10m' },
    }),
  );
  writeFileSync(join(copy, 'dist', 'loaders', 'read-fresh.js'), definition('read-fresh', '{ chunkBytes: 5000 }'));
  writeFileSync(join(copy, 'dist', 'loaders', 'read-wrong.js'), definition('read-wrong', '{ chunkBytes: 0 }'));

  const env = { ...process.env, WEIGHBRIDGE_ADDON: addonPath() };
  const suite = spawn(process.execPath, [ava, '--tap', '--match', 'read-*'], { cwd: copy, env });
  const { code, stdout } = await endOf(suite);
  const lines = stdout.split('\n');
  const results = (name: string, outcome: RegExp): readonly string[] =>
    lines.filter((line) => outcome.test(line) && line.includes(name));
  t.true(results('read-fresh gives the logits of read', /^ok /).length >= 5, stdout);
  t.deepEqual(results('read-fresh', /^not ok /), []);
  t.true(results('read-wrong gives the logits of read', /^not ok /).length >= 5, stdout);
  t.is(code, 1);
});
