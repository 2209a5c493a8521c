/** The two sides of an `ab` run, as people name them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findLoader } from './catalog.js';
import { chosenCommands } from './command-arms.js';
import { splitWords } from './command-words.js';
import { UsageError } from './failure.js';
import { roleOf, type ChosenLoader } from './loader.js';
import { isDirectory, loaderOfBuild } from './other-build.js';
import type { ChosenCommand } from './plan/arms.js';

export interface CommandSettings {
  readonly output: ChosenCommand['command']['output'] | null;
  readonly pattern: string | null;
}

export type Sides =
  | { readonly kind: 'loaders'; readonly base: ChosenLoader; readonly head: ChosenLoader }
  | { readonly kind: 'commands'; readonly base: ChosenCommand; readonly head: ChosenCommand };

const COMMAND = 'cmd=';
const USUAL_LOADER = 'mmap-shared';

/**
 * Each side is `cmd=PROGRAM …`, the directory of a build of weighbridge, or a loader by name or file. A build loads by the
 * loader named; else by that of the other side where it has one. Throws UsageError.
 */
export async function sidesOf(
  texts: { readonly base: string; readonly head: string },
  loader: string | null,
  settings: CommandSettings,
): Promise<Sides> {
  const [isBase, isHead] = [texts.base.startsWith(COMMAND), texts.head.startsWith(COMMAND)];
  if (isBase !== isHead) {
    throw new UsageError(
      '--base and --head must both be commands or both be loaders: what they tell of themselves differs',
    );
  }
  if (isBase) {
    if (loader !== null) throw new UsageError('--loader is of builds of weighbridge, not of commands');
    return {
      kind: 'commands',
      base: commandOf('base', texts.base, settings),
      head: commandOf('head', texts.head, settings),
    };
  }
  if (settings.output !== null || settings.pattern !== null) {
    throw new UsageError("--command-output and --command-pattern are of commands: --base 'cmd=program {model}'");
  }
  const named = [texts.base, texts.head].filter((text) => !isBuild(text));
  const ofBuilds = loader ?? named[0] ?? USUAL_LOADER;
  if (loader !== null && named.length === 2) {
    throw new UsageError('--loader says how builds of weighbridge load; --base and --head name loaders themselves');
  }
  return {
    kind: 'loaders',
    base: await loaderOf('--base', texts.base, ofBuilds),
    head: await loaderOf('--head', texts.head, ofBuilds),
  };
}

async function loaderOf(option: string, text: string, ofBuilds: string): Promise<ChosenLoader> {
  if (text.trim() === '')
    throw new UsageError(`${option} names nothing: a loader, a directory of a build, or cmd=PROGRAM`);
  const found = isBuild(text) ? await loaderOfBuild(text, ofBuilds) : await findLoader(text);
  if (roleOf(found.mechanism) === 'loader') return found;
  throw new UsageError(`${option} ${found.name}: it keeps no weights to run on; name another loader`);
}

/** A bare name is that of a loader, though a folder may be called like it: unless there is a package in it. */
function isBuild(text: string): boolean {
  return isDirectory(text) && (/^\.|\//.test(text) || existsSync(join(text, 'package.json')));
}

function commandOf(name: 'base' | 'head', text: string, { output, pattern }: CommandSettings): ChosenCommand {
  const where = `--${name}`;
  const words = splitWords(where, text.slice(COMMAND.length));
  const [command] = chosenCommands([{ where, name, argv: words, output, pattern }], []);
  if (command === undefined) throw new UsageError(`${where}: it names no program`);
  return command;
}
