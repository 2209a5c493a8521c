/** The noise of a machine in words and numbers, for people. Pure. */
import { printable } from '../failure.js';
import type { Ledger } from '../samples/record.js';
import { AUTOCORRELATED } from '../statistics/autocorrelation.js';
import type { Metric } from '../statistics/metrics.js';
import { LEAST_FOR_FLOOR } from '../statistics/noise-floor.js';
import type { MetricNoise, NoiseLook, NoiseRecord } from '../statistics/noise.js';
import { LOOKS } from '../statistics/sign-test.js';
import { counted, duration, enumeration, percent, ratio, size } from './format.js';
import { memoryCondition } from './free-memory.js';
import { momentOf, type Moment } from './moment.js';
import { machineLine } from './notes.js';

export interface NoiseReport {
  readonly heading: readonly string[];
  readonly moment: Moment;
  /** Names of the columns: of all rows, of the noise floors, of the smallest slowdowns, and the rest. */
  readonly columns: readonly string[];
  /** Above columns: a text, and how many of them it spans. */
  readonly spans: readonly (readonly [text: string, columns: number])[];
  readonly sections: readonly { readonly heading: string; readonly rows: readonly (readonly string[])[] }[];
  readonly legend: readonly (readonly [term: string, meaning: string])[];
  readonly notes: readonly string[];
}

/** By name. Where nothing is inferred there are no decode steps. */
export function metricsOf(moment: Moment): readonly (readonly [Metric, string])[] {
  return [
    ['ttft', moment],
    ['complete', 'complete'],
    ...(moment === 'first token' ? [['decode', 'decode step'] as const] : []),
  ];
}

const NOTHING = '–';

export function noiseReport(records: readonly NoiseRecord[], ledger: Ledger): NoiseReport {
  const [first] = records;
  const moment = momentOf(Object.values(ledger.run.arms));
  const metrics = metricsOf(moment);
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
    moment,
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
      rows: metrics.map(([metric, name]) => [name, ...cellsOf(record.metrics[metric])]),
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
    notes: records.flatMap((record) => notesOf(record, metrics)).map(printable),
  };
}

/** Of the metrics that have any: without generated tokens no pair has a decode step. */
function fewestPairs({ metrics }: NoiseRecord): number {
  const some = Object.values(metrics).flatMap(({ pairs }) => (pairs > 0 ? [pairs] : []));
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

function notesOf(record: NoiseRecord, metrics: ReturnType<typeof metricsOf>): readonly string[] {
  const { state, memoryState } = record.key;
  const where = `${state}, ${memoryState}`;
  const named = (holds: (noise: MetricNoise) => boolean): string =>
    enumeration(metrics.filter(([metric]) => holds(record.metrics[metric])).map(([, name]) => name));
  const few = metrics.filter(([metric]) => record.metrics[metric].pairs < LEAST_FOR_FLOOR);
  const short = metrics.flatMap(([metric]) => {
    const { pairs, minutes = 1 } = record.metrics[metric];
    return pairs > 0 && minutes < 1 ? [minutes] : [];
  });
  const alike = named(({ lagOne }) => lagOne !== null && lagOne > AUTOCORRELATED);
  return [
    few.length === 0
      ? ''
      : `${where}: a noise floor needs ${LEAST_FOR_FLOOR} pairs, ${few.map(([metric, name]) => `${name} has ${record.metrics[metric].pairs}`).join(', ')}.`,
    short.length === 0
      ? ''
      : `${where}: all samples lie within ${duration(Math.max(...short) * 60e9)}, which tells nothing of drift over a minute.`,
    alike === '' ? '' : `${where}: neighbouring pairs are alike (${alike}): a verdict will average each two of them.`,
    ...metrics.flatMap(([metric, name]) => {
      const { modes } = record.metrics[metric];
      if (modes === null) return [];
      const { low, high } = modes;
      const time = (seconds: number): string => duration(metric === 'decode' ? seconds * 1e9 : seconds);
      return [
        `${where}: ${name} has two modes, about ${time(low.median)} (${counted(low.n, 'sample')}) and ${time(high.median)} (${high.n}): a median between them describes nothing.`,
      ];
    }),
  ].filter((note) => note !== '');
}
