import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
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

test.serial('the six claims are weighed, judged, printed and written, whatever comes out', async (t) => {
  const out = join(folder, 'claims');
  const { code, stdout, stderr } = await weighbridge(['claims', model, '--rounds', '1', '--out', out, ...quick]);
  t.is(code, 0, stderr);
  t.regex(stderr, /^disk {4}\S[^]*\nmemory {2}\S[^]*\ntime {4}about 4 minutes at most$/m);
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
  for (const name of ['warm', 'cold', 'memory', 'processes', 'shell']) {
    t.is(parts.find((part) => part.name === name)?.outcome, 'ran', name);
  }
  t.false(existsSync(join(out, 'harm', 'bystander')), 'nothing large stays');
  const markdown = readFileSync(join(out, 'claims.md'), 'utf8');
  t.is(markdown.match(/^## \d\. /gm)?.length, 6);
  for (const number of [1, 2, 3, 4, 5, 6]) t.regex(stdout, new RegExp(`^${number}\\. `, 'm'));
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  /')),
    [],
  );
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
  await ended;
  t.is(child.exitCode, 130);
  const { stopped, parts } = claimsIn(out);
  t.is(stopped, 'interrupted');
  t.is(parts[0]?.outcome, 'ran');
  t.true(parts.slice(1).every(({ outcome }) => outcome === 'stopped'));
  t.true(existsSync(join(out, 'claims.md')));
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
