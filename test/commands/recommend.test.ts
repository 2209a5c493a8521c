import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { listLoaders } from '../../src/catalog.js';
import { candidatesFrom } from '../../src/commands/recommend-candidates.js';
import type { Advice } from '../../src/report/recommend.js';
import type { Recommendation } from '../../src/statistics/recommendation.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, endOf, removeFolder, scratchFolder, start, until } from '../processes.js';
import { reason } from '../statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);
const quick = ['--state', 'warm', '--memory-state', 'as-is', '--threads', '2', '--lock-wait', '1100'];

interface Output {
  readonly recommendation: Recommendation;
  readonly advice: Advice;
  readonly run: string;
}

test.serial('a recommendation comes from a run whose ledger is kept and can be explained', async (t) => {
  const out = join(folder, 'warm');
  const { code, stdout, stderr } = await weighbridge([
    ...['recommend', model, '--json', '--time-budget', '1', '--out', out, ...quick],
  ]);
  t.is(code, 0, stderr);
  const { recommendation, advice, run } = JSON.parse(stdout) as Output;
  t.is(run, out);
  const [place] = recommendation.places;
  t.like(place, { state: 'warm', memoryState: 'as-is' });
  t.truthy(place?.choice);
  // One round is too little for more than a guess.
  t.not(place?.confidence, 'proven');
  t.regex(advice.sections[0]?.take ?? '', /^(Perhaps |\S+ or |\S+, ahead as far as |\S+, .* or )/);
  for (const file of ['ledger.jsonl', 'summary.json', 'samples.csv']) t.true(existsSync(join(out, file)), file);
  // Its page begins with the advice, also when it is written again.
  const page = readFileSync(join(out, 'report.html'), 'utf8');
  t.regex(page, /<h2>What to take<\/h2>/);
  t.is((await weighbridge(['report', out])).code, 0);
  t.is(readFileSync(join(out, 'report.html'), 'utf8'), page);
  const explained = await weighbridge(['explain', out]);
  t.is(explained.code, 0, explained.stderr);
  t.regex(explained.stdout, /page faults during load/);
});

test.serial(
  'the text fits 80 columns, with memory needed and available, and the command that settles it',
  async (t) => {
    const { code, stdout, stderr } = await weighbridge([
      ...['recommend', model, '--processes', '3', '--time-budget', '1', '--out', join(folder, 'text'), ...quick],
    ]);
    t.is(code, 0, stderr);
    t.regex(stdout, /3 processes at once/);
    t.regex(stdout, /memory +needs .* for 3 processes/);
    t.regex(stdout, /available/);
    t.regex(
      stdout,
      /^ {4}weighbridge run \S+ --loader \S+ --state warm --memory-state as-is --threads 2 --context 512 --rounds \d+$/m,
    );
    const path = /^Written: |^ {2}\//;
    const long = stdout
      .split('\n')
      .filter((line) => line.length > 80 && !path.test(line) && !line.includes('  weighbridge'));
    t.deepEqual(long, []);
  },
);

test.serial('Ctrl-C ends it with exit code 130 and what was measured saved', async (t) => {
  const out = join(folder, 'interrupted');
  const child = start('recommend', model, '--time-budget', '600', '--out', out, ...quick);
  const ended = endOf(child);
  const ledger = join(out, 'ledger.jsonl');
  const samples = (): number =>
    existsSync(ledger) ? readFileSync(ledger, 'utf8').split('"kind":"sample"').length - 1 : 0;
  await until(() => samples() >= 2, 300, 'two samples');
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  t.is(code, 130, stderr);
  t.regex(stdout, /stopped before its end/);
  t.regex(stderr, /--resume/);
  t.true(existsSync(join(out, 'summary.json')));
});

test('what is no model and options that cannot be are one line and exit code 2', async (t) => {
  for (const args of [
    ['/nowhere.gguf'],
    [model, '--processes', '0'],
    [model, '--state', 'hot'],
    [model, '--memory-state', 'full'],
    [model, '--time-budget', 'soon'],
    [model, '--context', '99999999'],
  ]) {
    const { code, stdout, stderr } = await weighbridge(['recommend', ...args]);
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
  }
});

const room = { processes: 1, availableBytes: 2 ** 34, tensorBytes: 2 ** 30, sessionBytes: 2 ** 20 };

test('one loader of each family is weighed, a copying one first: it is the reference', async (t) => {
  const { loaders } = candidatesFrom(await listLoaders(), () => null, room);
  const names = loaders.map(({ name }) => name);
  t.is(names[0], 'stdio');
  for (const name of ['mmap-shared', 'mmap-shared-populate', 'direct']) t.true(names.includes(name), name);
  t.is(new Set(names).size, names.length);
});

test('what is unsupported is left out with its reason, or another of its family stands in', async (t) => {
  const catalog = await listLoaders();
  const without = (...refused: readonly string[]): ReturnType<typeof candidatesFrom> =>
    candidatesFrom(
      catalog,
      ({ name }) => (refused.includes(name) ? reason('no-direct', { message: 'no, not here' }) : null),
      room,
    );
  const { loaders, leftOut } = without('direct', 'stdio');
  t.is(loaders[0]?.name, 'read');
  t.false(loaders.some(({ name }) => name === 'direct'));
  t.true(leftOut.includes('Not weighed: direct (direct); unsupported here: no, not here.'), leftOut.join('\n'));
  const families = candidatesFrom([], () => null, room);
  t.is(families.loaders.length, 0);
  t.true(families.leftOut.every((text) => text.endsWith('this version has no such loader.')));
});

test('loaders that would copy more than there is room for are not tried', async (t) => {
  const catalog = await listLoaders();
  const { loaders, leftOut } = candidatesFrom(catalog, () => null, { ...room, processes: 20 });
  t.true(loaders.length > 0 && loaders.every(({ mechanism }) => mechanism === 'mmap' || mechanism === 'hybrid'));
  t.true(loaders.some(({ name }) => name === 'hybrid'));
  t.true(
    leftOut.includes('Not weighed: stdio (copying); 20 copies of the model need 20.0 GiB, 16.0 GiB available.'),
    leftOut.join('\n'),
  );
});
