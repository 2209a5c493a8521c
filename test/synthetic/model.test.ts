import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { failureOf, Interrupted, reasonOf } from '../../src/failure.js';
import { native } from '../../src/native.js';
import { planFiles } from '../../src/synthetic/plan.js';
import { shapeNames, type ShapeName } from '../../src/synthetic/shapes.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { makeVocabulary } from '../../src/synthetic/vocabulary.js';
import { weightTypes, type WeightType } from '../../src/synthetic/weight-types.js';
import { openTokenizer } from '../../src/text/tokenizer.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

async function bytesOf(name: string, type: WeightType, seed: number): Promise<Buffer> {
  const out = join(folder, `${name}.gguf`);
  await generateModel({ out, shape: 'tiny', type, seed, split: 1 });
  return readFileSync(out);
}

/** Content by tensor name. */
function tensorsOf(path: string): Map<string, Buffer> {
  const { parts, tensors } = native().inspect(path, { arrays: false, digest: false });
  const files = parts.map((part) => readFileSync(part.path));
  return new Map(tensors.map((t) => [t.name, files[t.part]!.subarray(t.offset, t.offset + t.bytes)]));
}

for (const type of weightTypes) {
  test(`the same seed gives the same ${type} bytes, another seed others`, async (t) => {
    const first = await bytesOf(`first-${type}`, type, 5);
    t.true(first.equals(await bytesOf(`again-${type}`, type, 5)));
    const other = tensorsOf(join(folder, `first-${type}.gguf`));
    await bytesOf(`other-${type}`, type, 6);
    for (const [name, content] of tensorsOf(join(folder, `other-${type}.gguf`))) {
      t.is(content.equals(other.get(name)!), name.endsWith('norm.weight'), name);
    }
  });
}

test('a split model has the weights of the whole one', async (t) => {
  const whole = join(folder, 'whole.gguf');
  await generateModel({ out: whole, shape: 'tiny', type: 'q4_0', seed: 3, split: 1 });
  const { paths } = await generateModel({
    out: join(folder, 'parts.gguf'),
    shape: 'tiny',
    type: 'q4_0',
    seed: 3,
    split: 4,
  });
  t.is(paths.length, 4);
  const split = tensorsOf(paths[0]!);
  for (const [name, content] of tensorsOf(whole)) t.true(content.equals(split.get(name)!), name);
});

test('norms are 1', async (t) => {
  await bytesOf('norms', 'q4_0', 9);
  for (const [name, content] of tensorsOf(join(folder, 'norms.gguf'))) {
    if (!name.endsWith('norm.weight')) continue;
    t.deepEqual(content, Buffer.from(new Float32Array(256).fill(1).buffer), name);
  }
});

test('every shape has the size of its model', (t) => {
  const gigabytes: Readonly<Record<ShapeName, number>> = {
    tiny: 0.00075,
    '15m': 0.0145,
    '110m': 0.076,
    '1b': 0.62,
    '3b': 1.93,
    '7b': 3.79,
    '13b': 7.32,
    '30b': 18.3,
    '65b': 36.7,
  };
  for (const shape of shapeNames) {
    const [file] = planFiles('model.gguf', { shape, type: 'q4_0', seed: 1, split: 1 });
    t.true(Math.abs(file!.bytes / 1e9 / gigabytes[shape] - 1) < 0.03, `${shape}: ${file!.bytes} bytes`);
  }
});

test('pieces of the vocabulary are unique and each is what its own text becomes', async (t) => {
  const out = join(folder, 'vocabulary.gguf');
  await generateModel({ out, shape: 'tiny', type: 'q4_0', seed: 1, split: 1 });
  const tokenizer = await openTokenizer(native().inspect(out, { arrays: true, digest: false }));
  const { tokens } = makeVocabulary(512);
  t.is(tokenizer.size, 512);
  t.is(new Set(tokens).size, 512);
  t.is(new Set(makeVocabulary(32000).tokens).size, 32000);
  for (let id = 259; id < tokens.length; id += 1) {
    const piece = tokens[id]!;
    if (piece.startsWith('\u2581') && piece.length > 1) t.deepEqual(tokenizer.encode(piece.slice(1)), [1, id], piece);
  }
});

test('a disk without room is told before anything is written', async (t) => {
  const mount = join(folder, 'small-disk');
  mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount], { stdio: 'ignore' });
  } catch {
    t.log('skipped: mounting a small file system needs root');
    t.pass();
    return;
  }
  try {
    const out = join(mount, 'model.gguf');
    const error = await t.throwsAsync(generateModel({ out, shape: 'tiny', type: 'f32', seed: 1, split: 1 }));
    t.is(reasonOf(error)?.code, 'disk-full');
    t.is(failureOf(error).code, 2);
    // The addon finds out by itself too: other programs may fill the disk meanwhile.
    const [file] = planFiles(out, { shape: 'tiny', type: 'f32', seed: 1, split: 1 });
    const native_ = await t.throwsAsync(native().synthesize(file!, () => true));
    t.is(reasonOf(native_)?.code, 'disk-full');
    t.deepEqual(readdirSync(mount), []);
  } finally {
    execFileSync('umount', [mount]);
  }
});

test('stopping leaves no file behind, finished parts included', async (t) => {
  const directory = join(folder, 'stopped');
  mkdirSync(directory);
  const stop = new AbortController();
  const request = { out: join(directory, 'model.gguf'), shape: '15m', type: 'f16', seed: 1, split: 3 } as const;
  const model = generateModel({
    ...request,
    signal: stop.signal,
    onProgress: (bytes, of) => {
      if (bytes > of / 2) stop.abort();
    },
  });
  await t.throwsAsync(model, { instanceOf: Interrupted });
  t.deepEqual(readdirSync(directory), []);
});

test('a directory that is not there is no place for a model', async (t) => {
  const out = join(folder, 'absent', 'model.gguf');
  const error = await t.throwsAsync(generateModel({ out, shape: 'tiny', type: 'q4_0', seed: 1, split: 1 }));
  t.is(failureOf(error).code, 2);
});
