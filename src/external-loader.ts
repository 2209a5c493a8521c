/**
 * Loaders that users bring: a file whose default export defines one, a file that exports a function `load`, or a shared
 * library. They are checked here, at the edge: what is wrong is one line that names the file.
 */
import { statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { UsageError, reasonOf } from './failure.js';
import { importFile } from './import-file.js';
import type { ChosenLoader, LoaderDefinition } from './loader.js';
import { moduleDigest } from './module-digest.js';
import { native } from './native.js';

const ENDINGS = ['.ts', '.mts', '.js', '.mjs', '.so'];
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Whether a word of --loader is a path rather than a name. */
export function isLoaderPath(word: string): boolean {
  return word.includes('/') || ENDINGS.includes(extname(word));
}

/** The loader in a file. Throws UsageError. */
export async function externalLoader(path: string): Promise<ChosenLoader> {
  const module = resolve(path);
  const status = statSync(module, { throwIfNoEntry: false });
  if (status === undefined) throw new UsageError(`${module}: there is no such loader file`);
  if (!status.isFile()) throw new UsageError(`${module}: a loader is a file`);
  switch (extname(module)) {
    case '.so':
      return {
        name: nameOf(module),
        mechanism: 'external',
        why: `The shared library ${module}.`,
        options: { library: module },
        module,
        moduleDigest: moduleDigest({ module, mechanism: 'external' }),
      };
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return defined(module);
    default:
      throw new UsageError(`${module}: a loader is a file that ends in ${ENDINGS.join(', ')}`);
  }
}

/** The digest is of before the import: a file that is written meanwhile is told by its first sample. */
async function defined(module: string): Promise<ChosenLoader> {
  const own = moduleDigest({ module, mechanism: 'callback' });
  const definition = checked(await definitionIn(module), module);
  const all = moduleDigest({ ...definition, module });
  return { ...definition, module, moduleDigest: [own, ...all.split('+').slice(1)].join('+') };
}

/** The file's name as a loader's: `libMy_loader.v2.so` is `libmy-loader-v2`. */
function nameOf(module: string): string {
  const words = basename(module, extname(module))
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const name = words.filter((word) => word !== '').join('-');
  if (name === '') throw new UsageError(`${module}: no loader's name can be made of the file's; use letters or digits`);
  return name;
}

async function definitionIn(module: string): Promise<unknown> {
  const exported = await importFile(module, './loader.js');
  const { default: main, load } = exported;
  const bare = main === undefined ? load : main;
  if (typeof bare === 'function') {
    return { name: nameOf(module), mechanism: 'callback', why: `The function of ${module}.`, load: bare };
  }
  if (main === undefined) {
    throw new UsageError(`${module}: it has no default export; write export default defineLoader({ … })`);
  }
  return main;
}

/** The definition, if it is one whose mechanism takes its options. */
function checked(value: unknown, module: string): LoaderDefinition {
  const problem = problemOf(value);
  if (problem !== null) throw new UsageError(`${module}: ${problem}`);
  const definition = inPlace(value as LoaderDefinition, module);
  const { mechanism, options = {} } = definition;
  const known = native().mechanisms();
  if (!known.includes(mechanism)) {
    throw new UsageError(`${module}: there is no mechanism ${mechanism}; there are: ${known.join(', ')}`);
  }
  if (mechanism === 'external') return definition;
  try {
    // Whether this very file could be loaded does not matter: the options are read before it is looked at.
    native().unsupported(mechanism, [module], options);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason?.code !== 'bad-option') throw error;
    const remedy = reason.remedy === null ? '' : `; ${reason.remedy}`;
    throw new UsageError(`${module}: ${reason.message}${remedy}`);
  }
  return definition;
}

/** A library is named from the file that names it. */
function inPlace(definition: LoaderDefinition, module: string): LoaderDefinition {
  if (definition.mechanism !== 'external') return definition;
  return { ...definition, options: { library: resolve(dirname(module), definition.options.library) } };
}

/** What keeps a value from being a loader's definition; null where it is one. */
export function problemOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) {
    return 'its default export is not a loader; write export default defineLoader({ name, mechanism, why, options })';
  }
  const { name, mechanism, why, options, load } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || !NAME.test(name)) {
    return `the loader's name must be lower-case words joined by hyphens, not ${JSON.stringify(name) ?? 'missing'}`;
  }
  if (typeof mechanism !== 'string') return 'the loader names no mechanism';
  if (typeof why !== 'string' || why.trim() === '') return 'the loader does not say why it is there (why)';
  if (mechanism === 'callback' && typeof load !== 'function') {
    return 'a loader of the mechanism callback needs a function load';
  }
  const wrong = wrongOption(options);
  if (wrong !== null) return wrong;
  if (mechanism === 'external' && typeof (options as Record<string, unknown> | undefined)?.['library'] !== 'string') {
    return 'a loader of the mechanism external needs options.library, the path of a shared library';
  }
  return null;
}

function wrongOption(options: unknown): string | null {
  if (options === undefined) return null;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return "the loader's options must be an object";
  }
  const wrong = Object.entries(options).find(([, value]) => !isOption(value));
  return wrong === undefined ? null : `option ${wrong[0]} must be a boolean, a number, a text or a list of texts`;
}

function isOption(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return ['boolean', 'number', 'string'].includes(typeof value);
}
