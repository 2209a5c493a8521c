import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readNoise } from '../../src/noise-store.js';
import type { NoiseRecord } from '../../src/statistics/noise.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { aaLedger } from '../statistics/aa-ledger.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);
const data = join(folder, 'data');
const env = { ...process.env, XDG_DATA_HOME: data };
const quick = ['--state', 'warm', '--memory-state', 'as-is', '--threads', '2', '--lock-wait', '1100'];

/** A run on disk that nobody has to wait for. */
function recorded(name: string, rounds: number): string {
  const ledger = aaLedger({ rounds });
  const directory = join(folder, name);
  mkdirSync(directory);
  const lines = [ledger.run, ...ledger.samples, ledger.end].map((record) => JSON.stringify(record));
  writeFileSync(join(directory, 'ledger.jsonl'), `${lines.join('\n')}\n`);
  return directory;
}

test.serial('a loader is weighed against itself in pairs, and its noise kept beside the ledger', async (t) => {
  const out = join(folder, 'aa');
  const { code, stdout, stderr } = await weighbridge(
    ['aa', model, '--pairs', '3', '--json', '--out', out, ...quick],
    env,
  );
  t.is(code, 0, stderr);
  const { noise, run } = JSON.parse(stdout) as { readonly noise: readonly NoiseRecord[]; readonly run: string };
  t.is(run, out);
  t.is(noise.length, 1);
  t.like(noise[0]?.key, { state: 'warm', memoryState: 'as-is' });
  t.is(noise[0]?.provenance.loader, 'mmap-shared');
  t.is(noise[0]?.metrics.ttft.pairs, 3);
  t.is(noise[0]?.metrics.decode.pairs, 3);
  for (const file of ['ledger.jsonl', 'noise.json', 'summary.json']) t.true(existsSync(join(out, file)), file);
  const beside: unknown = JSON.parse(readFileSync(join(out, 'noise.json'), 'utf8'));
  t.deepEqual(beside, noise);
  // Three pairs have no noise floor: nothing is kept for others.
  t.false(existsSync(join(data, 'weighbridge', 'noise')));
});

test.serial('forty pairs of a run that is there are kept for this machine, and read back', async (t) => {
  const directory = recorded('forty', 40);
  const { code, stdout, stderr } = await weighbridge(['aa', '--from', directory], env);
  t.is(code, 0, stderr);
  t.regex(stdout, /40 pairs of 40 rounds/);
  // Its page begins with the noise, also when it is written again.
  const page = readFileSync(join(directory, 'report.html'), 'utf8');
  t.regex(
    page,
    /<p class="answer">On this machine two equal loads differ in their time to first token by noise alone: /,
  );
  t.regex(page, /<th scope="col">noise floor of 40<\/th>/);
  t.is((await weighbridge(['report', directory])).code, 0);
  t.is(readFileSync(join(directory, 'report.html'), 'utf8'), page);
  const stored = readdirSync(join(data, 'weighbridge', 'noise'));
  t.is(stored.length, 1);
  t.regex(stored[0] ?? '', /^feedfacecafebeef-[0-9a-f]{16}-warm-backed\.json$/);
  t.is(readNoise(join(data, 'weighbridge', 'noise', stored[0] ?? ''))?.metrics.ttft.pairs, 40);
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80 && !/^ +\//.test(line)),
    [],
  );
});

test.serial('it says which figures a gate will find, and which not, and where they lie', async (t) => {
  const many = await weighbridge(['aa', '--from', recorded('stored', 41)], env);
  t.regex(
    many.stdout,
    /\nWritten:\n {2}\S+noise\.json\n {2}\S+report\.md\nStored for gates \(ab, check\) on this machine:\n {2}warm, backed \(first token, complete and decode step\):\n {4}\S+-warm-backed\.json\nThe report, for a browser:\n {2}\S+report\.html\n$/,
  );
  const few = await weighbridge(['aa', '--from', recorded('few', 3)], env);
  t.regex(
    few.stdout.replaceAll(/\s+/g, ' '),
    /Not stored for a gate, since a noise floor takes 40 pairs: warm, backed: first token 3 pairs, complete 3 pairs, decode step 3 pairs\. These figures lie beside the ledger alone/,
  );
  t.notRegex(few.stdout, /Stored for gates/);
});

test('what cannot be is one line and exit code 2', async (t) => {
  for (const args of [
    [],
    ['/nowhere.gguf'],
    [model, '--pairs', '0'],
    [model, '--state', 'hot'],
    [model, '--loader', 'null'],
    [model, '--loader', 'nosuch'],
    [model, '--time-budget', 'soon'],
    ['--from', join(folder, 'nowhere')],
    [model, '--from', folder],
  ]) {
    const { code, stdout, stderr } = await weighbridge(['aa', ...args], env);
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
  }
});
