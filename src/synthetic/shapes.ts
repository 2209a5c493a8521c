/** Shapes of real LLaMA-like models, so that a synthetic model loads and runs as the real one does. */

/** All counts; heads share `width` evenly. */
export interface SyntheticShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly context: number;
  /** Without an output matrix of its own, the embedding serves as one. */
  readonly tied: boolean;
}

const untied = { vocabulary: 32000, tied: false };

/**
 * `15m` and `110m` are those of karpathy/llama2.c, `1b` TinyLlama, `3b` OpenLLaMA, the larger ones LLaMA (Touvron et
 * al. 2023, table 2). `tiny` is for tests alone.
 */
export const shapes = {
  tiny: { layers: 2, width: 256, heads: 4, kvHeads: 2, feedForward: 512, vocabulary: 512, context: 512, tied: true },
  '15m': { layers: 6, width: 288, heads: 6, kvHeads: 6, feedForward: 768, context: 256, ...untied },
  '110m': { layers: 12, width: 768, heads: 12, kvHeads: 12, feedForward: 2048, context: 1024, ...untied },
  '1b': { layers: 22, width: 2048, heads: 32, kvHeads: 4, feedForward: 5632, context: 2048, ...untied },
  '3b': { layers: 26, width: 3200, heads: 32, kvHeads: 32, feedForward: 8640, context: 2048, ...untied },
  '7b': { layers: 32, width: 4096, heads: 32, kvHeads: 32, feedForward: 11008, context: 2048, ...untied },
  '13b': { layers: 40, width: 5120, heads: 40, kvHeads: 40, feedForward: 13824, context: 2048, ...untied },
  '30b': { layers: 60, width: 6656, heads: 52, kvHeads: 52, feedForward: 17920, context: 2048, ...untied },
  '65b': { layers: 80, width: 8192, heads: 64, kvHeads: 64, feedForward: 22016, context: 2048, ...untied },
} as const satisfies Readonly<Record<string, SyntheticShape>>;

export type ShapeName = keyof typeof shapes;
export const shapeNames = Object.keys(shapes) as readonly ShapeName[];
