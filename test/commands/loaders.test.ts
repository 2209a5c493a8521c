import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { root, weighbridge } from '../command.js';

interface Listing {
  readonly files: readonly string[];
  readonly loaders: readonly {
    readonly name: string;
    readonly role: string;
    readonly default: boolean;
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

test('the list for people has a line for each loader, a paragraph with --long, and fits 80 columns', async (t) => {
  const { loaders } = JSON.parse((await weighbridge(['loaders', '--json'])).stdout) as Listing;
  const short = await weighbridge(['loaders']);
  const long = await weighbridge(['loaders', '--long']);
  t.is(short.code, 0);
  t.is(long.code, 0);
  for (const { name, role, supported, reason, ...loader } of loaders) {
    const mark = loader.default ? '\\* ' : '  ';
    t.regex(short.stdout, new RegExp(`^${mark}${name} +${role} +${supported ? 'supported' : reason?.code}$`, 'm'));
    t.regex(long.stdout, new RegExp(`^${name}( \\(${role}: never ranked\\))?$`, 'm'));
  }
  t.true(loaders.some((loader) => loader.default));
  t.deepEqual([...new Set(loaders.map(({ role }) => role))].sort(), ['bound', 'harness', 'loader']);
  t.deepEqual(
    `${short.stdout}${long.stdout}`.split('\n').filter((line) => line.length > 80),
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
