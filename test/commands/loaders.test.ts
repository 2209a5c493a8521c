import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { root, weighbridge } from '../command.js';

interface Listing {
  readonly files: readonly string[];
  readonly loaders: readonly {
    readonly name: string;
    readonly why: string;
    readonly supported: boolean;
    readonly reason: { readonly code: string } | null;
  }[];
}

test('every file in loaders/ is listed, with its reason and whether it works here', async (t) => {
  const { code, stdout } = await weighbridge(['loaders', '--json']);
  t.is(code, 0);
  const { loaders } = JSON.parse(stdout) as Listing;
  const files = (await readdir(join(root, 'loaders'))).filter((file) => file.endsWith('.ts'));
  t.deepEqual(loaders.map(({ name }) => `${name}.ts`).sort(), files.sort());
  for (const { name, why, supported, reason } of loaders) {
    t.true(why.length > 20, name);
    t.is(supported, reason === null, name);
  }
});

test('the list for people names every loader and fits 80 columns', async (t) => {
  const { code, stdout } = await weighbridge(['loaders']);
  t.is(code, 0);
  const { loaders } = JSON.parse((await weighbridge(['loaders', '--json'])).stdout) as Listing;
  for (const { name } of loaders) t.regex(stdout, new RegExp(`^${name}$`, 'm'));
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
});

test('a loader that the file system of the model refuses is unsupported, with the reason', async (t) => {
  const folder = await mkdtemp('/dev/shm/weighbridge-loaders-');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const model = join(folder, 'tiny.gguf');
  t.is((await weighbridge(['gen', model, '--shape', 'tiny', '--type', 'q8_0', '--seed', '1'])).code, 0);
  const { loaders, files } = JSON.parse((await weighbridge(['loaders', '--json', '--model', model])).stdout) as Listing;
  t.deepEqual(files, [model]);
  const supported = new Map(loaders.map((loader) => [loader.name, loader]));
  t.true(supported.get('mmap-shared')?.supported);
  const direct = supported.get('direct');
  if (direct?.supported === true) {
    // tmpfs opens O_DIRECT since Linux 6.6; the loader may then work, or find no alignment.
    t.log('this kernel gives O_DIRECT on tmpfs');
  } else {
    t.truthy(direct?.reason?.code);
  }
});

test('a model that is none is one line and exit code 2', async (t) => {
  const folder = await mkdtemp(join(root, 'dist', 'loaders-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'not.gguf');
  await writeFile(file, 'this is no model, and long enough to hold a magic number');
  const { code, stdout, stderr } = await weighbridge(['loaders', '--model', file]);
  t.is(code, 2);
  t.is(stdout, '');
  t.is(stderr.trim().split('\n').length, 1);
});
