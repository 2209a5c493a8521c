import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { writeHeader } from '../../src/synthetic/gguf-writer.js';
import { weighbridge } from '../command.js';
import { fileOf, sound } from '../format/gguf-file.js';
import { fixture, removeFolder, scratchFolder } from '../processes.js';
import { writeUnsupportedType } from '../unsupported-type.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

interface Inspected {
  readonly tensors: readonly { readonly name: string; readonly bytes: number }[];
  readonly types: readonly { readonly type: string; readonly tensors: number; readonly bytes: number }[];
  readonly kernel:
    | {
        readonly supported: true;
        readonly context: number;
        readonly kvCacheBytes: number;
        readonly tensorBytes: number;
      }
    | { readonly supported: false; readonly reason: { readonly code: string } };
}

async function inspectJson(...args: readonly string[]): Promise<Inspected> {
  return JSON.parse((await weighbridge(['inspect', ...args, '--json'])).stdout) as Inspected;
}

test('inspect shows metadata, tensors, sizes by type and the kernel in 80 columns', async (t) => {
  for (const name of ['tiny-Q8_0.gguf', 'tiny-Q4_K.gguf']) {
    const { code, stdout } = await weighbridge(['inspect', fixture(name)]);
    t.is(code, 0);
    t.regex(stdout, /llama\.attention\.head_count_kv +2\n/);
    t.regex(stdout, /blk\.1\.ffn_down\.weight +Q\S+ +512 × 256 +1 +\d+ +\d+\n/);
    // The path is printed whole, so that it can be copied.
    const long = stdout
      .split('\n')
      .slice(1)
      .filter((line) => Array.from(line).length > 80);
    t.deepEqual(long, []);
  }
});

test('sizes by type and the kernel add up in JSON, and the KV cache grows with the context', async (t) => {
  const model = await inspectJson(fixture('tiny-Q8_0.gguf'), '--context', '100');
  const total = model.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  t.is(
    model.types.reduce((sum, { bytes }) => sum + bytes, 0),
    total,
  );
  t.is(
    model.types.reduce((sum, { tensors }) => sum + tensors, 0),
    model.tensors.length,
  );
  const twice = await inspectJson(fixture('tiny-Q8_0.gguf'), '--context', '200');
  if (!model.kernel.supported || !twice.kernel.supported) {
    t.fail('the kernel runs this model');
    return;
  }
  t.is(model.kernel.tensorBytes, total);
  t.is(model.kernel.context, 100);
  t.true(twice.kernel.kvCacheBytes >= 1.9 * model.kernel.kvCacheBytes);
});

test('a model that the kernel does not run is shown all the same, with the reason', async (t) => {
  const { kernel } = await inspectJson(writeUnsupportedType(folder));
  t.true(!kernel.supported && kernel.reason.code === 'unsupported-type');
});

test('a vocabulary without a model is shown as what it is', async (t) => {
  const path = join(folder, 'vocabulary.gguf');
  const header = writeHeader(
    [
      ['general.architecture', { type: 'string', value: 'llama' }],
      ['llama.block_count', { type: 'u32', value: 32 }],
      ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
      ['tokenizer.ggml.tokens', { type: 'strings', value: ['a', 'b', 'ab'] }],
      ['tokenizer.ggml.merges', { type: 'strings', value: ['a b'] }],
    ],
    [],
    32,
  );
  writeFileSync(path, header);
  const { code, stdout } = await weighbridge(['inspect', path]);
  t.is(code, 0);
  t.regex(stdout, /tokenizer\.ggml\.tokens +3 × string\n/);
  t.regex(stdout, /Tensors \(0\)\n/);
  t.regex(stdout, /the file holds no tensors: it is a\s+vocabulary alone/);
});

test('what a file says cannot steer the terminal', async (t) => {
  const path = join(folder, 'escape.gguf');
  const evil = 'x\u001b[2J\u0007\nfake line';
  writeFileSync(
    path,
    fileOf(
      [
        ...sound.metadata,
        ['general.name', { type: 'string', value: evil }],
        [`k${evil}`, { type: 'string', value: '' }],
      ],
      [{ ...sound.tensors[0]!, name: `t${evil}` }, sound.tensors[1]!],
    ),
  );
  const { code, stdout } = await weighbridge(['inspect', path]);
  t.is(code, 0);
  t.notRegex(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/);
  t.notRegex(stdout, /^fake line/m);
});

test('a bad file or number is one line and exit code 2', async (t) => {
  const truncated = join(folder, 'truncated.gguf');
  writeFileSync(truncated, fileOf(sound.metadata, sound.tensors).subarray(0, 60));
  for (const args of [
    [truncated],
    [join(folder, 'absent.gguf')],
    [folder],
    [fixture('tiny-Q8_0.gguf'), '--context', '0'],
  ]) {
    const { code, stdout, stderr } = await weighbridge(['inspect', ...args]);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
  }
});
