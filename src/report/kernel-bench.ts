/** What a benchmark of the kernel records (`npm run bench:kernel`), and the figures that follow from it. Pure. */
import type { MachineFacts } from '../machine.js';
import type { Reason } from '../samples/record.js';
import { describe, median } from '../statistics/order.js';
import type { Description } from '../statistics/summary-types.js';

export interface BenchedModel {
  /** As `weighbridge gen --type` names it. */
  readonly type: string;
  readonly fileBytes: number;
  /** Of the weights that a pass of one token reads: of an untied embedding one row. */
  readonly passBytes: number;
  /** Of the matrices that every token of a prompt is multiplied with, and of those that its last token alone is. */
  readonly layerWeights: number;
  readonly layerBytes: number;
  readonly outputWeights: number;
  readonly outputBytes: number;
}

interface Setting {
  /** From 1. */
  readonly round: number;
  readonly type: string;
  readonly threads: number;
}

/** A process of its own each, the model in the page cache. */
export type BenchSample =
  /** Every byte of the mapped model summed, several times: what the memory can give. */
  | (Setting & { readonly kind: 'ceiling'; readonly bytes: number; readonly ns: readonly number[] })
  /** Start → first token, and the passes of single tokens after it, from an empty KV cache. */
  | (Setting & {
      readonly kind: 'decode';
      readonly isa: string;
      readonly firstTokenNs: number;
      readonly tokenNs: readonly number[];
    })
  | (Setting & { readonly kind: 'prefill'; readonly isa: string; readonly prompt: number; readonly ns: number })
  | (Setting & { readonly kind: 'failed'; readonly isa: string | null; readonly reason: Reason });

export interface KernelBench {
  readonly kind: 'kernel-bench';
  readonly schema: 1;
  readonly tool: string;
  readonly startedAt: string;
  readonly machine: MachineFacts;
  readonly runtime: { readonly node: string; readonly isas: readonly string[] };
  readonly shape: string;
  readonly rounds: number;
  /** Tokens of the prompts that are fed, and of one step of the kernel at most. */
  readonly prompts: readonly number[];
  readonly batch: number;
  readonly models: readonly BenchedModel[];
  readonly samples: readonly BenchSample[];
}

export interface PrefillFigures {
  readonly prompt: number;
  readonly tokensPerSecond: Description;
  /** Multiplications and additions of the matrices alone: attention comes to it. */
  readonly flopsPerSecond: Description;
  /** Of these, a byte of weights that is read: once each step. */
  readonly flopsPerByte: number;
}

/** Over the rounds. */
export interface BenchRow {
  readonly type: string;
  readonly isa: string;
  readonly threads: number;
  readonly decode: {
    readonly tokensPerSecond: Description;
    readonly bytesPerSecond: Description;
    readonly flopsPerByte: number;
    /** Of the ceiling of the same round and number of threads; null where none was measured. */
    readonly ofCeiling: Description | null;
    readonly firstTokenNs: Description;
  } | null;
  readonly prefill: readonly PrefillFigures[];
}

export interface CeilingRow {
  readonly type: string;
  readonly threads: number;
  readonly bytesPerSecond: Description;
}

type Of<K extends BenchSample['kind']> = Extract<BenchSample, { readonly kind: K }>;

const isKind =
  <K extends BenchSample['kind']>(kind: K) =>
  (sample: BenchSample): sample is Of<K> =>
    sample.kind === kind;

const threadCountsOf = (samples: readonly Setting[]): readonly number[] =>
  [...new Set(samples.map(({ threads }) => threads))].toSorted((a, b) => a - b);

const rateOf = ({ bytes, ns }: Of<'ceiling'>): number => (bytes * 1e9) / median(ns);

/** By type, as they were named; threads; and instruction set, slowest first. */
export function benchRows({ models, samples, prompts, batch, runtime }: KernelBench): readonly BenchRow[] {
  const ceilings = samples.filter(isKind('ceiling'));
  const measured = samples.filter((sample) => sample.kind === 'decode' || sample.kind === 'prefill');
  return models.flatMap((model) => {
    const ofType = measured.filter(({ type }) => type === model.type);
    return threadCountsOf(ofType).flatMap((threads) => {
      const ofThreads = ofType.filter((sample) => sample.threads === threads);
      const roofs = ceilings.filter((sample) => sample.type === model.type && sample.threads === threads);
      return runtime.isas.flatMap((isa): readonly BenchRow[] => {
        const own = ofThreads.filter((sample) => sample.isa === isa);
        if (own.length === 0) return [];
        const prefill = prompts.flatMap((prompt) => {
          const fed = own.filter(isKind('prefill')).filter((sample) => sample.prompt === prompt);
          return prefillOf(model, prompt, batch, fed) ?? [];
        });
        return [
          { type: model.type, isa, threads, decode: decodeOf(model, own.filter(isKind('decode')), roofs), prefill },
        ];
      });
    });
  });
}

function decodeOf(
  { passBytes, layerWeights, outputWeights }: BenchedModel,
  samples: readonly Of<'decode'>[],
  ceilings: readonly Of<'ceiling'>[],
): BenchRow['decode'] {
  const rates = samples.map(({ round, tokenNs }) => ({ round, perSecond: 1e9 / median(tokenNs) }));
  const tokensPerSecond = describe(rates.map(({ perSecond }) => perSecond));
  const bytesPerSecond = describe(rates.map(({ perSecond }) => perSecond * passBytes));
  const firstTokenNs = describe(samples.map((sample) => sample.firstTokenNs));
  if (tokensPerSecond === null || bytesPerSecond === null || firstTokenNs === null) return null;
  const shares = rates.flatMap(({ round, perSecond }) => {
    const ceiling = ceilings.find((sample) => sample.round === round);
    return ceiling === undefined ? [] : [(perSecond * passBytes) / rateOf(ceiling)];
  });
  const flopsPerByte = (2 * (layerWeights + outputWeights)) / passBytes;
  return { tokensPerSecond, bytesPerSecond, flopsPerByte, ofCeiling: describe(shares), firstTokenNs };
}

function prefillOf(
  { layerWeights, layerBytes, outputWeights, outputBytes }: BenchedModel,
  prompt: number,
  batch: number,
  samples: readonly Of<'prefill'>[],
): PrefillFigures | null {
  const flops = 2 * (prompt * layerWeights + outputWeights);
  const tokensPerSecond = describe(samples.map(({ ns }) => (prompt * 1e9) / ns));
  const flopsPerSecond = describe(samples.map(({ ns }) => (flops * 1e9) / ns));
  if (tokensPerSecond === null || flopsPerSecond === null) return null;
  const flopsPerByte = flops / (Math.ceil(prompt / batch) * layerBytes + outputBytes);
  return { prompt, tokensPerSecond, flopsPerSecond, flopsPerByte };
}

export function ceilingRows({ models, samples }: KernelBench): readonly CeilingRow[] {
  const ceilings = samples.filter(isKind('ceiling'));
  return models.flatMap(({ type }) => {
    const ofType = ceilings.filter((sample) => sample.type === type);
    return threadCountsOf(ofType).flatMap((threads) => {
      const bytesPerSecond = describe(ofType.filter((sample) => sample.threads === threads).map(rateOf));
      return bytesPerSecond === null ? [] : [{ type, threads, bytesPerSecond }];
    });
  });
}
