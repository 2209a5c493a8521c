/** Synthetic models that are kept in the user's cache directory, so that each is written once. */
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { planFiles } from './plan.js';
import type { ShapeName } from './shapes.js';
import { generateModel, type SynthesisRequest } from './synthesize-model.js';
import type { WeightType } from './weight-types.js';

const SEED = 1;

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Relative paths in XDG_CACHE_HOME are ignored, as the XDG base directory specification has it. */
function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const chosen = env['XDG_CACHE_HOME'];
  return join(chosen?.startsWith('/') === true ? chosen : join(homedir(), '.cache'), 'weighbridge', 'models');
}

export interface CachedModel {
  readonly path: string;
  readonly shape: ShapeName;
  readonly type: WeightType;
  readonly bytes: number;
  /** Whether it is there: written to the end by this version, and not touched since. */
  readonly isThere: boolean;
}

/** Throws what planFiles does. */
export function cachedModel(
  shape: ShapeName,
  { type = 'q4_0', env = process.env }: { readonly type?: WeightType; readonly env?: NodeJS.ProcessEnv } = {},
): CachedModel {
  const path = join(cacheDirectory(env), `${shape}-${type}-seed${SEED}.gguf`);
  const files = planFiles(path, { shape, type, seed: SEED, split: 1 });
  return { path, shape, type, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), isThere: isIntact(path) };
}

/** Written under another name first, so that a half-written one is never taken for whole. Throws what generateModel does. */
export async function writeCachedModel(
  { path, shape, type }: CachedModel,
  options: Pick<SynthesisRequest, 'onProgress' | 'signal'>,
): Promise<void> {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  removeLeftovers(directory);
  const partial = join(directory, `partial-${process.pid}.gguf`);
  await generateModel({ out: partial, shape, type, seed: SEED, split: 1, ...options });
  renameSync(partial, path);
  const { size, mtimeMs } = statSync(path);
  writeFileSync(noteOf(path), `${JSON.stringify({ version, bytes: size, modifiedMs: mtimeMs })}\n`);
}

const noteOf = (path: string): string => path.replace(/\.gguf$/, '.json');

function isIntact(path: string): boolean {
  try {
    const note = JSON.parse(readFileSync(noteOf(path), 'utf8')) as Readonly<Record<string, unknown>>;
    const { size, mtimeMs } = statSync(path);
    return note['version'] === version && note['bytes'] === size && note['modifiedMs'] === mtimeMs;
  } catch {
    return false;
  }
}

/** What a process that was killed left behind. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    const writer = /^partial-(\d+)\.gguf$/.exec(name);
    if (writer !== null && !isAlive(Number(writer[1]))) rmSync(join(directory, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
