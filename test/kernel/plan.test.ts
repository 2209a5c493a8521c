import { statSync } from 'node:fs';
import test from 'ava';
import { native } from '../../src/native.js';
import { fixture, open } from './models.js';

const need = { context: 64, batch: 8, threads: 2 };

test('the plan of a model states its shape, and what is allocated for it', (t) => {
  const plan = native().kernelPlan(fixture('tiny-Q8_0'), need);
  t.like(plan.shape, { layers: 2, width: 256, heads: 4, kvHeads: 2, keyLength: 64, feedForward: 512, vocabulary: 512 });
  // Keys and values of 2 layers, 2 heads, 64 positions and 64 floats each.
  t.is(plan.kvCacheBytes, 2 * 2 * 2 * 64 * 64 * 4);
  t.true(plan.scratchBytes > 0);
  t.deepEqual(open(fixture('tiny-Q8_0')).shape, plan.shape);
  t.true(native().kernelPlan(fixture('tiny-Q8_0'), { ...need, batch: 16 }).scratchBytes > plan.scratchBytes);
});

test('the first token needs all tensors but the other rows of an untied embedding', (t) => {
  const path = fixture('tiny-Q8_0');
  const { tensors } = native().inspect(path, { arrays: false, digest: false });
  t.true(tensors.some(({ name }) => name === 'output.weight'));
  const embedding = tensors.find(({ name }) => name === 'token_embd.weight')!;
  const all = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const plan = native().kernelPlan(path, need);
  t.is(plan.tensorBytes, all);
  t.is(plan.bytesNeeded, all - embedding.bytes + embedding.bytes / 512);
  t.true(plan.tensorBytes < statSync(path).size);
});

test('loading takes time, and says how much', (t) => {
  const { loadNs } = open(fixture('tiny-F16'));
  t.true(Number.isInteger(loadNs) && loadNs > 0);
});
