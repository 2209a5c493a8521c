/** Finds a configuration file and reads a plan in it. It is checked here: what is wrong is one line with file and key. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { lilconfig, type LilconfigResult } from 'lilconfig';
import type { StatedCommand } from './command-arms.js';
import { splitWords } from './command-words.js';
import type { PlanConfig } from './config.js';
import { isLoaderPath } from './external-loader.js';
import { UsageError } from './failure.js';
import { importFile } from './import-file.js';
import { suggestion } from './nearest.js';
import { PRESSURE_OF_FILE } from './plan/settings.js';

const PLACES = ['ts', 'js', 'mjs', 'json'].map((ending) => `weighbridge.config.${ending}`);

/** A value as an option takes it, and what to call it in messages. */
export interface Stated {
  readonly text: string;
  readonly where: string;
}

type OptionKey = Exclude<keyof PlanConfig, 'models' | 'commands' | 'trace' | 'noInference'>;

/** A plan that was found, every value of the right type. Whether it is in range is asked where options are. */
export interface FoundPlan {
  readonly path: string;
  /** The first 16 hex digits of the file's SHA-256, before it was imported. What it imports in turn is not in it. */
  readonly digest: string;
  readonly name: string;
  readonly models: readonly string[];
  readonly options: Readonly<Partial<Record<OptionKey, Stated>>>;
  readonly trace: boolean | null;
  readonly noInference: boolean | null;
  readonly commands: readonly StatedCommand[];
}

type Kind = 'text' | 'number' | 'number or text';

/** What each key holds; several means that a list does as well. */
const KEYS: Readonly<Record<OptionKey, { readonly kind: Kind; readonly several: boolean }>> = {
  loaders: { kind: 'text', several: true },
  reference: { kind: 'text', several: false },
  states: { kind: 'text', several: true },
  memoryStates: { kind: 'text', several: true },
  loads: { kind: 'number', several: false },
  threads: { kind: 'number', several: true },
  loadThreads: { kind: 'number', several: true },
  processes: { kind: 'number', several: true },
  memoryLimit: { kind: 'number or text', several: true },
  pressure: { kind: 'number or text', several: true },
  numa: { kind: 'number or text', several: true },
  context: { kind: 'number', several: true },
  isa: { kind: 'text', several: false },
  rounds: { kind: 'number', several: false },
  memoryRounds: { kind: 'number', several: false },
  prompt: { kind: 'number', several: false },
  generate: { kind: 'number', several: false },
  seed: { kind: 'number', several: false },
  timeBudget: { kind: 'number', several: false },
  timeout: { kind: 'number', several: false },
  precision: { kind: 'number or text', several: false },
  waitQuiet: { kind: 'number', several: false },
};

const OTHER_KEYS: readonly string[] = [
  'models',
  'trace',
  'noInference',
  'commands',
] satisfies readonly (keyof PlanConfig)[];

/** The plan of that name in the first configuration file of `folder` and those above it. Throws UsageError. */
export async function findPlan(name: string, folder: string): Promise<FoundPlan> {
  const { path, digest, config } = await findConfig(folder);
  const place = new Place(path, '');
  const { plans, ...unknown } = place.object(config);
  place.refuseUnknown(unknown, ['plans']);
  const all = place.key('plans').object(plans);
  const plan = Object.hasOwn(all, name) ? all[name] : undefined;
  if (plan === undefined) {
    const names = Object.keys(all);
    const known = names.length === 0 ? 'it has none' : `there are: ${names.join(', ')}`;
    throw new UsageError(`${path}: there is no plan ${JSON.stringify(name)}; ${known}`);
  }
  return { path, digest, name, ...planIn(place.key('plans').key(name), plan, dirname(path)) };
}

interface FoundConfig {
  readonly path: string;
  readonly digest: string;
  readonly config: unknown;
}

async function findConfig(folder: string): Promise<FoundConfig> {
  let digest = '';
  const digested = (path: string): void => {
    digest = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
  };
  const code = async (path: string): Promise<unknown> => {
    digested(path);
    const { default: main } = await importFile(path, './index.js');
    if (main === undefined) {
      throw new UsageError(`${path}: it has no default export; write export default defineConfig({ … })`);
    }
    return main;
  };
  const json = (path: string, content: string): unknown => {
    digested(path);
    try {
      return JSON.parse(content);
    } catch (error) {
      throw new UsageError(`${path}: it is no JSON: ${(error as Error).message}`);
    }
  };
  const loaders = { '.ts': code, '.js': code, '.mjs': code, '.json': json };
  const found = await lilconfig('weighbridge', { searchPlaces: PLACES, loaders, cache: false, stopDir: '/' }).search(
    folder,
  );
  if (found === null) {
    throw new UsageError(`${folder}: there is no ${PLACES[0]} (or .js, .mjs, .json) here or in a folder above`);
  }
  return { path: found.filepath, digest, config: configOf(found) };
}

/** lilconfig knows nothing of what a loader gives. */
const configOf = (found: NonNullable<LilconfigResult>): unknown => found.config;

function planIn(
  place: Place,
  value: unknown,
  folder: string,
): Pick<FoundPlan, 'models' | 'options' | 'trace' | 'noInference' | 'commands'> {
  const plan = place.object(value);
  place.refuseUnknown(plan, [...Object.keys(KEYS), ...OTHER_KEYS]);
  const options: Partial<Record<OptionKey, Stated>> = {};
  for (const key of Object.keys(KEYS) as OptionKey[]) {
    if (plan[key] === undefined) continue;
    const { kind, several } = KEYS[key];
    const words = place.key(key).list(plan[key], kind, several);
    options[key] = { text: words.map((word) => pathOf(key, word, folder)).join(','), where: place.key(key).name };
  }
  const { models = [], trace = null, noInference = null, commands = [] } = plan;
  return {
    models: place
      .key('models')
      .list(models, 'text', true)
      .map((path) => resolve(folder, path)),
    options,
    trace: trace === null ? null : place.key('trace').flag(trace),
    noInference: noInference === null ? null : place.key('noInference').flag(noInference),
    commands: place
      .key('commands')
      .array(commands)
      .map((command, at) => commandIn(place.key('commands').at(at), command, folder)),
  };
}

/** What is a path among the values of a key starts at the file's folder. */
function pathOf(key: OptionKey, word: string, folder: string): string {
  if (key === 'loaders' && isLoaderPath(word)) return resolve(folder, word);
  const kind = key === 'pressure' ? PRESSURE_OF_FILE.find((each) => word.startsWith(`${each}:`)) : undefined;
  return kind === undefined ? word : `${kind}:${resolve(folder, word.slice(kind.length + 1))}`;
}

function commandIn(place: Place, value: unknown, folder: string): StatedCommand {
  const stated = place.object(value);
  place.refuseUnknown(stated, ['name', 'argv', 'command', 'output', 'pattern']);
  const { name, argv, command, output = null, pattern = null } = stated;
  if ((argv === undefined) === (command === undefined)) {
    throw new UsageError(`${place.name}: give it either argv, a list of words, or command, one text`);
  }
  const words =
    argv === undefined
      ? splitWords(place.key('command').name, place.key('command').text(command))
      : place
          .key('argv')
          .array(argv)
          .map((word, at) => place.key('argv').at(at).text(word));
  const [program = '', ...rest] = words;
  return {
    where: place.name,
    name: place.key('name').text(name),
    // A name is looked up in PATH; a path is one of this repository.
    argv: [program.includes('/') ? resolve(folder, program) : program, ...rest],
    output:
      output === null || output === 'discard' || output === 'first-byte'
        ? output
        : place.key('output').refuse('discard or first-byte', output),
    pattern: pattern === null ? null : place.key('pattern').text(pattern),
  };
}

/** A place in the file, for messages: `weighbridge.config.ts: plans.nightly.rounds`. */
class Place {
  readonly #file: string;
  readonly #path: string;

  constructor(file: string, path: string) {
    this.#file = file;
    this.#path = path;
  }

  get name(): string {
    return this.#path === '' ? this.#file : `${this.#file}: ${this.#path}`;
  }

  key(key: string): Place {
    return new Place(this.#file, this.#path === '' ? key : `${this.#path}.${key}`);
  }

  at(index: number): Place {
    return new Place(this.#file, `${this.#path}[${index}]`);
  }

  refuse(wanted: string, value: unknown): never {
    throw new UsageError(`${this.name} must be ${wanted}, not ${shown(value)}`);
  }

  refuseUnknown(value: Readonly<Record<string, unknown>>, known: readonly string[]): void {
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const meant = suggestion(unknown, known) || `; there are: ${known.join(', ')}`;
    throw new UsageError(`${this.key(unknown).name}: there is no such key${meant}`);
  }

  object(value: unknown): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    return this.refuse('an object', value);
  }

  array(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? (value as readonly unknown[]) : this.refuse('a list', value);
  }

  flag(value: unknown): boolean {
    return typeof value === 'boolean' ? value : this.refuse('true or false', value);
  }

  text(value: unknown): string {
    return typeof value === 'string' ? value : this.refuse('a text', value);
  }

  /** Each value as its option takes it. */
  list(value: unknown, kind: Kind, several: boolean): readonly string[] {
    if (!Array.isArray(value)) return [this.#word(value, kind)];
    if (!several) return this.refuse(`a ${kind}`, value);
    return (value as readonly unknown[]).map((each, at) => this.at(at).#word(each, kind));
  }

  #word(value: unknown, kind: Kind): string {
    const number = typeof value === 'number' && Number.isFinite(value) && kind !== 'text';
    const text = typeof value === 'string' && kind !== 'number';
    return number || text ? String(value) : this.refuse(`a ${kind}`, value);
  }
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  return JSON.stringify(value) ?? typeof value;
}
