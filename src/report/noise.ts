/** The noise of a machine in words and numbers, for people. Pure. */
import { printable } from '../failure.js';
import type { Ledger } from '../samples/record.js';
import { AUTOCORRELATED } from '../statistics/autocorrelation.js';
import { METRICS, type Metric } from '../statistics/metrics.js';
import { LEAST_FOR_FLOOR } from '../statistics/noise-floor.js';
import type { MetricNoise, NoiseLook, NoiseRecord } from '../statistics/noise.js';
import { LOOKS } from '../statistics/sign-test.js';
import { counted, duration, enumeration, percent, ratio, size } from './format.js';
import { memoryCondition } from './free-memory.js';
import { machineLine } from './notes.js';

export interface NoiseReport {
  readonly heading: readonly string[];
  /** Names of the columns: of all rows, of the noise floors, of the smallest slowdowns, and the rest. */
  readonly columns: readonly string[];
  /** Above columns: a text, and how many of them it spans. */
  readonly spans: readonly (readonly [text: string, columns: number])[];
  readonly sections: readonly { readonly heading: string; readonly rows: readonly (readonly string[])[] }[];
  readonly legend: readonly (readonly [term: string, meaning: string])[];
  readonly notes: readonly string[];
}

export const METRIC_NAMES: Readonly<Record<Metric, string>> = {
  ttft: 'first token',
  complete: 'complete',
  decode: 'decode step',
};

const NOTHING = '–';

export function noiseReport(records: readonly NoiseRecord[], ledger: Ledger): NoiseReport {
  const [first] = records;
  const model = Object.values(ledger.run.models)[0];
  const facts = [
    first === undefined ? '' : `${first.provenance.loader} against itself`,
    model?.path.split('/').at(-1) ?? '',
    model === undefined ? '' : `${size(model.tensorBytes)} of tensors`,
    model === undefined ? '' : [model.fileSystem, model.device].filter((text) => text !== '').join(' on '),
  ];
  const family = first?.family ?? 1;
  return {
    heading: [printable(facts.filter((fact) => fact !== '').join(' · ')), machineLine(ledger.run.machine)],
    columns: ['metric', ...LOOKS.map(String), ...LOOKS.map(String), 'lag-1', 'a minute', 'last/first'],
    spans: [
      ['', 1],
      ['noise floor of n', LOOKS.length],
      ['slowdown seen by n', LOOKS.length],
      ['', 1],
      ['drift', 2],
    ],
    sections: records.map((record) => ({
      heading: [
        record.key.state.toUpperCase(),
        memoryCondition(record.key.memoryState, ledger),
        `${counted(fewestPairs(record), 'pair')} of ${counted(record.rounds, 'round')}`,
      ].join(' · '),
      rows: METRICS.map((metric) => [METRIC_NAMES[metric], ...cellsOf(record.metrics[metric])]),
    })),
    legend: [
      ['noise floor', 'so far apart equals come out in 1 of 100 medians of n pairs: no smaller difference is one'],
      [
        'slowdown seen',
        `the smallest that n pairs find in 95 of 100 cases, in a gate of ${counted(family, 'comparison')} as these; ${NOTHING} where n pairs can find none`,
      ],
      ['lag-1', `how alike neighbouring pairs are; above ${AUTOCORRELATED} a verdict averages each two`],
      [
        'drift',
        `of the time itself, which pairs of neighbours do not see: a minute, and last third ÷ first third; ${NOTHING} where samples lie within less than a minute, or are too few`,
      ],
    ],
    notes: records.flatMap(notesOf).map(printable),
  };
}

/** Of the metrics that have any: without generated tokens no pair has a decode step. */
function fewestPairs({ metrics }: NoiseRecord): number {
  const some = METRICS.map((metric) => metrics[metric].pairs).filter((pairs) => pairs > 0);
  return some.length === 0 ? 0 : Math.min(...some);
}

function cellsOf({ looks, lagOne, driftPerMinute, lastToFirst }: MetricNoise): readonly string[] {
  const relative = (value: number | null): string => (value === null ? NOTHING : percent(value));
  const each = (of: (look: NoiseLook) => number | null): readonly string[] =>
    LOOKS.map((pairs) => {
      const look = looks.find((one) => one.pairs === pairs);
      return relative(look === undefined ? null : of(look));
    });
  return [
    ...each(({ noiseFloor }) => noiseFloor),
    ...each(({ smallestInFamily }) => smallestInFamily),
    lagOne === null ? NOTHING : signed(lagOne, (value) => value.toFixed(2)),
    driftPerMinute === null ? NOTHING : signed(driftPerMinute, percent),
    lastToFirst === null ? NOTHING : ratio(lastToFirst),
  ];
}

/** A figure whose direction matters. */
function signed(value: number, text: (size: number) => string): string {
  const shown = text(Math.abs(value));
  return Number.parseFloat(shown) === 0 ? shown : `${value < 0 ? '−' : '+'}${shown}`;
}

function notesOf(record: NoiseRecord): readonly string[] {
  const { state, memoryState } = record.key;
  const where = `${state}, ${memoryState}`;
  const named = (holds: (noise: MetricNoise) => boolean): string =>
    enumeration(METRICS.filter((metric) => holds(record.metrics[metric])).map((metric) => METRIC_NAMES[metric]));
  const few = METRICS.filter((metric) => record.metrics[metric].pairs < LEAST_FOR_FLOOR);
  const short = METRICS.flatMap((metric) => {
    const { pairs, minutes = 1 } = record.metrics[metric];
    return pairs > 0 && minutes < 1 ? [minutes] : [];
  });
  const alike = named(({ lagOne }) => lagOne !== null && lagOne > AUTOCORRELATED);
  return [
    few.length === 0
      ? ''
      : `${where}: a noise floor needs ${LEAST_FOR_FLOOR} pairs, ${few.map((metric) => `${METRIC_NAMES[metric]} has ${record.metrics[metric].pairs}`).join(', ')}.`,
    short.length === 0
      ? ''
      : `${where}: all samples lie within ${duration(Math.max(...short) * 60e9)}, which tells nothing of drift over a minute.`,
    alike === '' ? '' : `${where}: neighbouring pairs are alike (${alike}): a verdict will average each two of them.`,
    ...METRICS.flatMap((metric) => {
      const { modes } = record.metrics[metric];
      if (modes === null) return [];
      const { low, high } = modes;
      const time = (seconds: number): string => duration(metric === 'decode' ? seconds * 1e9 : seconds);
      return [
        `${where}: ${METRIC_NAMES[metric]} has two modes, about ${time(low.median)} (${counted(low.n, 'sample')}) and ${time(high.median)} (${high.n}): a median between them describes nothing.`,
      ];
    }),
  ].filter((note) => note !== '');
}
