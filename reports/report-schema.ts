/**
 * What `report --json` writes, as JSON Schema (2020-12). Fields may be added within a version: so what is not named here is
 * allowed, and a reader should not mind it. Removing or changing one makes a new version.
 */

export const REPORT_VERSION = 1;

export type Schema = Readonly<Record<string, unknown>>;

export const string: Schema = { type: 'string' };
export const number: Schema = { type: 'number' };
export const integer: Schema = { type: 'integer', minimum: 0 };
const boolean: Schema = { type: 'boolean' };
export const oneOf = (...values: readonly string[]): Schema => ({ enum: values });
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
export const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });

/** Every property is required. */
export function object(properties: Readonly<Record<string, Schema>>, description?: string): Schema {
  const told = description === undefined ? {} : { description };
  return { type: 'object', ...told, required: Object.keys(properties), properties };
}

const figure = orNull(ref('figure'));
const ratio = orNull(ref('ratio'));
const state = oneOf('cold', 'warm', 'left');
const memoryState = oneOf('backed', 'returned', 'as-is');
const moment = oneOf('first token', 'last needed byte');

const row = object({
  label: string,
  isReference: boolean,
  outcomes: object({ ok: integer, unsupported: integer, invalid: integer, mismatch: integer, failed: integer }),
  ...Object.fromEntries(
    [
      ...['load', 'firstToken', 'complete', 'bytesPerSecond', 'debt', 'unexplainedDebt', 'unreclaimable'],
      ...['peakUnreclaimable', 'reclaimable', 'prefill', 'decode'],
    ].map((name) => [name, figure]),
  ),
  ceilingShare: ratio,
  boundBy: orNull(string),
  toReference: object({ load: ratio, firstToken: ratio, complete: ratio }),
  problems: list(string),
});

export const reportSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: `urn:weighbridge:report:${REPORT_VERSION}`,
  title: 'The report of a run of weighbridge',
  ...object({
    kind: { const: 'report' },
    version: { const: REPORT_VERSION },
    headline: { type: 'string', description: 'The answer in one sentence' },
    report: ref('report'),
    places: list(ref('place')),
    charts: list(ref('chart')),
    strategy: list(object({ loaders: string, warning: string }, 'What was asked for and not had')),
    exclusions: list(
      object({ loader: string, place: string, count: integer, outcome: string, reason: string }, 'Not in the numbers'),
    ),
    samples: object({ total: integer, excluded: integer, disturbed: integer }),
    disturbances: list(object({ what: string, samples: integer })),
    unknown: list(string),
    environment: list(object({ term: string, value: string })),
    command: { type: 'string', description: 'For a shell' },
  }),
  $defs: {
    figure: object(
      { value: number, n: integer, low: orNull(number), high: orNull(number), rangeText: orNull(string), text: string },
      'Median of n samples: nanoseconds, bytes, bytes per second or tokens per second; text has it as people read it',
    ),
    ratio: object(
      {
        value: number,
        pairs: integer,
        low: number,
        high: number,
        spread: oneOf('range', 'interval'),
        confidence: orNull(number),
        values: list(number),
        text: string,
        spreadText: string,
        eachText: orNull(string),
      },
      'Median over pairs of one block; of few pairs low and high are their range, else the exact interval',
    ),
    row,
    place: object({ model: string, setting: orNull(string), state, memoryState }),
    section: object({
      model: string,
      setting: orNull(string),
      state,
      memoryState,
      conditions: string,
      moment: { ...moment, description: 'What firstToken is the time to' },
      unsupported: orNull(string),
      answer: string,
      counts: string,
      reference: orNull(string),
      rows: list(ref('row')),
      harness: orNull(ref('row')),
      bounds: list(ref('row')),
      ceiling: orNull(ref('row')),
      home: orNull(ref('row')),
      commands: orNull({ type: 'object' }),
    }),
    report: object({
      title: string,
      machine: string,
      models: list(object({ id: string, label: string, detail: string })),
      sections: list(ref('section')),
      curves: list({ type: 'object' }),
      processes: list({ type: 'object' }),
      notes: list(string),
    }),
    chart: object({
      id: { type: 'string', pattern: '^[a-z0-9]+$' },
      kind: oneOf(
        ...[
          'ratios',
          'phases',
          'order',
          'spread',
          'memory',
          'latency',
          'speed',
          'loads',
          'processes',
          'limits',
          'roofline',
          'runs',
          'shares',
          'rates',
        ],
      ),
      unit: oneOf('ms', 's', 'MiB', 'GiB', 'GB/s', 'tokens/s', 'ratio'),
      title: string,
      note: string,
      places: list(ref('place')),
      data: list(object({ part: string, loader: orNull(string), order: { type: 'integer' }, tip: string })),
      table: object({ head: list(string), rows: list(list(string)) }),
    }),
  },
};
