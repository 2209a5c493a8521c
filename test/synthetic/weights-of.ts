/** Weights as the kernel reads them, one by one, through the logits of a model that is made around them. */
import { writeFileSync } from 'node:fs';
import { native, type SynthesisType } from '../../src/native.js';
import { writeHeader, type HeaderTensor, type HeaderValue } from '../../src/synthetic/gguf-writer.js';
import { layouts } from '../../src/synthetic/weight-types.js';
import { open } from '../kernel/models.js';

const ALIGNMENT = 32;
const EPSILON = 1e-5;

export interface Matrix {
  readonly type: SynthesisType;
  readonly columns: number;
  readonly rows: number;
  /** As they lie in a file. */
  readonly data: Buffer;
}

/**
 * The matrix becomes the output of a model whose only layer adds nothing and whose i-th token is embedded as the i-th unit
 * vector: that token's logits are the i-th column, times what the norm makes of a unit vector. Written to `path`.
 */
export function weightsOf({ type, columns, rows, data }: Matrix, path: string): Float64Array {
  const vocabulary = Math.max(rows, columns);
  const embedding = new Float32Array(vocabulary * columns);
  for (let i = 0; i < columns; i += 1) embedding[i * columns + i] = 1;
  // Rows that are missing are zero in every type.
  const output = Buffer.concat([data, Buffer.alloc((data.length / rows) * (vocabulary - rows))]);
  const ones = (count: number): Buffer => Buffer.from(new Float32Array(count).fill(1).buffer);
  const zeros = (shape: readonly [number, number]): Buffer => Buffer.alloc(4 * shape[0] * shape[1]);
  const feedForward = 32;
  const matrices = {
    attn_q: [columns, columns],
    attn_k: [columns, columns],
    attn_v: [columns, columns],
    attn_output: [columns, columns],
    ffn_gate: [columns, feedForward],
    ffn_up: [columns, feedForward],
    ffn_down: [feedForward, columns],
  } as const;
  const contents: [name: string, type: SynthesisType, shape: readonly number[], content: Buffer][] = [
    ['token_embd', 'F32', [columns, vocabulary], Buffer.from(embedding.buffer)],
    ['blk.0.attn_norm', 'F32', [columns], ones(columns)],
    ['blk.0.ffn_norm', 'F32', [columns], ones(columns)],
    ...Object.entries(matrices).map(([name, shape]): (typeof contents)[number] => [
      `blk.0.${name}`,
      'F32',
      shape,
      zeros(shape),
    ]),
    ['output_norm', 'F32', [columns], ones(columns)],
    ['output', type, [columns, vocabulary], output],
  ];
  const tensors: HeaderTensor[] = [];
  const body: Buffer[] = [];
  let offset = 0;
  for (const [name, layout, shape, content] of contents) {
    tensors.push({ name: `${name}.weight`, type: layouts[layout].type, shape, offset });
    const padding = Buffer.alloc((ALIGNMENT - (content.length % ALIGNMENT)) % ALIGNMENT);
    body.push(content, padding);
    offset += content.length + padding.length;
  }
  const u32 = (value: number): HeaderValue => ({ type: 'u32', value });
  const header = writeHeader(
    [
      ['general.architecture', { type: 'string', value: 'llama' }],
      ['general.alignment', u32(ALIGNMENT)],
      ['llama.context_length', u32(vocabulary)],
      ['llama.embedding_length', u32(columns)],
      ['llama.block_count', u32(1)],
      ['llama.feed_forward_length', u32(feedForward)],
      ['llama.attention.head_count', u32(4)],
      ['llama.attention.layer_norm_rms_epsilon', { type: 'f32', value: EPSILON }],
      ['llama.vocab_size', u32(vocabulary)],
    ],
    tensors,
    ALIGNMENT,
  );
  writeFileSync(path, Buffer.concat([header, ...body]));
  const session = open(path, { context: columns });
  const tokens = Array.from({ length: columns }, (_, i) => i);
  const logits = session.forward(tokens, 0, columns);
  session.close();
  const normalized = 1 / Math.sqrt(1 / columns + EPSILON);
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return (logits[column * vocabulary + row] ?? NaN) / normalized;
  });
}

/** A matrix of a model of one file, by name without ".weight". */
export function matrixOf(path: string, name: string, file: Buffer): Matrix {
  const { tensors } = native().inspect(path, { arrays: false, digest: false });
  const tensor = tensors.find((candidate) => candidate.name === `${name}.weight`);
  if (tensor === undefined) throw new Error(`${path} has no ${name}`);
  const [columns = 0, rows = 0] = tensor.shape;
  const { offset, bytes, type } = tensor;
  return { type: type as SynthesisType, columns, rows, data: file.subarray(offset, offset + bytes) };
}
