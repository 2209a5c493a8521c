import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { freemem, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { native } from '../../src/native.js';
import { writeUnsupportedType } from '../unsupported-type.js';
import { fixture, open } from './models.js';

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

function refusal(t: ExecutionContext, body: () => unknown): Refusal {
  const thrown: unknown = t.throws(body, { any: true });
  return thrown as Refusal;
}

/** A copy of tiny-Q8_0 in which the first `from` after `after` reads `to`, of the same length. */
async function altered(t: ExecutionContext, after: string, from: Buffer, to: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weighbridge-kernel-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const bytes = await readFile(fixture('tiny-Q8_0'));
  const start = bytes.indexOf(after);
  const at = bytes.indexOf(from, start);
  t.true(start >= 0 && at >= 0, `${after} not found`);
  to.copy(bytes, at);
  const path = join(folder, 'altered.gguf');
  await writeFile(path, bytes);
  return path;
}

/** A metadata value of type 32-bit unsigned, with its type, as GGUF writes it. */
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(4);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

const need = { context: 64, batch: 8, threads: 2 };

test('an instruction set that is not here is refused, with those that are', (t) => {
  const missing = ['avx2', 'avxvnni', 'avx512', 'avx512vnni'].filter((isa) => !native().isas().includes(isa));
  if (missing.length === 0) t.log('this machine has every instruction set that the kernel knows');
  for (const isa of missing) {
    const { code, remedy } = refusal(t, () => open(fixture('tiny-Q8_0'), { isa }));
    t.is(code, 'unsupported-isa');
    for (const here of native().isas()) t.true(remedy!.includes(here));
  }
  t.is(refusal(t, () => open(fixture('tiny-Q8_0'), { isa: 'mmx' })).code, 'bad-option');
});

test('a tensor type that the kernel does not compute with is refused, named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'weighbridge-kernel-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = writeUnsupportedType(folder);
  for (const body of [() => open(path), () => native().kernelPlan(path, need)]) {
    const { code, message } = refusal(t, body);
    t.is(code, 'unsupported-type');
    t.regex(message, /token_embd\.weight.*I16/);
  }
});

test('another architecture is refused, named', async (t) => {
  const path = await altered(t, 'general.architecture', Buffer.from('llama'), Buffer.from('lmaal'));
  const { code, message, remedy } = refusal(t, () => native().kernelPlan(path, need));
  t.is(code, 'unsupported-architecture');
  t.true(message.includes('lmaal'));
  t.true(remedy!.includes('llama'));
});

test('a missing tensor and those that the forward pass does not know are refused, named', async (t) => {
  const longer = await altered(t, 'llama.block_count', uint32(2), uint32(3));
  const missing = refusal(t, () => native().kernelPlan(longer, need));
  t.is(missing.code, 'missing-tensor');
  t.true(missing.message.includes('blk.2.attn_norm.weight'));

  for (const [was, from, to, becomes] of [
    ['blk.1.ffn_up', 'ffn_up', 'ffn_xx', 'blk.1.ffn_xx.weight'],
    ['output_norm', 'norm', 'mron', 'output_mron.weight'],
    ['blk.1.ffn_up', 'blk.1', 'blk.7', 'blk.7.ffn_up.weight'],
  ] as const) {
    const unknown = await altered(t, was, Buffer.from(from), Buffer.from(to));
    const changed = refusal(t, () => native().kernelPlan(unknown, need));
    t.is(changed.code, 'unsupported-architecture', becomes);
    t.true(changed.message.includes(becomes));
  }
});

test('hyperparameters that the tensors contradict are refused before anything is allocated', async (t) => {
  for (const [key, was, becomes] of [
    ['llama.embedding_length', 256, 512],
    ['llama.feed_forward_length', 512, 256],
    ['llama.block_count', 2, 3],
    ['llama.block_count', 2, 0x7fffffff],
    ['llama.embedding_length', 256, 0xffffffff],
    ['llama.attention.head_count', 4, 3],
    ['llama.attention.head_count', 4, 0],
  ] as const) {
    const path = await altered(t, key, uint32(was), uint32(becomes));
    const { code } = refusal(t, () => native().kernelPlan(path, need));
    t.true(['bad-shape', 'malformed', 'missing-tensor'].includes(code), `${key} = ${becomes}: ${code}`);
  }
});

test('what a session cannot do is refused, and it goes on working', (t) => {
  const session = open(fixture('tiny-Q8_0'), { context: 8 });
  const calls: Record<string, () => unknown> = {
    'no tokens': () => session.forward([], 0, 0),
    'a token beyond the vocabulary': () => session.forward([512], 0, 1),
    'a negative token': () => session.forward([-1], 0, 1),
    'a fraction': () => session.forward([1.5], 0, 1),
    'more rows than tokens': () => session.forward([1], 0, 2),
    'a gap': () => session.forward([1], 1, 1),
    'a full context': () => session.forward([1, 2, 3, 4, 5, 6, 7, 8, 9], 0, 1),
    'a context full before the last token': () => session.forward([1, 2, 3, 4, 5, 6, 7, 8], 1, 1),
    'an array of no end': () => session.forward(new Array<number>(2 ** 32 - 1), 0, 1),
  };
  for (const [what, call] of Object.entries(calls)) t.is(refusal(t, call).code, 'bad-option', what);
  t.is(session.forward([1, 2, 3, 4, 5, 6, 7, 8], 0, 1).length, 512);
  t.is(refusal(t, () => session.forward([1], 8, 1)).code, 'bad-option');
  session.close();
  t.is(refusal(t, () => session.forward([1], 0, 1)).code, 'session-closed');
});

test('a session larger than the memory available is refused with both sizes and the remedy', (t) => {
  const path = fixture('tiny-Q8_0');
  const context = 0x7fffffff;
  const { code, message, remedy } = refusal(t, () => open(path, { context, batch: 8 }));
  t.is(code, 'out-of-memory');
  const plan = native().kernelPlan(path, { context, batch: 8, threads: 2 });
  const [needed, available] = [...message.matchAll(/\d+/g)].map(Number);
  t.is(needed, plan.kvCacheBytes + plan.scratchBytes);
  t.true(available! > 0 && available! < totalmem(), message);
  t.true(remedy!.includes('context'));
});

test('more logits than an answer holds are refused, and none are made', (t) => {
  // One row of 512 too many, which takes a KV cache of 1 GiB.
  const context = 2 ** 19 + 1;
  if (freemem() < 2 ** 32) {
    t.log('skipped: less than 4 GiB of memory are free');
    t.pass();
    return;
  }
  const session = open(fixture('tiny-Q8_0'), { context, batch: 1, threads: 1 });
  const { code, message } = refusal(t, () => session.forward(new Array<number>(context).fill(1), 0, context));
  t.is(code, 'bad-option');
  t.regex(message, /1 GiB/);
  session.close();
});

test('no model runs on the mechanism that loads nothing', (t) => {
  t.is(refusal(t, () => open(fixture('tiny-Q8_0'), { mechanism: 'null' })).code, 'bad-option');
});
