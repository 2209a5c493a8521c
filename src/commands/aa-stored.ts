/** What `aa` says of where its figures went: which of them a gate will find, and which it will not. */
import { hasFloor, type StoredNoise } from '../noise-store.js';
import { printable } from '../failure.js';
import { counted, enumeration } from '../report/format.js';
import type { Moment } from '../report/moment.js';
import { metricsOf } from '../report/noise.js';
import { LEAST_FOR_FLOOR } from '../statistics/noise-floor.js';
import type { NoiseRecord } from '../statistics/noise.js';
import { wrap } from '../wrap.js';

/** Begins with a blank line. A path has a line to itself; `reports` are others that were written. */
export function storedText(
  { beside, forGate }: StoredNoise,
  moment: Moment,
  reports: readonly string[],
  columns: number,
): string {
  const named = metricsOf(moment);
  const kept = forGate.flatMap(({ record, path }) => {
    if (path === null) return [];
    const metrics = named.filter(([metric]) => hasFloor(record, metric));
    return [`${placeOf(record)} (${enumeration(metrics.map(([, name]) => name))}):`, `  ${printable(path)}`];
  });
  const without = forGate.flatMap(({ record }) =>
    named
      .filter(([metric]) => !hasFloor(record, metric))
      .map(([metric, name]) => ({
        place: placeOf(record),
        text: `${name} ${counted(record.metrics[metric].pairs, 'pair')}`,
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
