/**
 * The contract of a loader, asked of every loader that the catalog finds: the same logits, bit for bit, as the loader
 * `read`, whatever the model's type, its path or its division into parts; and a coded error for what cannot work.
 *
 * The mechanism `null` loads no weights by definition. It is left out of the logits, by that one rule, and asked to refuse.
 */
import { copyFileSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { listLoaders } from '../../src/catalog.js';
import type { LoaderDefinition } from '../../src/loader.js';
import { native, type NativeOptions } from '../../src/native.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { copyOfFixture, fixture, removeFolder, scratchFolder } from '../processes.js';

const TOKENS = [1, 5, 40, 300, 7];

const loaders = await listLoaders();
const withWeights = loaders.filter(({ mechanism }) => mechanism !== 'null');

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

function logits(mechanism: string, options: NativeOptions, path: string): Buffer {
  const session = native().openSession({ path, mechanism, options, isa: 'scalar', threads: 2, context: 16, batch: 4 });
  try {
    return Buffer.from(session.forward(TOKENS, 0, TOKENS.length).slice().buffer);
  } finally {
    session.close();
  }
}

const logitsOf = (loader: LoaderDefinition, path: string): Buffer =>
  logits(loader.mechanism, loader.options ?? {}, path);

function partsOf(path: string): readonly string[] {
  return native()
    .inspect(path, { arrays: false, digest: false })
    .parts.map((part) => part.path);
}

function copyTo(name: string, path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(fixture(name), path);
  return path;
}

async function splitModel(into: string, parts: number): Promise<readonly string[]> {
  mkdirSync(into, { recursive: true });
  const model = await generateModel({
    out: join(into, 'split.gguf'),
    shape: 'tiny',
    type: 'q8_0',
    seed: 3,
    split: parts,
  });
  return model.paths;
}

const models: readonly { readonly what: string; readonly make: () => Promise<string> | string }[] = [
  { what: 'a Q4_0 model', make: () => copyOfFixture('tiny-Q4_0.gguf', folder) },
  { what: 'a Q8_0 model', make: () => copyOfFixture('tiny-Q8_0.gguf', folder) },
  { what: 'an F16 model', make: () => copyOfFixture('tiny-F16.gguf', folder) },
  {
    what: 'a path with spaces and letters of many scripts',
    make: () => copyTo('tiny-Q4_0.gguf', join(folder, "a folder's name", 'モデル — gewichte №1.gguf')),
  },
  { what: 'a model in three parts', make: async () => (await splitModel(join(folder, 'three'), 3))[0] ?? '' },
];

/** Runs the body, or says why this loader cannot work there and that it refuses rather than does something else. */
function whereSupported(t: ExecutionContext, loader: LoaderDefinition, path: string, body: () => void): void {
  const reason = native().unsupported(loader.mechanism, partsOf(path), loader.options ?? {});
  if (reason === null) {
    body();
    return;
  }
  t.log(`skipped: ${loader.name} is unsupported for ${path}: ${reason.message}`);
  t.true(reason.code.length > 0 && reason.operation.length > 0 && reason.message.length > 0);
  t.throws(() => logitsOf(loader, path), { code: reason.code });
}

test.serial('there are loaders, each of a mechanism that exists, and every mechanism has one', (t) => {
  t.deepEqual([...new Set(loaders.map(({ mechanism }) => mechanism))].sort(), native().mechanisms().sort());
});

for (const { what, make } of models) {
  let made: Promise<{ readonly path: string; readonly expected: Buffer }> | undefined;
  const model = (): Promise<{ readonly path: string; readonly expected: Buffer }> =>
    (made ??= Promise.resolve(make()).then((path) => ({ path, expected: logits('read', {}, path) })));

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

for (const loader of loaders) {
  test.serial(`${loader.name} refuses an option that its mechanism does not have`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, 'option.gguf'));
    t.throws(() => native().unsupported(loader.mechanism, [path], { ...loader.options, nonsense: true }), {
      code: 'bad-option',
      message: /nonsense/,
    });
  });
}

for (const loader of loaders.filter(({ mechanism }) => mechanism === 'null')) {
  test.serial(`${loader.name} has no weights to run a model on, and says so`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, 'null.gguf'));
    t.throws(() => logitsOf(loader, path), { code: 'bad-option', message: /weights/ });
  });
}

for (const loader of withWeights) {
  test.serial(`${loader.name} says that a file is missing`, (t) => {
    t.throws(() => logitsOf(loader, join(folder, 'missing.gguf')), { code: 'file-missing' });
    t.throws(() => native().unsupported(loader.mechanism, [join(folder, 'missing.gguf')], loader.options ?? {}), {
      code: 'file-missing',
    });
  });

  test.serial(`${loader.name} says that a file is cut`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, `${loader.name}-cut.gguf`));
    truncateSync(path, statSync(path).size - 4096);
    t.throws(() => logitsOf(loader, path), { code: 'truncated' });
  });

  test.serial(`${loader.name} says that a part is missing`, async (t) => {
    const [first = '', second = ''] = await splitModel(join(folder, `${loader.name}-parts`), 2);
    rmSync(second);
    t.throws(() => logitsOf(loader, first), { code: 'missing-part' });
  });

  test.serial(`${loader.name} keeps its weights when the file loses its name`, (t) => {
    const path = copyTo('tiny-Q4_0.gguf', join(folder, `${loader.name}-unlinked.gguf`));
    whereSupported(t, loader, path, () => {
      const { mechanism, options = {} } = loader;
      const expected = logitsOf(loader, path);
      const session = native().openSession({
        path,
        mechanism,
        options,
        isa: 'scalar',
        threads: 2,
        context: 16,
        batch: 4,
      });
      rmSync(path);
      const got = Buffer.from(session.forward(TOKENS, 0, TOKENS.length).slice().buffer);
      session.close();
      t.is(Buffer.compare(got, expected), 0);
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
    if (loader.mechanism === 'direct' && native().fileFacts(path).fileSystem === 'tmpfs') {
      t.is(native().unsupported(loader.mechanism, [path], loader.options ?? {})?.code, 'direct-io-unsupported');
    }
    whereSupported(t, loader, path, () => {
      t.is(Buffer.compare(logitsOf(loader, path), logits('read', {}, path)), 0);
    });
  });
}
