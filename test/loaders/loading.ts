/** Logits by a loader of the catalog: the one place where these tests open a session. */
import { statSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { listLoaders } from '../../src/catalog.js';
import { roleOf, type LoaderDefinition } from '../../src/loader.js';
import { native, type ModelSession } from '../../src/native.js';

const TOKENS = [1, 5, 40, 300, 7];

export const allLoaders = await listLoaders();

/** Those that keep weights, so that a model can run on them. */
export const withWeights = allLoaders.filter(({ mechanism }) => roleOf(mechanism) === 'loader');

const reference: LoaderDefinition = { name: 'reference', mechanism: 'read', why: 'what every loader is compared with' };

/** The scalar kernel: its logits are the same on every processor. */
export function openWith(loader: LoaderDefinition, path: string): ModelSession {
  return native().openSession({
    path,
    mechanism: loader.mechanism,
    options: loader.options ?? {},
    ...(loader.mechanism === 'callback' ? { load: loader.load } : {}),
    isa: 'scalar',
    threads: 2,
    context: 16,
    batch: 4,
  });
}

export function logitsOfSession(session: ModelSession): Buffer {
  try {
    return Buffer.from(session.forward(TOKENS, 0, TOKENS.length).slice().buffer);
  } finally {
    session.close();
  }
}

export const logitsOf = (loader: LoaderDefinition, path: string): Buffer => logitsOfSession(openWith(loader, path));

export const expectedLogits = (path: string): Buffer => logitsOf(reference, path);

export function partsOf(path: string): readonly string[] {
  return native()
    .inspect(path, { arrays: false, digest: false })
    .parts.map((part) => part.path);
}

/** Runs the body, or says why this loader cannot work there and that it refuses rather than does something else. */
export function whereSupported(t: ExecutionContext, loader: LoaderDefinition, path: string, body: () => void): void {
  const reason = native().unsupported(loader.mechanism, partsOf(path), loader.options ?? {});
  if (reason === null) {
    body();
    return;
  }
  t.log(`skipped: ${loader.name} is unsupported for ${path}: ${reason.message}`);
  t.true(reason.code.length > 0 && reason.operation.length > 0 && reason.message.length > 0, loader.name);
  t.throws(() => logitsOf(loader, path), { code: reason.code }, loader.name);
}

/** Every loader gives the logits of `read` for the model, or says why it cannot. */
export function everyLoaderAgrees(t: ExecutionContext, path: string): void {
  const expected = expectedLogits(path);
  t.true(expected.some((byte) => byte !== 0));
  for (const loader of withWeights) {
    whereSupported(t, loader, path, () => {
      t.is(Buffer.compare(logitsOf(loader, path), expected), 0, loader.name);
    });
  }
}

/** Bytes of the page cache that reading the headers of a model leaves at most. */
export function headerAllowance(path: string): number {
  const { parts } = native().inspect(path, { arrays: false, digest: false });
  return parts.reduce((sum, part) => sum + Math.min(statSync(part.path).size, part.dataOffset + 256 * 1024), 0);
}
