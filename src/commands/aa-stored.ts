/** What `aa` says of where its figures went: which of them a gate will find, and which it will not. */
import { hasFloor, type StoredNoise } from '../noise-store.js';
import { printable } from '../failure.js';
import { counted, enumeration } from '../report/format.js';
import { METRIC_NAMES } from '../report/noise.js';
import { METRICS } from '../statistics/metrics.js';
import { LEAST_FOR_FLOOR } from '../statistics/noise-floor.js';
import type { NoiseRecord } from '../statistics/noise.js';
import { wrap } from '../wrap.js';

/** Begins with a blank line. A path has a line to itself; `reports` are others that were written. */
export function storedText({ beside, forGate }: StoredNoise, reports: readonly string[], columns: number): string {
  const kept = forGate.flatMap(({ record, path }) => {
    if (path === null) return [];
    const metrics = METRICS.filter((metric) => hasFloor(record, metric));
    return [
      `${placeOf(record)} (${enumeration(metrics.map((metric) => METRIC_NAMES[metric]))}):`,
      `  ${printable(path)}`,
    ];
  });
  const without = forGate.flatMap(({ record }) =>
    METRICS.filter((metric) => !hasFloor(record, metric)).map((metric) => ({
      place: placeOf(record),
      text: `${METRIC_NAMES[metric]} ${counted(record.metrics[metric].pairs, 'pair')}`,
    })),
  );
  const places = [...new Set(without.map(({ place }) => place))].map((place) => {
    const own = without.filter((each) => each.place === place).map(({ text }) => text);
    return `${place}: ${own.join(', ')}`;
  });
  const lacking =
    places.length === 0
      ? []
      : [
          `Not stored for a gate, since a noise floor takes ${LEAST_FOR_FLOOR} pairs: ${places.join('; ')}. These figures lie beside the ledger alone.`,
        ];
  return [
    '',
    'Written:',
    ...[beside, ...reports].map((path) => `  ${printable(path)}`),
    ...(kept.length === 0 ? [] : ['Stored for gates (ab, check) on this machine:', ...kept.map((line) => `  ${line}`)]),
    ...lacking.map((text) => wrap(text, columns)),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

const placeOf = ({ key: { state, memoryState } }: NoiseRecord): string => `${state}, ${memoryState}`;
