/** The samples of each cell as tinybench describes them, for readers who know its numbers. */
import { Bench } from 'tinybench';
import { cellKey } from '../plan/blocks.js';
import type { Sample } from '../samples/record.js';
import type { ReplayedCell } from './summary-types.js';

/** Replays recorded durations, one Task a cell. Cells without an ok sample of the time pass are left out. */
export async function replay(
  samples: readonly Sample[],
  durationMs: (sample: Sample) => number | null,
): Promise<readonly ReplayedCell[]> {
  const cells = new Map<string, { readonly first: Sample; readonly durations: number[] }>();
  for (const sample of samples) {
    const duration = durationMs(sample);
    if (sample.pass !== 'time' || duration === null) continue;
    const key = cellKey({ ...sample, arm: sample.arm.id });
    const cell = cells.get(key) ?? { first: sample, durations: [] };
    cell.durations.push(duration);
    cells.set(key, cell);
  }
  const result: ReplayedCell[] = [];
  for (const [key, { first, durations }] of cells) {
    const bench = new Bench({ iterations: durations.length, time: 0, warmup: false, retainSamples: true });
    let next = 0;
    // tinybench would take its own timer for an invalid duration; these were validated when they were recorded.
    bench.add(key, () => ({ overriddenDuration: durations[next++] ?? 0 }), { async: false });
    await bench.run();
    const outcome = bench.getTask(key)?.result;
    if (outcome?.state !== 'completed') throw new Error(`tinybench did not complete the replay of ${key}`);
    const { latency } = outcome;
    result.push({
      arm: first.arm.id,
      state: first.state,
      memoryState: first.memoryState,
      load: first.load,
      samples: durations.length,
      mean: latency.mean,
      p50: latency.p50,
      p75: latency.p75,
      p99: latency.p99,
      min: latency.min,
      max: latency.max,
      sd: durations.length > 1 ? latency.sd : null,
    });
  }
  return result;
}
