/**
 * The loaders there are: every file of `loaders/`, found by listing the folder, so that adding one is adding a file; and
 * those that a user brings by path.
 */
import { readdir } from 'node:fs/promises';
import { externalLoader, isLoaderPath, problemOf } from './external-loader.js';
import { defineLoader, type ChosenLoader, type LoadFunction, type LoaderDefinition } from './loader.js';
import { UsageError } from './failure.js';
import { suggestion } from './nearest.js';

const folder = new URL('../loaders/', import.meta.url);

let listed: Promise<readonly LoaderDefinition[]> | undefined;

/** All built-in loaders, `null` first, then by name. Throws an Error naming a file whose default export is not a loader. */
export function listLoaders(): Promise<readonly LoaderDefinition[]> {
  listed ??= readLoaders(folder);
  return listed;
}

/** The loaders of a folder of compiled definitions. */
export async function readLoaders(from: URL): Promise<readonly LoaderDefinition[]> {
  const files = (await readdir(from)).filter((file) => file.endsWith('.js')).sort();
  const definitions = await Promise.all(files.map((file) => readLoader(from, file)));
  const names = new Set<string>();
  for (const { name } of definitions) {
    if (names.has(name)) throw new Error(`two files in ${from.pathname} define the loader ${name}`);
    names.add(name);
  }
  return definitions.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

async function readLoader(from: URL, file: string): Promise<LoaderDefinition> {
  const module = (await import(new URL(file, from).href)) as { readonly default?: unknown };
  const problem = problemOf(module.default);
  if (problem !== null) throw new Error(`${file} in ${from.pathname}: ${problem}`);
  return defineLoader(module.default as LoaderDefinition);
}

/** The built-in loader whose file has its name, without reading all of them: a first token waits for it. */
async function loaderNamed(word: string): Promise<LoaderDefinition | null> {
  const file = `${word}.js`;
  if (!(await readdir(folder)).includes(file)) return null;
  const loader = await readLoader(folder, file);
  return loader.name === word ? loader : null;
}

const rank = (loader: LoaderDefinition): number => (loader.mechanism === 'null' ? 0 : 1);

/** The loader of that name, or the one in the file of that path. Throws UsageError. */
export async function findLoader(word: string): Promise<ChosenLoader> {
  const named = await loaderNamed(word);
  if (named !== null) return named;
  const loaders = await listLoaders();
  if (isLoaderPath(word)) {
    const brought = await externalLoader(word);
    if (!loaders.some(({ name }) => name === brought.name)) return brought;
    throw new UsageError(`${word}: its name ${brought.name} is that of a built-in loader; give it another`);
  }
  const found = loaders.find((loader) => loader.name === word);
  if (found === undefined) {
    const meant = suggestion(
      word,
      loaders.map(({ name }) => name),
    );
    throw new UsageError(`there is no loader ${JSON.stringify(word)}${meant} (weighbridge loaders lists them)`);
  }
  return found;
}

/** Each loader of a comma-separated list of names and paths; `all` stands for every built-in one. Throws UsageError. */
export async function findLoaders(list: string): Promise<readonly ChosenLoader[]> {
  const found: ChosenLoader[] = [];
  for (const word of list.split(',').map((part) => part.trim())) {
    if (word === 'all') found.push(...(await listLoaders()));
    else found.push(await findLoader(word));
  }
  for (const { name, module } of found) {
    const other = found.find((loader) => loader.name === name && loader.module !== module);
    if (other !== undefined)
      throw new UsageError(`${module ?? name} and ${other.module ?? name} are both named ${name}`);
  }
  return found;
}

/** The function of a `callback` loader: of a user's file, or of the built-in one of that name. Throws UsageError. */
export async function loadFunctionOf(name: string, module: string | null): Promise<LoadFunction> {
  const loader = await findLoader(module ?? name);
  if (loader.mechanism === 'callback') return loader.load;
  throw new UsageError(`${module ?? name}: it is no longer a loader of the mechanism callback`);
}
