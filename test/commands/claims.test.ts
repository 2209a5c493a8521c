import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readLedger } from '../../src/samples/ledger.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, endOf, removeFolder, scratchFolder, start, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);
const quick = ['--threads', '2', '--lock-wait', '600'];

interface Claims {
  readonly schema: number;
  readonly stopped: string;
  readonly parts: readonly { readonly name: string; readonly outcome: string; readonly directory: string | null }[];
  readonly claims: readonly { readonly id: string; readonly verdict: string; readonly why: string }[];
}

const claimsIn = (out: string): Claims => JSON.parse(readFileSync(join(out, 'claims.json'), 'utf8')) as Claims;
const VERDICTS = ['reproduced', 'direction only', 'refuted', 'undecided', 'not testable here'];

// Else what no verdict rests on may find no time.
const ample = ['--time-budget', '3600'];

test.serial('the six claims are weighed, judged, printed and written, whatever comes out', async (t) => {
  const out = join(folder, 'claims');
  const { code, stdout, stderr } = await weighbridge([
    'claims',
    model,
    '--rounds',
    '1',
    '--out',
    out,
    ...ample,
    ...quick,
  ]);
  t.is(code, 0, stderr);
  t.regex(
    stderr,
    /^disk {4}\S[^]*\nmemory {2}\S[^]*\ntime {4}at least about \d+ s, for the first round of every part/m,
  );
  t.notRegex(stderr, /at most/, 'the first round of every part runs whatever the budget');
  const { schema, stopped, parts, claims } = claimsIn(out);
  t.is(schema, 1);
  t.is(stopped, 'complete');
  t.deepEqual(
    claims.map(({ id }) => id),
    ['load', 'memory', 'sharing', 'harm', 'shell', 'first-load'],
  );
  for (const { id, verdict, why } of claims) {
    t.true(VERDICTS.includes(verdict), `${id}: ${verdict}`);
    // One round has no interval.
    t.true(['undecided', 'not testable here'].includes(verdict), `${id}: ${verdict}: ${why}`);
  }
  for (const { name, outcome, directory } of parts) {
    t.is(outcome === 'ran', directory !== null, name);
    if (directory !== null) t.true(existsSync(join(out, directory, 'ledger.jsonl')), name);
  }
  for (const name of ['warm', 'cold', 'memory', 'processes', 'shell', 'copies']) {
    t.is(parts.find((part) => part.name === name)?.outcome, 'ran', name);
  }
  t.false(existsSync(join(out, 'harm', 'bystander')), 'nothing large stays');
  // One value a claim: a line each and what would bring more, and no range of one.
  t.regex(
    stdout.replaceAll(/\s+/g, ' '),
    /1\. Loading is 100x faster .*: UNDECIDED, 1 value of the 6 that an interval takes \(/,
  );
  t.notRegex(stdout, /range of 1 value/);
  t.regex(stdout.replaceAll(/\s+/g, ' '), /too few values for a verdict. .* --rounds 7 .*would suffice/);
  t.true(stdout.split('\n').length < 45, stdout);
  const markdown = readFileSync(join(out, 'claims.md'), 'utf8');
  t.is(markdown.match(/^## \d\. /gm)?.length, 6);
  for (const number of [1, 2, 3, 4, 5, 6]) t.regex(stdout, new RegExp(`^${number}\\. `, 'm'));
  // What is there is refused before anything is said, weighed or written.
  const before = readFileSync(join(out, 'claims.json'), 'utf8');
  rmSync(join(out, 'claims.json'));
  const again = await weighbridge(['claims', model, '--rounds', '1', '--out', out, ...quick]);
  t.is(again.code, 2);
  t.is(again.stdout, '');
  t.regex(
    again.stderr,
    /^weighbridge: \S+\/claims\/warm\/ledger\.jsonl is there already, of an earlier run; give another --out\n$/,
  );
  t.true(before.length > 0 && !existsSync(join(out, 'claims.json')));
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  /')),
    [],
  );
});

test.serial('without time, what verdicts rest on is weighed all the same, and the rest told as left out', async (t) => {
  const out = join(folder, 'short');
  const args = ['claims', model, '--rounds', '3', '--time-budget', '1', '--out', out, ...quick];
  const { code, stdout, stderr } = await weighbridge(args);
  t.is(code, 0, stderr);
  const { stopped, parts } = claimsIn(out);
  t.is(stopped, 'complete');
  const outcomes = Object.fromEntries(parts.map(({ name, outcome }) => [name, outcome]));
  t.like(outcomes, { warm: 'ran', cold: 'ran', memory: 'ran', processes: 'ran', shell: 'ran', copies: 'stopped' });
  t.regex(stdout.replaceAll(/\s+/g, ' '), /Not weighed: .*copies \(nothing of the time budget of 1 s was left/);
  const runs = parts.flatMap(({ directory }) => (directory === null ? [] : [readLedger(join(out, directory)).ledger]));
  const [warm, , memory] = runs;
  t.deepEqual([...new Set(warm?.samples.map(({ round }) => round))], [1]);
  const memoryRounds = memory?.samples.filter(({ pass }) => pass === 'memory').map(({ round }) => round);
  t.deepEqual([...new Set(memoryRounds)], [1, 2, 3], 'whatever the time');
  // What first touch costs is taken over from a part that learned it, with the word when that was.
  const costs = runs.map(({ run }) => ({ startedAt: run.startedAt, ...run.ceilings.firstTouch }));
  t.false('learnedAt' in costs[0]!);
  for (const { startedAt, learnedAt, ...cost } of costs) {
    if (learnedAt === undefined) continue;
    t.true(learnedAt < startedAt);
    t.like(
      costs.find((other) => other.startedAt === learnedAt),
      cost,
    );
  }
  const { returnedNs } = costs[0]!;
  // Where nothing is given back, nothing can have changed.
  if (returnedNs === null) t.true(costs.slice(1).every(({ learnedAt }) => learnedAt !== undefined));
});

test('one part of an earlier run is enough to be refused, whichever it is', async (t) => {
  const out = join(folder, 'earlier');
  mkdirSync(join(out, 'shell'), { recursive: true });
  mkdirSync(join(out, 'cold'));
  writeFileSync(join(out, 'cold', 'ledger.jsonl'), '');
  writeFileSync(join(out, 'shell', 'ledger.jsonl'), '{}\n');
  const { code, stderr } = await weighbridge(['claims', model, '--out', out, ...quick]);
  t.is(code, 2);
  t.regex(stderr, /^weighbridge: \S+\/shell\/ledger\.jsonl is there already[^\n]*\n$/);
  t.deepEqual(readdirSync(out).sort(), ['cold', 'shell']);
});

test.serial('interrupted before a sample, it leaves no directory and says that nothing was saved', async (t) => {
  const out = join(folder, 'deep', 'early');
  const child = start('claims', model, '--out', out, ...quick);
  const ended = endOf(child);
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  await until(() => told.includes('part 1 of') || child.exitCode !== null, 600, 'the first part');
  child.kill('SIGINT');
  await ended;
  t.is(child.exitCode, 130, told);
  t.regex(told, /interrupted before a sample was weighed: there is nothing to judge, and nothing was saved\n$/);
  t.false(existsSync(join(folder, 'deep')));
});

test.serial('interrupted, it judges what was measured', async (t) => {
  const out = join(folder, 'interrupted');
  const child = start('claims', model, '--rounds', '100', '--out', out, ...quick);
  const ended = endOf(child);
  const weighed = (): boolean =>
    existsSync(join(out, 'warm', 'ledger.jsonl')) &&
    readFileSync(join(out, 'warm', 'ledger.jsonl'), 'utf8').split('\n').length > 8;
  await until(() => weighed() || child.exitCode !== null, 600, 'samples');
  child.kill('SIGINT');
  const text = (await ended).stdout.replaceAll(/\s+/g, ' ');
  t.is(child.exitCode, 130);
  const { stopped, parts } = claimsIn(out);
  t.is(stopped, 'interrupted');
  t.is(parts[0]?.outcome, 'ran');
  t.true(parts.slice(1).every(({ outcome }) => outcome === 'stopped'));
  t.true(existsSync(join(out, 'claims.md')));
  t.deepEqual(
    readdirSync(out).filter((name) => statSync(join(out, name)).isDirectory()),
    ['warm'],
  );
  t.regex(text, /Not weighed: parts cold, memory, processes, harm, shell, returned and copies \(interrupted\)/);
});

test('what cannot be is one line and exit code 2', async (t) => {
  for (const args of [
    [],
    ['/nowhere.gguf'],
    [model, '--shape', '1b'],
    ['--shape', '2b'],
    [model, '--rounds', '0'],
    [model, '--time-budget', 'soon'],
    [model, '--threads', 'many'],
  ]) {
    const { code, stdout, stderr } = await weighbridge(['claims', ...args]);
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
  }
});

test('a shape says what it needs, and is refused where the disk is full', async (t) => {
  // No disk has room for nothing: what a folder of the kernel has free.
  if (!existsSync('/proc/self')) return void t.pass();
  const out = join(folder, 'shape');
  const { code, stderr } = await weighbridge(['claims', '--shape', '30b', '--out', out], {
    ...process.env,
    XDG_CACHE_HOME: '/proc/self',
  });
  rmSync(out, { recursive: true, force: true });
  t.is(code, 2, stderr);
  t.regex(stderr, /^disk {4}17\.\d GiB for the model/m);
  t.regex(stderr, /needs 17\.\d GiB of disk, 0 B is free/);
});
