/** Weights of every type, as the kernel computes with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { native, type SynthesisType } from '../../src/native.js';
import { planFiles } from '../../src/synthetic/plan.js';
import { shapeNames, type ShapeName } from '../../src/synthetic/shapes.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { layouts, weightTypes, type WeightType } from '../../src/synthetic/weight-types.js';
import { failureOf } from '../../src/failure.js';
import { open } from '../kernel/models.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { matrixOf, weightsOf } from './weights-of.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

async function generate(name: string, type: WeightType): Promise<string> {
  const out = join(folder, `${name}-${type}.gguf`);
  await generateModel({ out, shape: 'tiny', type, seed: 9, split: 1 });
  return out;
}

/** Mean zero and that deviation, as near as so many weights, and scales of 0.75 to 1.25 of the right size, come. */
function checkMoments(t: ExecutionContext, weights: Float64Array, deviation: number, what: string): void {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  const square = weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length;
  t.true(Math.abs(mean) < 0.02 * deviation, `${what}: mean ${mean}`);
  t.true(Math.abs(Math.sqrt(square) / deviation - 1) < 0.04, `${what}: deviation ${Math.sqrt(square)}`);
}

for (const type of weightTypes) {
  test(`${type} weights have the mean 0 and the deviation of their matrix`, async (t) => {
    const path = await generate('moments', type);
    const file = readFileSync(path);
    const expected = {
      'blk.0.ffn_gate': 1 / 16,
      'blk.1.ffn_down': 0.5 / Math.sqrt(512),
      token_embd: 1 / 8,
    };
    for (const [name, deviation] of Object.entries(expected)) {
      const weights = weightsOf(matrixOf(path, name, file), join(folder, `probe-${type}.gguf`));
      checkMoments(t, weights, deviation, name);
    }
  });

  test(`logits of ${type} models are finite, and the same however they are loaded`, async (t) => {
    const path = await generate('logits', type);
    const tokens = [1, 3, 40, 77, 500];
    const answers = [
      open(path, { mechanism: 'read' }),
      open(path, { mechanism: 'stdio' }),
      open(path, { mechanism: 'mmap', options: { sharing: 'shared' } }),
    ].map((session) => {
      const logits = session.forward(tokens, 0, tokens.length);
      session.close();
      return logits;
    });
    const [first, ...others] = answers;
    t.true(first!.every(Number.isFinite));
    // Logits of a trained model spread as widely.
    t.true(Math.max(...first!) > 2 && Math.max(...first!) < 40, String(Math.max(...first!)));
    for (const logits of others) t.deepEqual(logits, first);
  });
}

/** Deviations of the smallest matrix of any shape: its scales are subnormal in most types. */
const smallest = Math.min(
  ...shapeNames.flatMap((shape) =>
    planFiles('model.gguf', { shape, type: 'f32', seed: 1, split: 1 }).flatMap(({ tensors }) =>
      tensors.filter(({ fill }) => fill === 'normal').map(({ deviation }) => deviation),
    ),
  ),
);

for (const type of Object.keys(layouts) as readonly SynthesisType[]) {
  test(`${type} weights are as small as those of the largest model have to be`, async (t) => {
    const [columns, rows] = [512, 256];
    const { blockBytes, blockElements } = layouts[type];
    const bytes = (columns * rows * blockBytes) / blockElements;
    const path = join(folder, `small-${type}`);
    const tensor = { offset: 0, bytes, type, fill: 'normal', deviation: smallest, stream: 0 } as const;
    await native().synthesize({ path, header: Buffer.alloc(0), bytes, tensors: [tensor], seed: 2 }, () => true);
    const data = readFileSync(path);
    checkMoments(t, weightsOf({ type, columns, rows, data }, `${path}.gguf`), smallest, type);
  });
}

test('mixes have a finer type for the output and half of what llama.cpp makes finer', (t) => {
  for (const [type, most] of [
    ['q4_k_m', 'Q4_K'],
    ['q5_k_m', 'Q5_K'],
  ] as const) {
    const [file] = planFiles('model.gguf', { shape: '7b', type, seed: 1, split: 1 });
    // In the order of the forward pass: the embedding, nine tensors a layer, the norm and the output.
    const types = file!.tensors.map((tensor) => tensor.type);
    t.is(types[0], most);
    t.is(types.at(-1), 'Q6_K');
    const layers = Array.from({ length: 32 }, (_, layer) => types.slice(1 + 9 * layer, 1 + 9 * (layer + 1)));
    // As llama-quantize prints it for 32 layers.
    const finer = [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31];
    layers.forEach(([, query, key, value, output, , gate, up, down], layer) => {
      t.deepEqual([query, key, output, gate, up], [most, most, most, most, most]);
      const wanted = finer.includes(layer) ? 'Q6_K' : most;
      t.deepEqual([value, down], [wanted, wanted], `layer ${layer}`);
    });
  }
  const [tied] = planFiles('model.gguf', { shape: 'tiny', type: 'q4_k_m', seed: 1, split: 1 });
  t.is(tied!.tensors[0]!.type, 'Q6_K');
});

test('superblocks need rows that hold a whole number of them', async (t) => {
  const made = (shape: ShapeName, type: WeightType): unknown =>
    planFiles('model.gguf', { shape, type, seed: 1, split: 1 });
  for (const type of ['q2_k', 'q3_k', 'q4_k', 'q4_k_m', 'q5_k', 'q6_k', 'iq4_xs'] as const) {
    for (const shape of ['15m', '3b'] as const) {
      const error = t.throws(() => made(shape, type), { message: new RegExp(`${type}.*256.*${shape}`) });
      const { code, line } = failureOf(error);
      t.is(code, 2);
      t.regex(line, /7b/);
    }
    t.notThrows(() => made('7b', type));
  }
  for (const type of ['f32', 'q4_0', 'q8_0', 'iq4_nl'] as const) t.notThrows(() => made('3b', type));
  await t.throwsAsync(
    generateModel({ out: join(folder, 'never.gguf'), shape: '15m', type: 'q4_k', seed: 1, split: 1 }),
  );
});
