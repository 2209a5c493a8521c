import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { weighbridge } from './command.js';
import { endOf, removeFolder, scratchFolder } from './processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

/** Hooks that write down each file that is imported (https://nodejs.org/api/module.html#customization-hooks). */
const hooks = `
  import { appendFileSync } from 'node:fs';
  export async function load(url, context, next) {
    appendFileSync(process.env.IMPORTED, url + '\\n');
    return next(url, context);
  }
`;
const registering = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hooks))});`;

function dataUrl(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** Files of the product that a command line reads, as paths within it. */
async function importedBy(...words: readonly string[]): Promise<readonly string[]> {
  const list = join(folder, words.join('-').replaceAll('/', '_'));
  const env = { ...process.env, IMPORTED: list, NODE_OPTIONS: `--import=${dataUrl(registering)}` };
  await weighbridge(words, env);
  const urls = readFileSync(list, 'utf8').split('\n');
  return urls.flatMap((url) => /\/dist\/((?:src|reports|loaders)\/.*)$/.exec(url)?.[1] ?? []);
}

const commandsOf = (files: readonly string[]): readonly string[] =>
  files.filter((file) => /^src\/commands\/(run|inspect|gen|claims|report|setup)\.js$/.test(file));

test('a command line reads the files of the command that it names, and of no other', async (t) => {
  const files = await importedBy('inspect', 'nowhere.gguf');
  t.deepEqual(commandsOf(files), ['src/commands/inspect.js']);
  t.false(files.includes('src/pipeline.js'), 'nor what weighs');
  t.deepEqual(commandsOf(await importedBy('--version')), []);
});

test('of the loaders a command line reads the one that it names', async (t) => {
  const model = join(folder, 'tiny.gguf');
  await weighbridge(['gen', model, '--shape', 'tiny']);
  const files = await importedBy('generate', model, '-n', '1', '--loader', 'read');
  t.deepEqual(
    files.filter((file) => file.startsWith('loaders/')),
    ['loaders/read.js'],
  );
});

test('where none is named all are there, so that help lists them and a slip finds the one that was meant', async (t) => {
  t.is(commandsOf(await importedBy('--help')).length, 6);
  t.is(commandsOf(await importedBy('--version', '--help')).length, 6);
  t.is(commandsOf(await importedBy('inspekt')).length, 6);
});

test('standard output without room is told in one line, and the exit code says that it failed', async (t) => {
  const cli = join(import.meta.dirname, '..', 'src', 'cli.js');
  const { code, stderr } = await endOf(
    spawn('/bin/sh', ['-c', 'exec "$0" "$1" --help > /dev/full', process.execPath, cli], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  t.is(stderr, 'weighbridge: standard output: no space left on the disk (write)\n');
  t.is(code, 1);
});
