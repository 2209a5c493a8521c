/** Types of weights that a synthetic model can have. */
import type { SynthesisType } from '../native.js';

export interface TensorLayout {
  /** ggml's number of the type. */
  readonly type: number;
  readonly blockElements: number;
  readonly blockBytes: number;
}

/** Source: ggml/include/ggml.h and ggml/src/ggml-common.h of the ggml project. */
export const layouts: Readonly<Record<SynthesisType, TensorLayout>> = {
  F32: { type: 0, blockElements: 1, blockBytes: 4 },
  F16: { type: 1, blockElements: 1, blockBytes: 2 },
  BF16: { type: 30, blockElements: 1, blockBytes: 2 },
  Q4_0: { type: 2, blockElements: 32, blockBytes: 18 },
  Q4_1: { type: 3, blockElements: 32, blockBytes: 20 },
  Q5_0: { type: 6, blockElements: 32, blockBytes: 22 },
  Q5_1: { type: 7, blockElements: 32, blockBytes: 24 },
  Q8_0: { type: 8, blockElements: 32, blockBytes: 34 },
  IQ4_NL: { type: 20, blockElements: 32, blockBytes: 18 },
  Q2_K: { type: 10, blockElements: 256, blockBytes: 84 },
  Q3_K: { type: 11, blockElements: 256, blockBytes: 110 },
  Q4_K: { type: 12, blockElements: 256, blockBytes: 144 },
  Q5_K: { type: 13, blockElements: 256, blockBytes: 176 },
  Q6_K: { type: 14, blockElements: 256, blockBytes: 210 },
  IQ4_XS: { type: 23, blockElements: 256, blockBytes: 136 },
};

interface WeightChoice {
  /** Of the matrices. */
  readonly most: SynthesisType;
  /** Of the output, and of the values and what leaves the feed-forward network in about half of the layers. */
  readonly finer?: SynthesisType;
  /** llama.cpp's number of files that consist of it mostly: `general.file_type` (include/llama.h, llama_ftype). */
  readonly fileType: number;
}

/** By their names on the command line. */
const choices = {
  f32: { most: 'F32', fileType: 0 },
  f16: { most: 'F16', fileType: 1 },
  bf16: { most: 'BF16', fileType: 32 },
  q8_0: { most: 'Q8_0', fileType: 7 },
  q6_k: { most: 'Q6_K', fileType: 18 },
  q5_0: { most: 'Q5_0', fileType: 8 },
  q5_1: { most: 'Q5_1', fileType: 9 },
  q5_k: { most: 'Q5_K', fileType: 16 },
  q5_k_m: { most: 'Q5_K', finer: 'Q6_K', fileType: 17 },
  q4_0: { most: 'Q4_0', fileType: 2 },
  q4_1: { most: 'Q4_1', fileType: 3 },
  q4_k: { most: 'Q4_K', fileType: 14 },
  q4_k_m: { most: 'Q4_K', finer: 'Q6_K', fileType: 15 },
  iq4_nl: { most: 'IQ4_NL', fileType: 25 },
  iq4_xs: { most: 'IQ4_XS', fileType: 30 },
  q3_k: { most: 'Q3_K', fileType: 11 },
  q2_k: { most: 'Q2_K', fileType: 10 },
} as const satisfies Readonly<Record<string, WeightChoice>>;

export type WeightType = keyof typeof choices;
export const weightTypes = Object.keys(choices) as readonly WeightType[];

export const fileTypeOf = (type: WeightType): number => choices[type].fileType;

/** Whose logits are made, or which of how many layers it belongs to where llama.cpp's mixes tell layers apart. */
export type Place = 'any' | 'output' | { readonly layer: number; readonly of: number };

export function matrixType(type: WeightType, place: Place): SynthesisType {
  const { most, finer = most }: WeightChoice = choices[type];
  if (place === 'any') return most;
  return place === 'output' || isFiner(place) ? finer : most;
}

/** The first and the last eighth of the layers and every third between, as llama.cpp's `use_more_bits` has it. */
function isFiner({ layer, of }: { readonly layer: number; readonly of: number }): boolean {
  const eighth = Math.floor(of / 8);
  return layer < eighth || layer >= Math.floor((7 * of) / 8) || (layer - eighth) % 3 === 2;
}
