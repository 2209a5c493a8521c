import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { isReason, tryInspect } from './gguf-file.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const parts = 3;
const shape = 'tiny';
const type = 'q8_0';
const digits = (value: number): string => String(value).padStart(5, '0');
const partName = (stem: string, index: number): string => `${stem}-${digits(index + 1)}-of-${digits(parts)}.gguf`;

/** A split model in a directory of its own. */
async function splitModel(directory: string, seed = 1): Promise<readonly string[]> {
  mkdirSync(join(folder, directory));
  const out = join(folder, directory, 'model.gguf');
  return (await generateModel({ out, shape, type, seed, split: parts })).paths;
}

test('a split model is the same from whichever part it is named by', async (t) => {
  const paths = await splitModel('whole');
  t.deepEqual(
    paths,
    [0, 1, 2].map((index) => join(folder, 'whole', partName('model', index))),
  );
  const models = paths.map((path) => native().inspect(path, { arrays: true, digest: true }));
  t.deepEqual(models[1], models[0]);
  t.deepEqual(models[2], models[0]);
  const model = models[0]!;
  t.deepEqual(
    model.parts.map(({ path }) => path),
    paths,
  );
  t.deepEqual([...new Set(model.tensors.map(({ part }) => part))], [0, 1, 2]);
  const unsplit = join(folder, 'unsplit.gguf');
  await generateModel({ out: unsplit, shape, type, seed: 1, split: 1 });
  const names = native()
    .inspect(unsplit, { arrays: false, digest: false })
    .tensors.map(({ name }) => name);
  t.deepEqual(
    model.tensors.map(({ name }) => name),
    names,
  );
});

test('a part that is not there is named', async (t) => {
  const paths = await splitModel('missing');
  rmSync(paths[1]!);
  for (const named of [paths[0]!, paths[2]!]) {
    const result = tryInspect(named);
    t.true(isReason(result) && result.code === 'missing-part' && result.path === paths[1]);
  }
  const itself = tryInspect(paths[1]!);
  t.true(isReason(itself) && itself.code === 'file-missing');
});

test('a part under another name cannot lead to the others', async (t) => {
  const paths = await splitModel('renamed');
  const alone = join(folder, 'renamed', 'alone.gguf');
  renameSync(paths[1]!, alone);
  const result = tryInspect(alone);
  t.true(isReason(result) && result.code === 'missing-part' && result.path === alone);
});

test('a part in the place of another is malformed', async (t) => {
  const paths = await splitModel('swapped');
  copyFileSync(paths[2]!, paths[1]!);
  const result = tryInspect(paths[0]!);
  t.true(isReason(result) && result.code === 'malformed' && result.path === paths[1]);
});

test('parts of different models are malformed', async (t) => {
  const paths = await splitModel('mixed');
  mkdirSync(join(folder, 'larger'));
  const larger = await generateModel({
    out: join(folder, 'larger', 'model.gguf'),
    shape: '15m',
    type: 'q4_0',
    seed: 1,
    split: parts,
  });
  copyFileSync(larger.paths[2]!, paths[2]!);
  const result = tryInspect(paths[0]!);
  t.true(isReason(result) && result.code === 'malformed');
});
