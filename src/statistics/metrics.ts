/** What paired samples are compared by: costs and counters, of which less is better. */
import type { GateMetric, Memory, Phase } from '../samples/record.js';
import type { OkSample } from './pairs.js';

/** Of those that how much was loaded before does not move. */
export const METRICS = ['ttft', 'complete', 'decode'] as const;

export type Metric = (typeof METRICS)[number];

/** Of a program of the user's own, which tells neither tokens nor phases. */
export const COMMAND_METRICS = ['wall', 'first-byte', 'token'] as const;

/** What hardly varies between equals, and so has thresholds of its own. Of the time pass. */
export const COUNTERS = ['read-bytes', 'faults', 'page-tables', 'unreclaimable', 'peak-memory'] as const;

export type Counter = (typeof COUNTERS)[number];

export function isCounter(metric: GateMetric): metric is Counter {
  return COUNTERS.some((counter) => counter === metric);
}

/**
 * As much of a counter as is nothing: it is added to both sides, so that a few pages more than none are no multiple. Bytes,
 * and of faults their number.
 */
export const NEGLIGIBLE: Readonly<Record<Counter, number>> = {
  'read-bytes': 2 ** 20,
  faults: 64,
  'page-tables': 2 ** 18,
  unreclaimable: 2 ** 20,
  'peak-memory': 2 ** 20,
};

/** Nanoseconds, bytes or counts as they were measured; seconds a token for decode and token. */
const values: Readonly<Record<GateMetric, (sample: OkSample) => number | null>> = {
  ttft: ({ ttftNs }) => ttftNs,
  complete: ({ completeNs }) => completeNs,
  // Tokens a second turned round, so that more is worse as everywhere.
  decode: ({ tokensPerSecond }) => inverse(tokensPerSecond?.decode ?? null),
  wall: ({ command }) => command?.wallNs ?? null,
  'first-byte': ({ command }) => command?.firstByteNs ?? null,
  token: ({ command }) => inverse(command?.matched ?? null),
  'read-bytes': (sample) =>
    sample.command == null ? sumOfPhases(sample, ({ readBytes }) => readBytes) : sample.command.readBytes,
  faults: (sample) =>
    sample.command == null
      ? sumOfPhases(sample, ({ minorFaults, majorFaults }) => minorFaults + majorFaults)
      : sample.command.minorFaults + sample.command.majorFaults,
  'page-tables': (sample) => growthOf(sample, ({ pageTables }) => pageTables),
  unreclaimable: (sample) => growthOf(sample, held),
  'peak-memory': ({ command }) => command?.peakRss ?? null,
};

function inverse(rate: number | null): number | null {
  return rate === null || rate <= 0 ? null : 1 / rate;
}

/** From the start until every tensor byte was read. */
function sumOfPhases({ phases }: OkSample, of: (phase: Phase) => number | null): number | null {
  if (phases === null) return null;
  const parts = [phases.open, phases.acquire, phases.firstToken, phases.complete].map(of);
  return sum(parts);
}

/** At the end of the sample, its weights still held, beyond what the runtime held before. */
function growthOf({ memory }: OkSample, of: (memory: Memory) => number | null): number | null {
  const [before, after] = memory === null ? [null, null] : [of(memory.baseline), of(memory.end)];
  return before === null || after === null ? null : Math.max(0, after - before);
}

/** Of one process: what of it only swap or its end gives back. */
function held({ anonymous, shmem, hugetlb, swap, pageTables }: Memory): number | null {
  return sum([anonymous, shmem, hugetlb, swap, pageTables]);
}

function sum(parts: readonly (number | null)[]): number | null {
  return parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);
}

/** As it was measured; null where the sample does not have it. */
export function valueOf(sample: OkSample, metric: GateMetric): number | null {
  return values[metric](sample);
}

/** What is compared, above 0; null where the sample does not have it. Of a counter, with what of it is negligible. */
export function costOf(sample: OkSample, metric: GateMetric): number | null {
  const value = valueOf(sample, metric);
  if (isCounter(metric)) return value === null ? null : costOfCounter(value, metric);
  return value !== null && value > 0 ? value : null;
}

export function costOfCounter(value: number, counter: Counter): number {
  return value + NEGLIGIBLE[counter];
}
