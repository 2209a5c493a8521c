/** Builds of weighbridge: this one, and others in their directories, whose processes can be weighed beside ours. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readLoaders } from './catalog.js';
import { UsageError } from './failure.js';
import type { ChosenLoader, OtherBuild } from './loader.js';
import { addonIn, addonPath } from './native.js';
import { PROTOCOL_VERSION } from './samples/protocol.js';
import { childOf } from './samples/spawn.js';

export const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Version, and digest of what does the work. */
export function ownBuild(): string {
  return `${version} ${digestOf(fileURLToPath(new URL('.', import.meta.url)), addonPath())}`;
}

/** Of the addon, and of the modules that prepare, run and judge a sample: with others the same addon weighs otherwise. */
function digestOf(modules: string, addon: string): string {
  const samples = readdirSync(join(modules, 'samples')).filter((name) => name.endsWith('.js'));
  const files = ['native.js', ...samples.sort().map((name) => join('samples', name))];
  const hash = createHash('sha256').update(readFileSync(addon));
  for (const name of files) hash.update(`\n${name}\n`).update(readFileSync(join(modules, name)));
  return hash.digest('hex').slice(0, 16);
}

/** The build in a directory: a clone that was built, or an installed package. Throws UsageError. */
export function otherBuild(path: string): OtherBuild {
  const directory = resolve(path);
  const name = packageAt(directory);
  const addon = addonIn(directory);
  const missing = [childOf(directory), addon].find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new UsageError(`${directory}: it is not built (${missing} is missing); run npm ci and npm run build there`);
  }
  if (process.env['WEIGHBRIDGE_ADDON'] !== undefined) {
    throw new UsageError(`${directory}: WEIGHBRIDGE_ADDON would give its processes another addon; unset it`);
  }
  return { directory, version: `${name} ${digestOf(join(directory, 'dist', 'src'), addon)}` };
}

/** Its version. */
function packageAt(directory: string): string {
  let found: { readonly name?: unknown; readonly version?: unknown };
  try {
    found = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as typeof found;
  } catch {
    found = {};
  }
  if (found.name !== 'weighbridge' || typeof found.version !== 'string') {
    throw new UsageError(`${directory}: it holds no build of weighbridge (its package.json does not say so)`);
  }
  return found.version;
}

/** A loader of another build, as that build defines it. Throws UsageError where the two cannot be weighed together. */
export async function loaderOfBuild(path: string, name: string): Promise<ChosenLoader> {
  const build = otherBuild(path);
  const protocol = await protocolOf(build.directory);
  if (protocol !== PROTOCOL_VERSION) {
    const theirs = protocol === null ? 'none that it states' : `version ${protocol}`;
    throw new UsageError(
      `${build.directory}: its processes speak another protocol (${theirs}, here ${PROTOCOL_VERSION}): the builds cannot be weighed in one run`,
    );
  }
  const loaders = await readLoaders(pathToFileURL(`${join(build.directory, 'dist', 'loaders')}/`));
  const found = loaders.find((loader) => loader.name === name);
  if (found === undefined) throw new UsageError(`${build.directory}: that build has no loader ${JSON.stringify(name)}`);
  return { ...found, build };
}

/** Null where it states none. */
async function protocolOf(directory: string): Promise<number | null> {
  const file = join(directory, 'dist', 'src', 'samples', 'protocol.js');
  const module = (await import(pathToFileURL(file).href)) as { readonly PROTOCOL_VERSION?: unknown };
  return typeof module.PROTOCOL_VERSION === 'number' ? module.PROTOCOL_VERSION : null;
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
