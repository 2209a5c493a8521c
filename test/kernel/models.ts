/** Models with golden logits, opened in this process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command.js';
import { native, type ModelSession, type SessionOptions } from '../../src/native.js';

export interface Golden {
  readonly tokens: readonly number[];
  readonly n_vocab: number;
  /** One row of n_vocab a position. */
  readonly logits: readonly (readonly number[])[];
  /** What arg-max goes on with after the tokens. */
  readonly greedy: readonly number[];
}

export interface GoldenModel {
  readonly name: string;
  readonly path: string;
  readonly golden: Golden;
  /** Largest normalized mean squared error that two right kernels show. */
  readonly bound: number;
}

const bounds = { 'tiny-F16': 1e-5, 'tiny-Q8_0': 1e-3, 'tiny-Q4_0': 1e-3, 'tiny-Q4_K': 1e-3 };

export function fixture(name: string): string {
  return join(root, 'test/fixtures/models', `${name}.gguf`);
}

function goldenModel(name: string, path: string, golden: string, bound: number): GoldenModel {
  return { name, path, golden: JSON.parse(readFileSync(golden, 'utf8')) as Golden, bound };
}

export const fixtures: readonly GoldenModel[] = Object.entries(bounds).map(([name, bound]) =>
  goldenModel(name, fixture(name), join(root, 'test/fixtures/golden', `${name}.json`), bound),
);

/** The trained model that is not committed; undefined where WEIGHBRIDGE_TEST_MODELS does not name its folder. */
export function stories(): GoldenModel | undefined {
  const folder = process.env['WEIGHBRIDGE_TEST_MODELS'];
  if (folder === undefined || folder === '') return undefined;
  return goldenModel('stories260K', join(folder, 'stories260K.gguf'), join(folder, '../golden/stories260K.json'), 1e-8);
}

export function open(path: string, options: Partial<SessionOptions> = {}): ModelSession {
  return native().openSession({
    path,
    mechanism: 'read',
    options: {},
    isa: 'auto',
    threads: 2,
    context: 128,
    batch: 64,
    ...options,
  });
}

/** Logits of every token, fed in pieces of the given sizes; the rest in one. */
export function logits(session: ModelSession, tokens: readonly number[], pieces: readonly number[] = []): Float32Array {
  session.clear();
  const rows: number[] = [];
  for (let position = 0, piece = 0; position < tokens.length; piece += 1) {
    const fed = tokens.slice(position, position + (pieces[piece] ?? tokens.length));
    rows.push(...session.forward(fed, position, fed.length));
    position += fed.length;
  }
  return Float32Array.from(rows);
}

/** sum((a − b)²) / sum(b²) */
export function normalizedError(a: Float32Array, b: readonly number[]): number {
  let difference = 0;
  let size = 0;
  b.forEach((value, index) => {
    difference += (a[index]! - value) ** 2;
    size += value ** 2;
  });
  return difference / size;
}

function largest(row: Float32Array): number {
  return row.reduce((best, value, index) => (value > row[best]! ? index : best), 0);
}

/** The tokens that arg-max goes on with after `tokens`. */
export function greedy(session: ModelSession, tokens: readonly number[], count: number): number[] {
  session.clear();
  const found: number[] = [];
  let row = session.forward(tokens, 0, 1);
  while (found.length < count) {
    const token = largest(row);
    found.push(token);
    if (found.length < count) row = session.forward([token], tokens.length + found.length - 1, 1);
  }
  return found;
}
