import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readLedger } from '../../src/samples/ledger.js';
import type { Plan } from '../../src/samples/record.js';
import { root, runNode, weighbridge } from '../command.js';
import { copyOfFixture, endOf, removeFolder, scratchFolder, start, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);

/** No engine's but what a test sets. */
const engines = /^(SLURM_ARRAY_|CI_NODE_|BUILDKITE_PARALLEL_|JOB_COMPLETION_INDEX)/;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !engines.test(name)));

const options =
  '--loader read,mmap-shared --state warm --memory-state as-is --processes 1,2 --threads 1 --rounds 2 --prompt 4 --generate 3';
const asked = ['run', model, ...options.split(' ')];
const withRounds = (rounds: number): readonly string[] =>
  asked.map((word, at) => (asked[at - 1] === '--rounds' ? `${rounds}` : word));
const waiting = ['--lock-wait', '1100'];

test.serial('three shards, one of them with nothing to weigh, merge into what one run weighs', async (t) => {
  const place = (name: string): string => join(folder, name);
  for (const [index, name] of ['shard-1', 'shard-2', 'shard-3'].entries()) {
    const told = { ...env, BUILDKITE_PARALLEL_JOB: `${index}`, BUILDKITE_PARALLEL_JOB_COUNT: '3' };
    const ended = await weighbridge([...asked, '--shard', 'auto', '--out', place(name), ...waiting], told);
    t.is(ended.code, 0, ended.stderr);
    if (index === 2) t.regex(ended.stdout, /^Shard 3 of 3 has nothing to weigh: the plan has 2 parts\.$/m);
    const { run } = readLedger(place(name)).ledger;
    t.like(run.plan.shard, { numbers: [index + 1], of: 3 });
    t.true(run.command.join(' ').includes(`--shard ${index + 1}/3`));
  }
  t.deepEqual(readdirSync(place('shard-3')), ['ledger.jsonl']);
  t.is(readLedger(place('shard-3')).ledger.samples.length, 0);
  t.regex(readFileSync(join(place('shard-1'), 'report.md'), 'utf8'), /shard 1 of 3 of a plan/);

  const shards = [1, 2, 3].map((number) => place(`shard-${number}`));
  const merged = await weighbridge(['merge', ...shards, '--out', place('merged')], env);
  t.is(merged.code, 0, merged.stderr);
  t.true(existsSync(join(place('merged'), 'report.html')));
  const whole = await weighbridge([...asked, '--out', place('whole'), ...waiting], env);
  t.is(whole.code, 0, whole.stderr);
  const compared = await runNode([join(root, 'scripts/check-merged.mjs'), place('merged'), place('whole')]);
  t.is(compared.code, 0, compared.stdout);
  t.regex(compared.stdout, /equal to the unsharded run/);
});

test.serial('a shard that was interrupted is resumed as the shard that it is', async (t) => {
  const out = join(folder, 'interrupted');
  const run = start(...withRounds(5), '--shard', '2/2', '--out', out, ...waiting);
  const ended = endOf(run);
  const lines = (): number => {
    const path = join(out, 'ledger.jsonl');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length : 0;
  };
  await until(() => lines() > 4, 300, 'a few samples');
  run.kill('SIGINT');
  t.is((await ended).code, 130);
  const merged = await weighbridge(['merge', out, '--out', join(folder, 'never')], env);
  t.is(merged.code, 2);
  t.regex(merged.stderr, /missing: 1/);
  const stray = await weighbridge(['run', '--resume', out, '--shard', '2/2'], env);
  t.is(stray.code, 2);
  t.regex(stray.stderr, /give no --shard with it/);
  const resumed = await weighbridge(['run', '--resume', out, ...waiting], env);
  t.is(resumed.code, 0, resumed.stderr);
  const { run: header, samples, end } = readLedger(out).ledger;
  t.is(end?.stopped, 'complete');
  const settings = new Set(samples.map(({ arm }) => header.arms[arm.id]?.setting));
  t.deepEqual(
    [...settings],
    header.plan.shard?.parts.map(({ setting }) => setting),
  );
});

test('a dry run shows what a shard weighs, and shards are no wider than the plan', async (t) => {
  const samplesOf = async (...shard: readonly string[]) => {
    const { stdout } = await weighbridge([...asked, '--dry-run', '--json', ...shard], env);
    return JSON.parse(stdout) as { readonly samples: number; readonly plan: Plan };
  };
  const [whole, one, two] = [await samplesOf(), await samplesOf('--shard', '1/2'), await samplesOf('--shard', '2/2')];
  t.is(one.samples + two.samples, whole.samples);
  t.true(one.samples > 0 && two.samples > 0);
  t.is(one.plan.shard?.digest, two.plan.shard?.digest);
  const { stdout } = await weighbridge([...asked, '--dry-run', '--shard', '2/2'], env);
  t.regex(stdout, /^shard +2 of 2: 1 of 2 parts of plan [0-9a-f]{16}$/m);
  t.regex(stdout, /^ {11}1 process · warm, free memory as-is$/m);
});

test('options that cannot go with a shard are refused in one line', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[...asked, '--shard', '3/2'], /shard 3, and there are 1 to 2/],
    [[...asked, '--shard', 'auto'], /none of SLURM_ARRAY_TASK_ID/],
    [[...withRounds(6), '--shard', '1/2', '--precision', '5%'], /--precision may end a run early/],
    [[...asked, '--shard', '1/2', '--time-budget', '60'], /--time-budget may end a run early/],
    [['ab', model, '--base', 'read', '--head', 'stdio', '--shard', '1/2'], /shard/],
    [['claims', model, '--shard', '1/2'], /shard/],
  ];
  for (const [args, complaint] of cases) {
    const { code, stdout, stderr } = await weighbridge(args, env);
    t.is(code, 2, stderr);
    t.regex(stderr, complaint);
    t.is(stderr.trim().split('\n').length, 1, stderr);
    t.is(stdout, '');
  }
});
