/** Choosing the next token from logits. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export type Choose = (logits: Float32Array) => number;

/** The token of the largest logit, the first of equals. */
export const greedy: Choose = (logits) => {
  let best = 0;
  for (let id = 1; id < logits.length; id += 1) {
    if ((logits[id] as number) > (logits[best] as number)) best = id;
  }
  return best;
};

/** Draws from softmax(logits ÷ temperature); the same seed draws the same tokens. */
export function sampler(temperature: number, seed: number): Choose {
  const random = xoroshiro128plus(seed);
  return (logits) => {
    const most = logits[greedy(logits)] as number;
    const weights = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
    let left = uniformFloat64(random) * weights.reduce((sum, weight) => sum + weight, 0);
    for (let id = 0; id < weights.length; id += 1) {
      left -= weights[id] as number;
      if (left < 0) return id;
    }
    return greedy(logits);
  };
}
