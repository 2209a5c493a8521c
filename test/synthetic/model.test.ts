import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { failureOf, Interrupted, reasonOf } from '../../src/failure.js';
import { native } from '../../src/native.js';
import { planFiles } from '../../src/synthetic/plan.js';
import { shapeNames, weightTypes, type ShapeName, type WeightType } from '../../src/synthetic/shapes.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { makeVocabulary } from '../../src/synthetic/vocabulary.js';
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

/** Elements of a tensor of one of the four types; formats as in ggml-common.h. */
function decode(content: Buffer, type: WeightType): number[] {
  const half = (at: number): number => {
    const bits = content.readUInt16LE(at);
    const magnitude = 2 ** (((bits >> 10) & 31) - 15) * (1 + (bits & 1023) / 1024);
    return (bits & 0x7fff) === 0 ? 0 : bits & 0x8000 ? -magnitude : magnitude;
  };
  const values: number[] = [];
  const step = { f32: 4, f16: 2, q8_0: 34, q4_0: 18 }[type];
  for (let at = 0; at < content.length; at += step) {
    if (type === 'f32') values.push(content.readFloatLE(at));
    else if (type === 'f16') values.push(half(at));
    else if (type === 'q8_0') for (let i = 0; i < 32; i += 1) values.push(half(at) * content.readInt8(at + 2 + i));
    else {
      for (const byte of content.subarray(at + 2, at + 18))
        values.push(half(at) * ((byte & 15) - 8), half(at) * ((byte >> 4) - 8));
    }
  }
  return values;
}

for (const type of weightTypes) {
  test(`${type} weights have the mean 0 and the deviation of their matrix; norms are 1`, async (t) => {
    await bytesOf(`moments-${type}`, type, 9);
    const tensors = tensorsOf(join(folder, `moments-${type}.gguf`));
    const expected = {
      'blk.0.ffn_gate.weight': 1 / 16,
      'blk.1.ffn_down.weight': 0.5 / Math.sqrt(512),
      'token_embd.weight': 1 / 8,
    };
    for (const [name, deviation] of Object.entries(expected)) {
      const values = decode(tensors.get(name)!, type);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      t.true(Math.abs(mean) < 0.02 * deviation, `${name}: mean ${mean}`);
      t.true(Math.abs(Math.sqrt(square) / deviation - 1) < 0.03, `${name}: deviation ${Math.sqrt(square)}`);
    }
    t.deepEqual(new Set(decode(tensors.get('output_norm.weight')!, 'f32')), new Set([1]));
  });
}

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
