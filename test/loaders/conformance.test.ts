/**
 * The contract of a loader, asked of every loader that the catalog finds: the same logits, bit for bit, as the loader
 * `read`, whatever the model's type, its path or its division into parts; and a coded error for what cannot work.
 *
 * What keeps no weights (bounds, `null`) is left out of the logits, by that one rule, and asked to refuse.
 */
import { copyFileSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { bypassesPageCache, roleOf } from '../../src/loader.js';
import { native } from '../../src/native.js';
import { copyOfFixture, fixture, removeFolder, scratchFolder } from '../processes.js';
import {
  allLoaders,
  expectedLogits,
  logitsOf,
  logitsOfSession,
  openWith,
  whereSupported,
  withWeights,
} from './loading.js';
import { splitModel } from './models.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

function copyTo(name: string, path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(fixture(name), path);
  return path;
}

function folderOf(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

const models: readonly { readonly what: string; readonly make: () => Promise<string> | string }[] = [
  { what: 'a Q4_0 model', make: () => copyOfFixture('tiny-Q4_0.gguf', folder) },
  { what: 'a Q8_0 model', make: () => copyOfFixture('tiny-Q8_0.gguf', folder) },
  { what: 'an F16 model', make: () => copyOfFixture('tiny-F16.gguf', folder) },
  {
    what: 'a path with spaces and letters of many scripts',
    make: () => copyTo('tiny-Q4_0.gguf', join(folder, "a folder's name", 'モデル — gewichte №1.gguf')),
  },
  { what: 'a model in three parts', make: async () => (await splitModel(folderOf('three'), 3))[0] ?? '' },
];

// A library of the user's is no strategy of ours: it is named on the command line.
test.serial('there are loaders, each of a mechanism that exists, and every mechanism has one', (t) => {
  const ours = native()
    .mechanisms()
    .filter((mechanism) => mechanism !== 'external');
  t.deepEqual([...new Set(allLoaders.map(({ mechanism }) => mechanism))].sort(), ours.sort());
});

for (const { what, make } of models) {
  let made: Promise<{ readonly path: string; readonly expected: Buffer }> | undefined;
  const model = (): Promise<{ readonly path: string; readonly expected: Buffer }> =>
    (made ??= Promise.resolve(make()).then((path) => ({ path, expected: expectedLogits(path) })));

  for (const loader of withWeights) {
    test.serial(`${loader.name} gives the logits of read for ${what}`, async (t) => {
      const { path, expected } = await model();
      whereSupported(t, loader, path, () => {
        const got = logitsOf(loader, path);
        t.true(got.some((byte) => byte !== 0));
        t.is(Buffer.compare(got, expected), 0);
      });
    });
  }
}

for (const loader of allLoaders) {
  test.serial(`${loader.name} refuses an option that its mechanism does not have`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, 'option.gguf'));
    t.throws(() => native().unsupported(loader.mechanism, [path], { ...loader.options, nonsense: true }), {
      code: 'bad-option',
      message: /nonsense/,
    });
  });
}

for (const loader of allLoaders.filter(({ mechanism }) => roleOf(mechanism) !== 'loader')) {
  test.serial(`${loader.name} has no weights to run a model on, and says so`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, 'null.gguf'));
    t.throws(() => openWith(loader, path), { code: 'bad-option', message: /weights/ });
  });
}

for (const loader of withWeights) {
  test.serial(`${loader.name} says that a file is missing`, (t) => {
    const path = join(folder, 'missing.gguf');
    t.throws(() => openWith(loader, path), { code: 'file-missing' });
    t.throws(() => native().unsupported(loader.mechanism, [path], loader.options ?? {}), { code: 'file-missing' });
  });

  test.serial(`${loader.name} says that a file is cut`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, `${loader.name}-cut.gguf`));
    truncateSync(path, statSync(path).size - 4096);
    t.throws(() => openWith(loader, path), { code: 'truncated' });
  });

  test.serial(`${loader.name} says that a part is missing`, async (t) => {
    const [first = '', second = ''] = await splitModel(folderOf(`${loader.name}-parts`), 2);
    rmSync(second);
    t.throws(() => openWith(loader, first), { code: 'missing-part' });
  });

  test.serial(`${loader.name} keeps its weights when the file loses its name`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, `${loader.name}-unlinked.gguf`));
    whereSupported(t, loader, path, () => {
      const expected = logitsOf(loader, path);
      const session = openWith(loader, path);
      rmSync(path);
      t.is(Buffer.compare(logitsOfSession(session), expected), 0);
    });
  });

  test.serial(`${loader.name} works on a file system in memory, or is unsupported there and refuses`, async (t) => {
    const memory = await mkdtemp('/dev/shm/weighbridge-conformance-').catch(() => null);
    if (memory === null) {
      t.log('skipped: /dev/shm cannot be written here');
      t.pass();
      return;
    }
    t.teardown(() => rm(memory, { recursive: true, force: true }));
    const path = copyOfFixture('tiny-Q4_0.gguf', memory);
    const { mechanism, options = {} } = loader;
    if (bypassesPageCache(mechanism, options) && native().fileFacts(path).fileSystem === 'tmpfs') {
      t.regex(native().unsupported(mechanism, [path], options)?.code ?? '', /unsupported/);
    }
    whereSupported(t, loader, path, () => {
      t.is(Buffer.compare(logitsOf(loader, path), expectedLogits(path)), 0);
    });
  });
}
