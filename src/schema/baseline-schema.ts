/** The published schema of the files that `baseline update` writes. Its version is `BASELINE_SCHEMA`. */
import { count, list, number, object, oneOf, ref, text, textOrNull, type Schema } from './words.js';

export const BASELINE_SCHEMA_ID = 'urn:weighbridge:baseline:1';

const state = oneOf('cold', 'warm', 'left');
const memoryState = oneOf('backed', 'returned', 'as-is');
const above: Schema = { type: 'number', exclusiveMinimum: 0 };
const some = (items: Schema): Schema => ({ ...list(items), minItems: 1 });

const figuresOf = (value: Schema): Schema =>
  object({ values: some(value), median: number, normalized: { type: ['array', 'null'], minItems: 1, items: above } });

/** A cost is never nothing; a counter may be. */
const costs = ['ttft', 'complete', 'decode', 'wall', 'first-byte', 'token'];
const counters = ['read-bytes', 'faults', 'page-tables', 'unreclaimable', 'peak-memory'];

export const baselineSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: BASELINE_SCHEMA_ID,
  title: 'Figures of a run of weighbridge that later ones are held against',
  ...object({
    kind: { const: 'baseline' },
    schema: { const: 1 },
    provenance: object(
      { tool: text, addon: text, fingerprint: text, startedAt: text, writtenAt: text, run: text },
      { commit: textOrNull, modelPaths: list(text), stopped: textOrNull, command: list(text) },
    ),
    ceilings: list(object({ model: text, state, memoryState, limit: text, medianNs: above, n: count })),
    entries: list(
      object(
        {
          ...{ key: text, label: text, model: text, modelBytes: count, state, memoryState, ok: count, failed: count },
          metrics: {
            type: 'object',
            properties: {
              ...Object.fromEntries(costs.map((name) => [name, ref('costs')])),
              ...Object.fromEntries(counters.map((name) => [name, ref('counts')])),
            },
            additionalProperties: false,
          },
        },
        { work: { const: 'touch' } },
      ),
    ),
  }),
  $defs: { costs: figuresOf(above), counts: figuresOf({ type: 'number', minimum: 0 }) },
};
