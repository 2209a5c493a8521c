/** What the files of a synthetic model contain, decided before a byte is written. */
import { failWith } from '../failure.js';
import type { SynthesisFile, SynthesisTensor, SynthesisType } from '../native.js';
import { writeHeader, type HeaderValue } from './gguf-writer.js';
import { shapeNames, shapes, type ShapeName, type SyntheticShape } from './shapes.js';
import { makeVocabulary } from './vocabulary.js';
import { fileTypeOf, layouts, matrixType, type Place, type WeightType } from './weight-types.js';

/** GGUF's default, which llama.cpp assumes of parts that do not name one. */
const alignment = 32;

interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: SynthesisType;
  readonly fill: 'ones' | 'normal';
  readonly deviation: number;
  readonly bytes: number;
  readonly stream: number;
}

export interface SyntheticModel {
  readonly shape: ShapeName;
  readonly type: WeightType;
  readonly seed: number;
  /** Number of files. */
  readonly split: number;
}

/**
 * Every tensor, in the order in which the forward pass uses them. Matrices have a standard deviation of 1/√fan-in and
 * those that add to the residual stream one smaller by √(2 × layers), so that activations neither vanish nor grow with
 * depth (Radford et al. 2019, section 2.3).
 */
function planTensors(shape: SyntheticShape, type: WeightType): PlannedTensor[] {
  const { layers, width, feedForward, vocabulary } = shape;
  const kvWidth = (width / shape.heads) * shape.kvHeads;
  const tensors: PlannedTensor[] = [];
  const add = (
    name: string,
    dimensions: readonly number[],
    layout: SynthesisType,
    deviation: number | 'ones',
  ): void => {
    const { blockElements, blockBytes } = layouts[layout];
    tensors.push({
      name: `${name}.weight`,
      shape: dimensions,
      layout,
      fill: deviation === 'ones' ? 'ones' : 'normal',
      deviation: deviation === 'ones' ? 0 : deviation,
      bytes: (dimensions.reduce((product, dimension) => product * dimension, 1) / blockElements) * blockBytes,
      stream: tensors.length,
    });
  };
  const norm = (name: string): void => {
    add(name, [width], 'F32', 'ones');
  };
  const matrix = (name: string, columns: number, rows: number, deviation: number, place: Place = 'any'): void => {
    add(name, [columns, rows], matrixType(type, place), deviation);
  };

  const into = 1 / Math.sqrt(width);
  const residual = 1 / Math.sqrt(2 * layers);
  // Twice 1/√width where logits are made: they then spread over about ±8, as those of a trained model.
  matrix('token_embd', width, vocabulary, shape.tied ? 2 * into : 1, shape.tied ? 'output' : 'any');
  for (let layer = 0; layer < layers; layer += 1) {
    const block = `blk.${layer}`;
    const place = { layer, of: layers };
    norm(`${block}.attn_norm`);
    matrix(`${block}.attn_q`, width, width, into);
    matrix(`${block}.attn_k`, width, kvWidth, into);
    matrix(`${block}.attn_v`, width, kvWidth, into, place);
    matrix(`${block}.attn_output`, width, width, into * residual);
    norm(`${block}.ffn_norm`);
    matrix(`${block}.ffn_gate`, width, feedForward, into);
    matrix(`${block}.ffn_up`, width, feedForward, into);
    matrix(`${block}.ffn_down`, feedForward, width, residual / Math.sqrt(feedForward), place);
  }
  norm('output_norm');
  if (!shape.tied) matrix('output', width, vocabulary, 2 * into, 'output');
  return tensors;
}

function planMetadata(model: SyntheticModel, shape: SyntheticShape): [string, HeaderValue][] {
  const u32 = (value: number): HeaderValue => ({ type: 'u32', value });
  const f32 = (value: number): HeaderValue => ({ type: 'f32', value });
  const text = (value: string): HeaderValue => ({ type: 'string', value });
  const { tokens, scores, types } = makeVocabulary(shape.vocabulary);
  return [
    ['general.architecture', text('llama')],
    ['general.name', text(`synthetic ${model.shape} seed ${model.seed}`)],
    ['general.alignment', u32(alignment)],
    ['general.file_type', u32(fileTypeOf(model.type))],
    ['general.quantization_version', u32(2)],
    ['llama.context_length', u32(shape.context)],
    ['llama.embedding_length', u32(shape.width)],
    ['llama.block_count', u32(shape.layers)],
    ['llama.feed_forward_length', u32(shape.feedForward)],
    ['llama.attention.head_count', u32(shape.heads)],
    ['llama.attention.head_count_kv', u32(shape.kvHeads)],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['llama.rope.dimension_count', u32(shape.width / shape.heads)],
    ['llama.rope.freq_base', f32(10000)],
    ['llama.vocab_size', u32(shape.vocabulary)],
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.pre', text('default')],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.scores', { type: 'f32s', value: scores }],
    ['tokenizer.ggml.token_type', { type: 'i32s', value: types }],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
    ['tokenizer.ggml.unknown_token_id', u32(0)],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: false }],
  ];
}

/** Consecutive runs of about equal bytes, none empty. */
function divide(tensors: readonly PlannedTensor[], parts: number): PlannedTensor[][] {
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const runs: PlannedTensor[][] = [[]];
  let before = 0;
  tensors.forEach((tensor, index) => {
    const run = runs[runs.length - 1] as PlannedTensor[];
    const full = before + tensor.bytes / 2 > (total * runs.length) / parts;
    const mustOpen = tensors.length - index <= parts - runs.length;
    if (run.length > 0 && runs.length < parts && (full || mustOpen)) runs.push([tensor]);
    else run.push(tensor);
    before += tensor.bytes;
  });
  return runs;
}

const padded = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Of `parts` files: `path` itself if it is one, else NAME-00001-of-00003.gguf and so on, as llama.cpp names them. */
export function partPaths(path: string, parts: number): string[] {
  if (parts === 1) return [path];
  const five = (value: number): string => String(value).padStart(5, '0');
  const stem = path.replace(/\.gguf$/, '');
  return Array.from({ length: parts }, (_, index) => `${stem}-${five(index + 1)}-of-${five(parts)}.gguf`);
}

/** How many tensors a model of the shape has: the most parts into which it can be split. */
export function tensorCount(name: ShapeName): number {
  return planTensors(shapes[name], 'f32').length;
}

/** A row of a matrix is a whole number of blocks. */
function fits({ width, feedForward }: SyntheticShape, type: WeightType): boolean {
  const { blockElements } = layouts[matrixType(type, 'any')];
  return width % blockElements === 0 && feedForward % blockElements === 0;
}

/** Throws an error with the code bad-option. */
function checkRows({ shape, type }: SyntheticModel): void {
  if (fits(shapes[shape], type)) return;
  const { blockElements } = layouts[matrixType(type, 'any')];
  const { width, feedForward } = shapes[shape];
  const others = shapeNames.filter((name) => fits(shapes[name], type));
  throw failWith({
    code: 'bad-option',
    operation: 'plan',
    message: `${type} takes rows of a multiple of ${blockElements} weights, and those of ${shape} have ${width} and ${feedForward}`,
    remedy: `choose another type, such as q4_0 or q8_0, or another shape (${others.join(', ')})`,
  });
}

/**
 * The files of a model at `path`, or beside it where it is split into parts. Throws an error with the code bad-option for a
 * type of which no row of the shape can be made.
 */
export function planFiles(path: string, model: SyntheticModel): SynthesisFile[] {
  checkRows(model);
  const shape: SyntheticShape = shapes[model.shape];
  const tensors = planTensors(shape, model.type);
  const paths = partPaths(path, model.split);
  return divide(tensors, model.split).map((run, index): SynthesisFile => {
    const metadata: [string, HeaderValue][] = index === 0 ? planMetadata(model, shape) : [];
    if (model.split > 1) {
      metadata.push(['split.no', { type: 'u16', value: index }]);
      metadata.push(['split.count', { type: 'u16', value: model.split }]);
      metadata.push(['split.tensors.count', { type: 'i32', value: tensors.length }]);
    }
    const starts: number[] = [];
    let end = 0;
    for (const tensor of run) {
      starts.push(end);
      end += padded(tensor.bytes);
    }
    const header = writeHeader(
      metadata,
      run.map((tensor, i) => ({ ...tensor, type: layouts[tensor.layout].type, offset: starts[i] as number })),
      alignment,
    );
    return {
      path: paths[index] as string,
      header,
      bytes: header.length + end,
      seed: model.seed,
      tensors: run.map((tensor, i): SynthesisTensor => ({
        offset: header.length + (starts[i] as number),
        bytes: tensor.bytes,
        type: tensor.layout,
        fill: tensor.fill,
        deviation: tensor.deviation,
        stream: tensor.stream,
      })),
    };
  });
}
