/** Tiny models of the LLaMA family, one for each thing that sets a relative apart. Their weights are made up. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeHeader, type HeaderTensor, type HeaderValue } from '../../src/synthetic/gguf-writer.js';

export interface FamilyModel {
  readonly name: string;
  readonly architecture: 'llama' | 'qwen2' | 'qwen3';
  /** Without the architecture. */
  readonly metadata?: Readonly<Record<string, HeaderValue>>;
  readonly keyLength?: number;
  readonly layers?: number;
  /** Of vectors beside those that every model has: of each layer, and of the whole. */
  readonly layerVectors?: Readonly<Record<string, (sizes: Sizes) => number>>;
  readonly vectors?: Readonly<Record<string, (sizes: Sizes) => number>>;
}

interface Sizes {
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
  readonly head: number;
}

const WIDTH = 64;
const HEADS = 4;
const KV_HEADS = 2;
const FEED_FORWARD = 96;
export const VOCABULARY = 48;
const ALIGNMENT = 32;
const F32 = 0;

const u32 = (value: number): HeaderValue => ({ type: 'u32', value });
const f32 = (value: number): HeaderValue => ({ type: 'f32', value });
const text = (value: string): HeaderValue => ({ type: 'string', value });

const biases = {
  'attn_q.bias': ({ queries }: Sizes) => queries,
  'attn_k.bias': ({ keys }: Sizes) => keys,
  'attn_v.bias': ({ keys }: Sizes) => keys,
};
const factorSets = {
  'rope_factors_short.weight': ({ head }: Sizes) => head / 2,
  'rope_factors_long.weight': ({ head }: Sizes) => head / 2,
};
const longrope = (original: number): Readonly<Record<string, HeaderValue>> => ({
  'rope.scaling.type': text('longrope'),
  'rope.scaling.original_context_length': u32(original),
  'rope.scaling.attn_factor': f32(1.2),
});

export const family: readonly FamilyModel[] = [
  { name: 'llama', architecture: 'llama' },
  {
    name: 'llama-biases',
    architecture: 'llama',
    layerVectors: { ...biases, 'attn_output.bias': ({ width }) => width },
  },
  { name: 'llama-rope-freqs', architecture: 'llama', vectors: { 'rope_freqs.weight': ({ head }) => head / 2 } },
  {
    name: 'llama-linear',
    architecture: 'llama',
    metadata: { 'rope.scaling.type': text('linear'), 'rope.scaling.factor': f32(4) },
  },
  {
    name: 'llama-yarn',
    architecture: 'llama',
    metadata: {
      'rope.scaling.type': text('yarn'),
      'rope.scaling.factor': f32(8),
      'rope.scaling.original_context_length': u32(512),
    },
  },
  {
    name: 'llama-yarn-attention',
    architecture: 'llama',
    metadata: {
      'rope.scaling.type': text('yarn'),
      'rope.scaling.factor': f32(4),
      'rope.scaling.original_context_length': u32(1024),
      'rope.scaling.attn_factor': f32(0.8),
    },
  },
  { name: 'llama-longrope-short', architecture: 'llama', metadata: longrope(4096), vectors: factorSets },
  { name: 'llama-longrope-long', architecture: 'llama', metadata: longrope(16), vectors: factorSets },
  { name: 'qwen2', architecture: 'qwen2', layerVectors: biases },
  {
    name: 'qwen2-yarn',
    architecture: 'qwen2',
    layerVectors: biases,
    metadata: {
      'rope.scaling.type': text('yarn'),
      'rope.scaling.factor': f32(4),
      'rope.scaling.original_context_length': u32(256),
    },
  },
  {
    name: 'qwen3',
    architecture: 'qwen3',
    keyLength: 32,
    layerVectors: { 'attn_q_norm.weight': ({ head }) => head, 'attn_k_norm.weight': ({ head }) => head },
  },
];

/** The same numbers in −1…1 for the same name. */
function* noise(name: string): Generator<number> {
  let state = Buffer.from(name).reduce((hash, byte) => Math.imul(hash ^ byte, 16777619), 2166136261);
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    yield (state >> 8) / 2 ** 23;
  }
}

function weightsOf(name: string, shape: readonly number[]): Buffer {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const from = noise(name);
  const around = /norm\.weight$|^rope_/.test(name) ? 1.5 : 0;
  const spread = shape.length === 2 ? 2 / Math.sqrt(shape[0] ?? 1) : 0.5;
  for (let i = 0; i < values.length; i++) values[i] = around + spread * (from.next().value as number);
  return Buffer.from(values.buffer);
}

/** Writes the model to `folder`; returns its path. */
export function writeFamilyModel(folder: string, model: FamilyModel): string {
  const { name, architecture, keyLength = WIDTH / HEADS, layers = 2, metadata = {} } = model;
  const sizes: Sizes = { queries: HEADS * keyLength, keys: KV_HEADS * keyLength, width: WIDTH, head: keyLength };
  const { queries, keys } = sizes;
  const shapes: [string, readonly number[]][] = [['token_embd.weight', [WIDTH, VOCABULARY]]];
  for (const [vector, size] of Object.entries(model.vectors ?? {})) shapes.push([vector, [size(sizes)]]);
  for (let layer = 0; layer < layers; layer++) {
    const of = (role: string): string => `blk.${layer}.${role}`;
    shapes.push(
      [of('attn_norm.weight'), [WIDTH]],
      [of('attn_q.weight'), [WIDTH, queries]],
      [of('attn_k.weight'), [WIDTH, keys]],
      [of('attn_v.weight'), [WIDTH, keys]],
      [of('attn_output.weight'), [queries, WIDTH]],
      [of('ffn_norm.weight'), [WIDTH]],
      [of('ffn_gate.weight'), [WIDTH, FEED_FORWARD]],
      [of('ffn_up.weight'), [WIDTH, FEED_FORWARD]],
      [of('ffn_down.weight'), [FEED_FORWARD, WIDTH]],
    );
    for (const [vector, size] of Object.entries(model.layerVectors ?? {})) shapes.push([of(vector), [size(sizes)]]);
  }
  shapes.push(['output_norm.weight', [WIDTH]], ['output.weight', [WIDTH, VOCABULARY]]);
  const tensors: HeaderTensor[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [tensor, shape] of shapes) {
    tensors.push({ name: tensor, shape, type: F32, offset });
    const weights = weightsOf(tensor, shape);
    const padding = Buffer.alloc((ALIGNMENT - (weights.length % ALIGNMENT)) % ALIGNMENT);
    data.push(weights, padding);
    offset += weights.length + padding.length;
  }
  const header = writeHeader(
    [
      ['general.architecture', text(architecture)],
      ['general.alignment', u32(ALIGNMENT)],
      ['tokenizer.ggml.model', text('no_vocab')],
      ...Object.entries({
        context_length: u32(2048),
        embedding_length: u32(WIDTH),
        block_count: u32(layers),
        feed_forward_length: u32(FEED_FORWARD),
        'attention.head_count': u32(HEADS),
        'attention.head_count_kv': u32(KV_HEADS),
        'attention.key_length': u32(keyLength),
        'attention.value_length': u32(keyLength),
        'attention.layer_norm_rms_epsilon': f32(1e-5),
        'rope.dimension_count': u32(keyLength),
        'rope.freq_base': f32(10000),
        vocab_size: u32(VOCABULARY),
        ...metadata,
      }).map(([key, value]) => [`${architecture}.${key}`, value] as const),
    ],
    tensors,
    ALIGNMENT,
  );
  const path = join(folder, `${name}.gguf`);
  writeFileSync(path, Buffer.concat([header, ...data]));
  return path;
}
