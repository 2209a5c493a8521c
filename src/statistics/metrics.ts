/** What paired samples are compared by: costs, of which less is better. */
import type { OkSample } from './pairs.js';

/** Of those that how much was loaded before does not move. */
export const METRICS = ['ttft', 'complete', 'decode'] as const;

export type Metric = (typeof METRICS)[number];

const costs: Readonly<Record<Metric, (sample: OkSample) => number | null>> = {
  ttft: ({ ttftNs }) => ttftNs,
  complete: ({ completeNs }) => completeNs,
  // Seconds a token: tokens a second turned round, so that more is worse as everywhere.
  decode: ({ tokensPerSecond }) =>
    tokensPerSecond === null || tokensPerSecond.decode === null || tokensPerSecond.decode <= 0
      ? null
      : 1 / tokensPerSecond.decode,
};

/** Above 0; null where the sample does not have it. */
export function costOf(sample: OkSample, metric: Metric): number | null {
  const cost = costs[metric](sample);
  return cost !== null && cost > 0 ? cost : null;
}
