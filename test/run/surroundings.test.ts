import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Group, Sample } from '../../src/samples/record.js';
import { size } from '../../src/size.js';
import { weighbridge, type Ended } from '../command.js';
import { endOf, processesWith, removeFolder, scratchFolder, start, until } from '../processes.js';
import { MIB, groupsOfRun, isAlive, placeFor } from '../samples/groups.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const model = join(folder, 'model.gguf');
const work = '--state cold --memory-state as-is --rounds 1 --memory-rounds 0 --prompt 4 --generate 4 --lock-wait 600';

let runs = 0;
/** 48 MiB of weights. */
test.before(async (t) => {
  const made = await weighbridge(['gen', model, '--shape', '15m', '--type', 'f16']);
  if (made.code !== 0) t.fail(made.stderr);
});

function run(...args: readonly string[]): Promise<Ended> {
  runs += 1;
  return weighbridge(['run', model, ...work.split(' '), '--json', '--out', join(folder, `run-${runs}`), ...args]);
}

function samplesOf({ stdout }: Ended, loader?: string): readonly Sample[] {
  const { samples } = JSON.parse(stdout) as { readonly samples: readonly Sample[] };
  return loader === undefined ? samples : samples.filter(({ arm }) => arm.loader === loader);
}

/** What the runtime needs without weights, as a limit of one byte is told. */
async function runtimeNeed(t: ExecutionContext): Promise<number> {
  const told = await run('--loader', 'mmap-shared', '--memory-limit', '1B');
  t.is(told.code, 1, told.stderr);
  const [sample] = samplesOf(told);
  t.is(sample?.outcome, 'unsupported');
  t.is(sample?.reason?.code, 'limit-below-runtime');
  // It is told to the MiB, rounded either way.
  const mebibytes = /^a limit of 1 B is below the (\d+) MiB that/.exec(sample?.reason?.message ?? '')?.[1];
  const need = (Number(mebibytes) + 1) * MIB;
  t.true(need > 10 * MIB && need < 1024 * MIB, String(need));
  return need;
}

test.serial('a limited sample is weighed in a group of its own, whose counters it carries', async (t) => {
  if (placeFor(t) === null) return;
  const limited = await run('--loader', 'mmap-shared,stdio,direct', '--memory-limit', '400MiB');
  t.is(limited.code, 0, limited.stderr);
  for (const { arm, outcome, effective } of samplesOf(limited)) {
    t.is(outcome, 'ok', arm.loader);
    t.is(effective?.['limitBytes'], 400 * MIB);
    t.is(effective?.['limitOomKills'], 0);
    const peak = effective?.['limitPeakBytes'];
    t.true(
      peak === undefined || (Number(peak) > 20 * MIB && Number(peak) <= 400 * MIB),
      `${arm.loader}: ${String(peak)}`,
    );
  }
});

test.serial('what a loader cannot hold in its limit it is killed for; one that maps goes on', async (t) => {
  if (placeFor(t) === null) return;
  const need = await runtimeNeed(t);
  const limited = await run('--loader', 'mmap-shared,stdio', '--memory-limit', String(need + 24 * MIB));
  t.is(limited.code, 1, 'a failed sample');
  const [copied] = samplesOf(limited, 'stdio');
  t.is(copied?.outcome, 'failed');
  t.is(copied?.reason?.code, 'out-of-memory');
  t.regex(copied?.reason?.message ?? '', new RegExp(`the limit is ${size(need + 24 * MIB)}`));
  t.is(copied?.process.signal, 'SIGKILL');
  const [mapped] = samplesOf(limited, 'mmap-shared');
  t.is(mapped?.outcome, 'ok', mapped?.reason?.message);
  t.true(Number(mapped?.effective?.['limitPeakBytes'] ?? need + 24 * MIB) > need + 22 * MIB, 'it came up to its limit');
});

test.serial('later loads stay in the group of the first, and what it left there', async (t) => {
  if (placeFor(t) === null) return;
  const limited = await run('--loader', 'mmap-shared', '--memory-limit', '400MiB', '--loads', '3');
  t.is(limited.code, 0, limited.stderr);
  const samples = samplesOf(limited);
  t.deepEqual(
    samples.map(({ load, outcome }) => [load, outcome]),
    [
      [1, 'ok'],
      [2, 'ok'],
      [3, 'ok'],
    ],
  );
  const [first, ...later] = samples;
  t.is(first?.residency?.before, 0);
  for (const { residency, effective } of later) {
    t.is(residency?.before, residency?.size);
    t.true(Number(effective?.['limitFileBytes']) > 20 * MIB, 'the page cache of the first load is charged');
    // A peak of the group, which an earlier load may have reached.
    t.is(effective?.['limitPeakBytes'], undefined);
    t.is(effective?.['limitPeakSinceFirstLoadBytes'] === undefined, first?.effective?.['limitPeakBytes'] === undefined);
  }
});

test.serial('what the runtime needs is needed by each of several processes', async (t) => {
  if (placeFor(t) === null) return;
  const need = await runtimeNeed(t);
  const told = await run('--loader', 'mmap-shared', '--processes', '3', '--memory-limit', '1B');
  const { groups } = JSON.parse(told.stdout) as { readonly groups: readonly Group[] };
  const three = MIB * Number(/below the (\d+) MiB/.exec(groups[0]?.reason?.message ?? '')?.[1]);
  t.true(three > 2.5 * need && three < 3.5 * need, `${three} of three, ${need} of one`);
});

test.serial('so do later loads of a program', async (t) => {
  if (placeFor(t) === null) return;
  const command = ['--command', 'cat=cat {model}', '--loader', 'mmap-shared'];
  const limited = await run(...command, '--memory-limit', '400MiB', '--loads', '2');
  t.is(limited.code, 0, limited.stderr);
  const [first, second, ...more] = samplesOf(limited, 'cat');
  t.deepEqual(more, []);
  t.is(first?.residency?.before, 0);
  t.is(second?.load, 2);
  t.is(second?.residency?.before, second?.residency?.size);
  t.true(Number(second?.effective?.['limitFileBytes']) > 20 * MIB, JSON.stringify(second?.effective));
});

test.serial('several processes share a limit: what holds one copy of a model does not hold two', async (t) => {
  if (placeFor(t) === null) return;
  const limitBytes = 2 * (await runtimeNeed(t)) + 48 * MIB;
  const limited = await run('--loader', 'stdio', '--memory-limit', String(limitBytes), '--processes', '1,2');
  t.is(limited.code, 1, limited.stderr);
  const ended = (of: number): readonly (string | undefined)[] =>
    samplesOf(limited)
      .filter(({ process }) => process.of === of)
      .map(({ outcome, reason }) => reason?.code ?? outcome);
  t.deepEqual(ended(1), ['ok']);
  t.deepEqual([...ended(2)].sort(), ['group-ended', 'out-of-memory']);
  const { groups } = JSON.parse(limited.stdout) as { readonly groups: readonly Group[] };
  t.like(groups, [{ outcome: 'failed', reason: { code: 'out-of-memory' } }]);
});

test.serial('a program that got on without a process that the limit ended says so', async (t) => {
  if (placeFor(t) === null) return;
  const hungry = join(folder, 'hungry.sh');
  // tail holds all of a line that does not end.
  writeFileSync(hungry, `cat "$1" > /dev/null; head -c ${600 * MIB} /dev/zero | tail -n 1 > /dev/null; true\n`);
  const command = ['--command', `hungry=sh ${hungry} {model}`, '--loader', 'mmap-shared'];
  const limited = await run(...command, '--memory-limit', '400MiB');
  const [sample] = samplesOf(limited, 'hungry');
  t.is(sample?.outcome, 'ok', sample?.reason?.message);
  t.is(sample?.effective?.['limitOomKills'], 1);
  t.true(
    sample?.warnings.some((warning) => /killed 1 .* for want of memory/.test(warning)),
    sample?.warnings.join(),
  );
});

test.serial('a program whose memory is charged elsewhere is not taken for limited', async (t) => {
  const support = placeFor(t);
  if (support === null) return;
  // As a client whose daemon does the work.
  const away = join(folder, 'away.sh');
  writeFileSync(away, `echo $$ > ${support.parent}/cgroup.procs && exec cat "$1"\n`);
  const command = ['--command', `away=sh ${away} {model}`, '--loader', 'mmap-shared'];
  const limited = await run(...command, '--memory-limit', '400MiB');
  const samples = samplesOf(limited, 'away');
  t.true(samples.length > 0);
  for (const { outcome, reason } of samples)
    t.like({ outcome, reason }, { outcome: 'invalid', reason: { code: 'limit-not-charged' } });
});

test.serial('a run that is killed while a limited sample is at work leaves no group and no process', async (t) => {
  if (placeFor(t) === null) return;
  const out = join(folder, 'killed');
  const long = work.replace('--rounds 1', '--rounds 500').split(' ');
  const child = start('run', model, ...long, '--loader', 'mmap-shared', '--memory-limit', '400MiB', '--out', out);
  const ended = endOf(child);
  await until(() => existsSync(join(out, 'ledger.jsonl')) || child.exitCode !== null, 600, 'the run to begin');
  await until(() => groupsOfRun(child.pid ?? 0).length > 0, 600, 'a group');
  const ours = processesWith('samples/', model);
  child.kill('SIGKILL');
  await ended;
  await until(() => groupsOfRun(child.pid ?? 0).length === 0, 30, 'the group to go');
  await until(
    () => [...ours, ...processesWith('samples/child.js', model)].every((pid) => !isAlive(pid)),
    30,
    'the processes to end',
  );
  t.pass();
});

test.serial('a bystander shares the limit, and it is told what a load left of its file', async (t) => {
  if (placeFor(t) === null) return;
  const file = join(folder, 'of-a-bystander');
  writeFileSync(file, Buffer.alloc(32 * MIB, 1));
  const beside = ['--loader', 'mmap-shared', '--pressure', `bystander:${file}`, '--loads', '2', '--memory-limit'];
  const roomy = await run(...beside, '600MiB');
  t.is(roomy.code, 0, roomy.stderr);
  const samples = samplesOf(roomy);
  t.is(samples.length, 2);
  for (const { outcome, effective, reason } of samples) {
    t.is(outcome, 'ok', reason?.message);
    t.is(effective?.['limitBytes'], 600 * MIB);
    t.is(effective?.['bystanderCachedBefore'], 32 * MIB);
    t.is(effective?.['bystanderCachedBytes'], 32 * MIB, 'there is room for all');
  }
  const need = await runtimeNeed(t);
  const tight = await run(...beside, String(need + 48 * MIB));
  t.is(tight.code, 0, tight.stderr);
  const [first] = samplesOf(tight);
  const cached = Number(first?.effective?.['bystanderCachedBytes']) + Number(first?.residency?.after);
  t.true(cached <= need + 48 * MIB, 'the file and the model lie under one limit');
  const none = await run(...beside, String(need + 16 * MIB));
  t.is(none.code, 1);
  t.like(samplesOf(none)[0], { outcome: 'unsupported', reason: { code: 'limit-below-bystander' } });
});

test.serial('a bystander without a limit of its own, or with the model, is one line and exit code 2', async (t) => {
  const file = join(folder, 'nobody-s');
  writeFileSync(file, 'a file');
  const cases = [
    ['--pressure', `bystander:${file}`],
    ['--pressure', `bystander:${file}`, '--memory-limit', '1GiB,none'],
    ['--pressure', `bystander:${model}`, '--memory-limit', '1GiB'],
  ];
  for (const args of cases) {
    const { code, stdout, stderr } = await run('--loader', 'mmap-shared', ...args);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: --pressure bystander:[^\n]+\n$/);
  }
});

test.serial('memory that a companion holds is held beside the sample', async (t) => {
  const pressed = await run('--loader', 'mmap-shared', '--pressure', '64MiB');
  t.is(pressed.code, 0, pressed.stderr);
  const [sample] = samplesOf(pressed);
  t.is(sample?.outcome, 'ok', sample?.reason?.message);
  t.true(Number(sample?.effective?.['pressureHeldBytes']) >= 63 * MIB, JSON.stringify(sample?.effective));
});

test.serial('a file that a companion streams is read while the sample runs', async (t) => {
  const file = join(folder, 'streamed');
  writeFileSync(file, Buffer.alloc(4 * MIB, 1));
  const pressed = await run('--loader', 'mmap-shared', '--pressure', `stream:${file}`);
  t.is(pressed.code, 0, pressed.stderr);
  const [sample] = samplesOf(pressed);
  t.is(sample?.outcome, 'ok', sample?.reason?.message);
  t.true(Number(sample?.effective?.['pressureStreamedBytes']) > 0);
});

test.serial(
  'more pressure than there is memory is refused before anything is measured, by a dry run as well',
  async (t) => {
    for (const also of [[], ['--dry-run']]) {
      const out = join(folder, 'pressed');
      const pressed = await weighbridge(['run', model, '--pressure', '900TiB', '--out', out, ...also]);
      t.is(pressed.code, 2);
      t.regex(
        pressed.stderr,
        /^weighbridge: --pressure 921600\.0 GiB: holding 921600\.0 GiB needs .* are available; hold less\n$/,
      );
      t.false(existsSync(out));
    }
  },
);
