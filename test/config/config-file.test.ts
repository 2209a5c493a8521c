/** Configuration files: found, read in every form, and every mistake in them one line with file and key. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findPlan } from '../../src/config-file.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

let count = 0;
function withFile(name: string, text: string): string {
  const place = join(folder, String(count++));
  mkdirSync(place);
  writeFileSync(join(place, name), text);
  return place;
}

const plans = JSON.stringify({
  nightly: {
    models: ['models/a.gguf'],
    loaders: ['stdio', './mine.ts'],
    states: 'cold',
    rounds: 10,
    processes: [1, 4],
    memoryLimit: ['60%', 1000],
    pressure: ['stream:noise.bin', 'none'],
    trace: true,
    commands: [
      { name: 'sum', argv: ['sha256sum', '{model}'] },
      { name: 'engine', command: './build/engine -p "two words" {model}', output: 'first-byte', pattern: '(\\d+) t/s' },
    ],
  },
});
const defined = `import { defineConfig } from 'weighbridge';\nexport default defineConfig({ plans: ${plans} });`;

const forms: readonly (readonly [string, string])[] = [
  ['weighbridge.config.ts', `interface Typed {}\nconst none: Typed | null = null;\nvoid none;\n${defined}`],
  ['weighbridge.config.js', defined],
  ['weighbridge.config.mjs', `export default { plans: ${plans} };`],
  ['weighbridge.config.json', `{ "plans": ${plans} }`],
];

for (const [name, text] of forms) {
  test(`a plan in ${name} is read, its paths from its folder, its values as options take them`, async (t) => {
    const place = withFile(name, text);
    const below = join(place, 'some', 'where');
    mkdirSync(below, { recursive: true });
    const found = await findPlan('nightly', below);
    t.is(found.path, join(place, name));
    t.is(found.digest, createHash('sha256').update(readFileSync(found.path)).digest('hex').slice(0, 16));
    t.is(found.name, 'nightly');
    t.deepEqual(found.models, [join(place, 'models/a.gguf')]);
    t.true(found.trace);
    const texts = Object.entries(found.options).map(([key, stated]) => [key, stated.text]);
    t.deepEqual(Object.fromEntries(texts), {
      loaders: `stdio,${join(place, 'mine.ts')}`,
      states: 'cold',
      rounds: '10',
      processes: '1,4',
      memoryLimit: '60%,1000',
      pressure: `stream:${join(place, 'noise.bin')},none`,
    });
    t.is(found.options.rounds?.where, `${found.path}: plans.nightly.rounds`);
    const [sum, engine] = found.commands;
    t.like(sum, { name: 'sum', output: null, pattern: null });
    t.deepEqual(sum?.argv, ['sha256sum', '{model}']);
    t.deepEqual(engine?.argv, [join(place, 'build/engine'), '-p', 'two words', '{model}']);
    t.like(engine, { output: 'first-byte', pattern: '(\\d+) t/s' });
  });
}

const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
  [
    'an unknown key at the top',
    { plans: {}, plan: {} },
    /config\.json: plan: there is no such key; did you mean plans\?$/,
  ],
  ['no plans', {}, /: plans must be an object, not missing$/],
  ['plans in a list', { plans: [] }, /: plans must be an object, not \[\]$/],
  ['another name', { plans: { daily: {} } }, /there is no plan "nightly"; there are: daily$/],
  ['no plan at all', { plans: {} }, /there is no plan "nightly"; it has none$/],
  [
    'an unknown key of a plan',
    { plans: { nightly: { round: 3 } } },
    /: plans\.nightly\.round: there is no such key; .*rounds/,
  ],
  ['a text for a number', { plans: { nightly: { rounds: '3' } } }, /plans\.nightly\.rounds must be a number, not "3"$/],
  ['a number for a text', { plans: { nightly: { isa: 2 } } }, /plans\.nightly\.isa must be a text, not 2$/],
  [
    'a list for one value',
    { plans: { nightly: { rounds: [1, 2] } } },
    /plans\.nightly\.rounds must be a number, not \[1,2\]$/,
  ],
  ['a wrong element', { plans: { nightly: { threads: [1, '2'] } } }, /plans\.nightly\.threads\[1\] must be a number/],
  ['null', { plans: { nightly: { loaders: null } } }, /plans\.nightly\.loaders must be a text, not null$/],
  ['a word for a switch', { plans: { nightly: { trace: 'yes' } } }, /plans\.nightly\.trace must be true or false/],
  ['a model that is no text', { plans: { nightly: { models: [1] } } }, /plans\.nightly\.models\[0\] must be a text/],
  ['commands in an object', { plans: { nightly: { commands: {} } } }, /plans\.nightly\.commands must be a list/],
  [
    'a command without words',
    { plans: { nightly: { commands: [{ name: 'a' }] } } },
    /commands\[0\]: give it either argv/,
  ],
  [
    'a command with an unknown key',
    { plans: { nightly: { commands: [{ name: 'a', argv: ['b'], shell: true }] } } },
    /plans\.nightly\.commands\[0\]\.shell: there is no such key/,
  ],
  [
    'a word that is no text',
    { plans: { nightly: { commands: [{ name: 'a', argv: ['b', 1] }] } } },
    /commands\[0\]\.argv\[1\] must be a text, not 1$/,
  ],
  [
    'a command that wants a shell',
    { plans: { nightly: { commands: [{ name: 'a', command: 'cat {model} | wc' }] } } },
    /plans\.nightly\.commands\[0\]\.command: no shell runs it/,
  ],
  [
    'another output',
    { plans: { nightly: { commands: [{ name: 'a', argv: ['b'], output: 'file' }] } } },
    /commands\[0\]\.output must be discard or first-byte, not "file"$/,
  ],
];

for (const [what, config, expected] of mistakes) {
  test(`${what} is refused by one line that names file and key`, async (t) => {
    const place = withFile('weighbridge.config.json', JSON.stringify(config));
    const error = await t.throwsAsync(findPlan('nightly', place), { name: 'UsageError', message: expected });
    t.true(error.message.startsWith(join(place, 'weighbridge.config.json')));
    t.notRegex(error.message, /\n/);
  });
}

const broken: readonly (readonly [string, string, RegExp])[] = [
  ['weighbridge.config.json', '{', /config\.json: it is no JSON: /],
  ['weighbridge.config.ts', 'export const plans = {};', /config\.ts: it has no default export/],
  ['weighbridge.config.ts', "throw new Error('no');", /config\.ts: it cannot be imported: no$/],
  ['weighbridge.config.ts', 'export default () => 1;', /config\.ts must be an object, not a function$/],
];

for (const [name, text, expected] of broken) {
  test(`${name} with ${JSON.stringify(text)} is refused by one line`, async (t) => {
    await t.throwsAsync(findPlan('nightly', withFile(name, text)), { name: 'UsageError', message: expected });
  });
}

test('a plan is asked for, and there is no configuration file', async (t) => {
  await t.throwsAsync(findPlan('nightly', '/proc'), {
    name: 'UsageError',
    message: /there is no weighbridge\.config\.ts/,
  });
});
