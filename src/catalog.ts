/** The loaders there are: every file of `loaders/`, found by listing the folder, so that adding one is adding a file. */
import { readdir } from 'node:fs/promises';
import { defineLoader, type LoaderDefinition } from './loader.js';
import { UsageError } from './failure.js';

const folder = new URL('../loaders/', import.meta.url);

function isDefinition(value: unknown): value is LoaderDefinition {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'name' in value &&
    typeof value.name === 'string' &&
    /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value.name) &&
    'mechanism' in value &&
    typeof value.mechanism === 'string' &&
    'why' in value &&
    typeof value.why === 'string'
  );
}

let listed: Promise<readonly LoaderDefinition[]> | undefined;

/** All loaders, `null` first, then by name. Throws an Error naming a file whose default export is not a loader. */
export function listLoaders(): Promise<readonly LoaderDefinition[]> {
  listed ??= readLoaders(folder);
  return listed;
}

/** The loaders of a folder of compiled definitions. */
export async function readLoaders(from: URL): Promise<readonly LoaderDefinition[]> {
  const files = (await readdir(from)).filter((file) => file.endsWith('.js')).sort();
  const definitions = await Promise.all(
    files.map(async (file) => {
      const module = (await import(new URL(file, from).href)) as { readonly default?: unknown };
      if (!isDefinition(module.default)) {
        throw new Error(`${file} in ${from.pathname}: its default export is not a loader (name, mechanism, why)`);
      }
      return defineLoader(module.default);
    }),
  );
  const names = new Set<string>();
  for (const { name } of definitions) {
    if (names.has(name)) throw new Error(`two files in ${from.pathname} define the loader ${name}`);
    names.add(name);
  }
  return definitions.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

const rank = (loader: LoaderDefinition): number => (loader.mechanism === 'null' ? 0 : 1);

/** Throws UsageError listing the names there are. */
export async function findLoader(name: string): Promise<LoaderDefinition> {
  const loaders = await listLoaders();
  const found = loaders.find((loader) => loader.name === name);
  if (found === undefined) {
    throw new UsageError(
      `there is no loader ${JSON.stringify(name)}; there are: ${loaders.map((l) => l.name).join(', ')}`,
    );
  }
  return found;
}
