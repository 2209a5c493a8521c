/**
 * What `compare --json` writes, as JSON Schema (2020-12). Fields may be added within a version, as in a report; lists "by
 * run" have a place for each run, in the order of `runs`.
 */
import {
  integer,
  list,
  number,
  object,
  oneOf,
  orNull,
  ref,
  reportSchema,
  string,
  type Schema,
} from './report-schema.js';

export const COMPARE_VERSION = 1;

const { place, chart } = reportSchema['$defs'] as Readonly<Record<'place' | 'chart', Schema>>;

const median = orNull(ref('median'));
const texts = list(string);

const ratio = object(
  {
    base: { type: 'string', description: 'Name of the run that it is divided by' },
    metric: oneOf('ttft', 'complete', 'decode', 'wall'),
    value: { type: 'number', description: 'Ratio of medians, above 1 slower than the base; no verdict' },
    by: {
      ...oneOf('nothing', 'device', 'memory'),
      description: 'Ceiling that each side was divided by before: nothing on one machine, always one between two',
    },
    noiseFloor: orNull(number),
    n: integer,
    baseN: integer,
  },
  'A median ÷ that of another run',
);

const cell = object({
  work: string,
  ok: integer,
  problem: orNull(string),
  ...Object.fromEntries(
    ['load', 'firstToken', 'complete', 'wall', 'bytesPerSecond', 'decode', 'ceilingShare'].map((name) => [
      name,
      median,
    ]),
  ),
  ratios: list(ratio),
  apart: { ...orNull(string), description: 'Why it is not divided by an earlier run' },
});

const table = object({ head: texts, rows: list(texts) });

export const compareSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: `urn:weighbridge:comparison:${COMPARE_VERSION}`,
  title: 'Runs of weighbridge side by side',
  ...object({
    kind: { const: 'comparison' },
    version: { const: COMPARE_VERSION },
    title: string,
    headline: { type: 'string', description: 'The answer in one sentence' },
    runs: list(
      object({
        ...{ name: string, directory: string, startedAt: string, tool: string, machine: integer, models: texts },
        samples: object({ total: integer, excluded: integer, disturbed: integer }),
        ...{ stopped: orNull(string), command: string },
      }),
    ),
    machines: list(object({ name: string, fingerprint: string, line: string, runs: texts })),
    differences: list(object({ term: string, values: texts, text: string })),
    same: list(object({ term: string, value: string })),
    sections: list(ref('section')),
    rates: list(
      object({
        setting: orNull(string),
        state: oneOf('cold', 'warm', 'left'),
        memoryState: oneOf('backed', 'returned', 'as-is'),
        ...{ heading: string, table },
      }),
    ),
    lacks: list(object({ place: string, labels: texts, runs: texts, not: texts, text: string })),
    places: list(ref('place')),
    charts: list(ref('chart')),
    ...{ notes: texts, unknown: texts },
  }),
  $defs: {
    ...{ place, chart },
    median: object(
      { value: number, n: integer, low: number, high: number, confidence: orNull(number), text: string },
      'Median of n unpaired samples; without a confidence low and high are their range, else the exact interval',
    ),
    section: object({
      ...{ place: ref('place'), load: integer, heading: string, digest: string },
      limit: orNull(oneOf('device', 'memory')),
      runs: { ...texts, description: 'Those that weighed something here; of one alone nothing is compared' },
      answer: string,
      rows: list(
        object({ label: string, kind: oneOf('loader', 'command', 'limit'), cells: list(orNull(ref('cell'))) }),
      ),
      ...{ table, remarks: texts },
    }),
    cell,
  },
};
