import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { limitSupport } from '../../src/samples/cgroup-place.js';
import type { LoaderFit } from '../../src/samples/fit-model.js';
import { weighbridge } from '../command.js';
import { endOf, processesWith, removeFolder, scratchFolder, start, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

test.serial('what was found is printed where an error ends it before all loaders were looked at', async (t) => {
  if (limitSupport().reason !== null) {
    t.log(`skipped: ${limitSupport().reason?.message ?? ''}`);
    t.pass();
    return;
  }
  const [made, model] = [join(folder, 'made.gguf'), join(folder, 'model.gguf')];
  const generated = await weighbridge(['gen', made, '--shape', '15m', '--type', 'f16']);
  t.is(generated.code, 0, generated.stderr);
  copyFileSync(made, model);
  const work = '--share 1% --resolution 50% --generate 2 --lock-wait 600 --json'.split(' ');
  // The reference goes first, and its name is that of all untimed loads.
  const child = start('fit', model, '--loader', 'stdio,mmap-shared,direct', ...work);
  const ended = endOf(child);
  const second = (): boolean => processesWith('samples/child.js', model, '"name":"mmap-shared"').length > 0;
  await until(() => second() || child.exitCode !== null, 600, 'the second loader');
  // The third cannot even be asked how much memory it needs.
  rmSync(model);
  const { code, stdout, stderr } = await ended;
  t.is(code, 2, stderr);
  t.regex(stderr, /model\.gguf: [^\n]+\n$/);
  const { fits } = JSON.parse(stdout) as { readonly fits: readonly LoaderFit[] };
  t.deepEqual(
    fits.map(({ arm }) => arm.loader),
    ['stdio', 'mmap-shared'],
  );
  t.is(fits[0]?.fit.kind, 'found');
});
