/**
 * What schemas are made of: JSON Schema 2020-12, whose root names its version. Fields may be added within a version, so
 * that what is not named is allowed everywhere.
 */
export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = { type: 'string' };
export const textOrNull: Schema = { type: ['string', 'null'] };
export const flag: Schema = { type: 'boolean' };
export const number: Schema = { type: 'number' };
export const numberOrNull: Schema = { type: ['number', 'null'] };
/** A time, a size or a number of things. */
export const amount: Schema = { type: 'number', minimum: 0 };
export const amountOrNull: Schema = { type: ['number', 'null'], minimum: 0 };
export const count: Schema = { type: 'integer', minimum: 0 };

export const oneOf = (...values: readonly string[]): Schema => ({ enum: values });
export const list = (items: Schema): Schema => ({ type: 'array', items });
/** Of values by names that are the user's. */
export const record = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
export const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
/** What the definition allows to be null is not. */
export const present = (name: string): Schema => ({ ...ref(name), type: 'object' });

type Properties = Readonly<Record<string, Schema>>;

/** `optional`: what records of earlier versions do not have. */
export function object(properties: Properties, optional: Properties = {}): Schema {
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } };
}

export function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema['type'], 'null'] };
}

/** The same properties, each of one schema. */
export function each(schema: Schema, ...names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, schema]));
}
