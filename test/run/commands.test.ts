/** Commands weighed by `run`: real programs in the same states and blocks, every end of theirs, and none left behind. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Group, LedgerRecord, RunRecord, Sample } from '../../src/samples/record.js';
import type { CellSummary, Summary } from '../../src/statistics/summary-types.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, endOf, processesWith, removeFolder, scratchFolder, start, until } from '../processes.js';
import { tried } from './tried.js';

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly groups: readonly Group[];
  readonly summary: Summary;
}

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);
const bytes = readFileSync(model).length;

const work = '--memory-state as-is --memory-rounds 0 --prompt 2 --generate 2 --threads 2 --lock-wait 1100'.split(' ');
let count = 0;

async function run(
  t: ExecutionContext,
  code: number,
  ...args: readonly string[]
): Promise<Output & { stderr: string }> {
  const out = join(folder, `run-${count++}`);
  const ended = await weighbridge(['run', model, ...args, ...work, '--json', '--out', out]);
  t.is(ended.code, code, ended.stderr);
  return { ...(JSON.parse(ended.stdout) as Output), stderr: ended.stderr };
}

const ofCommand = (samples: readonly Sample[], name: string): readonly Sample[] =>
  samples.filter(({ arm }) => arm.loader === name);

test.serial('programs are weighed in the states and blocks of loaders, in a table of their own', async (t) => {
  const out = join(folder, 'beside');
  const commands = [
    '--command',
    'sum=sha256sum {model}',
    '--command',
    'cat=cat {model}',
    '--command-output',
    'first-byte',
  ];
  const args = ['run', model, '--loader', 'read,mmap-shared', '--rounds', '2', ...commands, ...work, '--out', out];
  const { code, stdout, stderr } = await weighbridge(args);
  t.is(code, 0, stderr);
  t.regex(stdout, /^external command +wall/m);
  t.regex(stdout, /^sum +\d/m);
  t.regex(stdout.replaceAll(/\s+/g, ' '), /against read, which takes .* from exec to its first token/);

  const records = readFileSync(join(out, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
  const samples = records
    .map((line) => JSON.parse(line) as LedgerRecord)
    .filter((record): record is Sample => record.kind === 'sample');
  for (const name of ['sum', 'cat']) {
    const own = tried(ofCommand(samples, name));
    t.deepEqual(new Set(own.map(({ state }) => state)), new Set(['cold', 'warm']));
    for (const { command, residency, state, ...sample } of own) {
      t.is(sample.outcome, 'ok');
      t.is(sample.phases, null);
      t.is(sample.ttftNs, null);
      t.is(sample.logitsHash, null);
      t.is(command?.exitCode, 0);
      t.true((command?.firstByteNs ?? 0) > 0 && (command?.firstByteNs ?? 0) <= (command?.wallNs ?? 0));
      if (residency?.before == null) continue;
      t.is(residency.before, state === 'cold' ? 0 : residency.size);
      t.is(residency.after, residency.size);
      if (state === 'cold' && command?.readBytes != null) t.true(command.readBytes >= bytes, `${command.readBytes}`);
    }
  }
  const { cells } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  const cell = (label: string): CellSummary | undefined =>
    cells.find(({ arm, state }) => arm.label === label && state === 'warm');
  t.is(cell('sum')?.command?.wallRatio, null);
  t.is(cell('cat')?.command?.wallRatio?.pairs, 2);
  t.is(cell('cat')?.command?.firstByteRatio?.pairs, 2);
  t.is(cell('cat')?.ratio, null);
  t.is(cell('mmap-shared')?.command, null);
  t.true((cell('read')?.execToTokenNs?.median ?? 0) > (cell('read')?.ttftNs?.median ?? 0));
  t.regex(readFileSync(join(out, 'samples.csv'), 'utf8'), /command_wall_ns/);
});

test.serial('commands alone are compared with the first of them, and no loader is weighed', async (t) => {
  const commands = [
    '--command',
    'sum=sha256sum {model}',
    '--command',
    'cat=sh -c \'cat "$1" && echo && echo 12.5 t/s\' x {model}',
  ];
  const pattern = ['--command-pattern', 'cat=^([\\d.]+) t/s$'];
  const args = ['--state', 'warm', '--rounds', '2', ...commands, ...pattern];
  const { run: header, samples, summary } = await run(t, 0, ...args);
  t.deepEqual(new Set(Object.values(header.arms).map(({ kind }) => kind)), new Set(['command']));
  t.deepEqual(header.referenceHashes, {});
  t.true(samples.length >= 4);
  const [sum, cat] = summary.cells;
  t.is(sum?.arm.label, 'sum');
  t.true(sum?.isReference);
  t.is(sum?.arm.command?.output, 'discard');
  // A pattern needs the output.
  t.is(cat?.arm.command?.output, 'first-byte');
  t.is(cat?.command?.wallRatio?.pairs, 2);
  t.is(cat?.command?.firstByteRatio, null);
  t.is(cat?.command?.tokensPerSecond?.median, 12.5);
  t.is(ofCommand(samples, 'sum')[0]?.command?.firstByteNs, null);
  t.is(header.config, null);
});

test.serial(
  'a program that fails is a failed sample with its exit code and last line, and the run goes on',
  async (t) => {
    const failing = `bad=sh -c 'echo one >&2; echo "no such option" >&2; exit 7' {model}`;
    const { samples, stderr } = await run(
      t,
      1,
      '--state',
      'warm',
      '--rounds',
      '1',
      '--command',
      'cat=cat {model}',
      '--command',
      failing,
    );
    const [bad] = ofCommand(samples, 'bad');
    t.like(bad, { outcome: 'failed', command: { exitCode: 7 }, reason: { code: 'command-failed' } });
    t.regex(bad?.reason?.message ?? '', /exit code 7: no such option$/);
    t.is(tried(ofCommand(samples, 'cat'))[0]?.outcome, 'ok');
    t.regex(stderr, /failed/);
  },
);

test.serial('a program that a signal ends is a failed sample that names it', async (t) => {
  const { samples } = await run(t, 1, '--state', 'warm', '--rounds', '1', '--command', "hurt=sh -c 'kill -SEGV $$'");
  const [hurt] = ofCommand(samples, 'hurt');
  t.like(hurt, {
    outcome: 'failed',
    command: { exitCode: null, signal: 'SIGSEGV' },
    reason: { code: 'killed-by-signal' },
  });
});

test.serial('a program that went away is unsupported, and the run says so', async (t) => {
  const missing = join(folder, 'interpreter');
  writeFileSync(missing, '#!/nowhere/sh\n', { mode: 0o755 });
  const command = `none=${missing} {model}`;
  const { samples, stderr } = await run(t, 1, '--state', 'warm', '--rounds', '1', '--command', command);
  t.like(ofCommand(samples, 'none')[0], { outcome: 'unsupported', reason: { code: 'command-not-found' } });
  t.regex(stderr, /none was asked for and is unsupported here/);
});

test.serial('a program that takes longer than its limit is ended with all its children', async (t) => {
  const mark = String(90_000 + process.pid);
  const command = `hang=sh -c 'trap "" TERM; sleep ${mark} & sleep ${mark}' {model}`;
  const { samples } = await run(t, 1, '--state', 'warm', '--rounds', '1', '--timeout', '2', '--command', command);
  t.like(ofCommand(samples, 'hang')[0], { outcome: 'failed', reason: { code: 'timeout' }, command: null });
  await until(() => processesWith(`sleep\0${mark}`).length === 0, 10, 'the processes to end');
});

test.serial('kill -9 of the run leaves no program behind', async (t) => {
  const mark = String(190_000 + process.pid);
  const command = `long=sh -c 'sleep ${mark} & sleep ${mark}' {model}`;
  const running = start(
    'run',
    model,
    '--state',
    'warm',
    '--rounds',
    '1',
    '--command',
    command,
    ...work,
    '--out',
    join(folder, 'killed'),
  );
  const ended = endOf(running);
  await until(() => processesWith(`sleep\0${mark}`).length >= 2, 240, 'the program to run');
  running.kill('SIGKILL');
  t.is((await ended).signal, 'SIGKILL');
  await until(() => processesWith(`sleep\0${mark}`).length === 0, 10, 'the processes to end');
});

test.serial('several processes of a command are a group whose last end counts', async (t) => {
  const args = ['--state', 'warm', '--rounds', '1', '--processes', '2', '--command', "nap=sh -c 'sleep 0.1' {model}"];
  const { samples: all, groups, summary } = await run(t, 0, ...args);
  const [group] = tried(groups);
  t.like(group, { processes: 2, outcome: 'ok' });
  const samples = all.filter((sample) => sample.group === group?.id);
  t.deepEqual(samples.map(({ process: { index, of } }) => `${index} of ${of}`).toSorted(), ['0 of 2', '1 of 2']);
  const walls = samples.map(({ command }) => command?.wallNs ?? 0);
  t.deepEqual(summary.cells[0]?.command?.wallNs?.values, [Math.max(...walls)]);
});

test.serial('a command that is not told the model is weighed, and says so', async (t) => {
  const { samples, stderr } = await run(t, 0, '--state', 'warm', '--rounds', '1', '--command', 'free=true');
  t.regex(stderr, /^free: no argument holds \{model\}, so that the program is not told which model it is$/m);
  t.regex(ofCommand(samples, 'free')[0]?.warnings.join() ?? '', /no argument holds \{model\}/);
});

test.serial('a plan of a configuration file is run, overridden by options, and recorded with its digest', async (t) => {
  const config = join(folder, 'weighbridge.config.json');
  const command = { name: 'cat', argv: ['cat', '{model}'], output: 'first-byte' };
  const plans = { nightly: { models: 'tiny-Q8_0.gguf', states: 'warm', rounds: 3, prompt: 3, commands: [command] } };
  writeFileSync(config, JSON.stringify({ plans }));
  const out = join(folder, 'planned');
  const options = '--plan nightly --rounds 2 --memory-rounds 0 --memory-state as-is --lock-wait 240 --json --out'.split(
    ' ',
  );
  const { code, stdout, stderr } = await weighbridge(['run', ...options, out], process.env, folder);
  t.is(code, 0, stderr);
  const { run: header } = JSON.parse(stdout) as Output;
  t.is(header.plan.rounds, 2);
  t.deepEqual(header.plan.states, ['warm']);
  t.like(header.config, { path: config, plan: 'nightly' });
  t.regex(header.config?.digest ?? '', /^[0-9a-f]{16}$/);
  const [arm] = Object.values(header.arms);
  t.deepEqual(arm?.command, { argv: ['cat', '{model}'], output: 'first-byte', pattern: null });
  t.true(existsSync(join(out, 'summary.json')));
});

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    'a command without a name',
    ['--command', 'cat {model}'],
    /--command is NAME='program \{model\} …', not "cat \{model\}"/,
  ],
  ['a name with spaces', ['--command', 'a b=cat'], /--command a b: a name is made of letters/],
  ['no program', ['--command', 'a='], /--command a: it names no program/],
  ['a pipe', ['--command', 'a=cat {model} | wc'], /--command a: no shell runs it, so \| has no meaning/],
  ['two of a name', ['--command', 'a=cat', '--command', 'a=wc'], /two commands are named a/],
  ['the name of a loader', ['--loader', 'read', '--command', 'read=cat'], /read is a loader of this run as well/],
  ['another output', ['--command', 'a=cat', '--command-output', 'file'], /--command-output takes discard, first-byte/],
  ['an output of nothing', ['--command-output', 'discard'], /are of a --command: give one/],
  [
    'a pattern of nobody',
    ['--command', 'a=cat', '--command-pattern', 'b=(x)'],
    /--command-pattern b: there is no --command/,
  ],
  ['a pattern without a group', ['--command', 'a=cat', '--command-pattern', 'a=x'], /needs one group.*it has 0/],
  ['a broken pattern', ['--command', 'a=cat', '--command-pattern', 'a=('], /its pattern is no regular expression/],
  [
    'a command as reference beside loaders',
    ['--loader', 'read', '--command', 'a=cat', '--reference', 'a'],
    /--reference a/,
  ],
  [
    'a program that is nowhere',
    ['--command', 'a=no-such-program {model}'],
    /--command a: there is no program no-such-program in/,
  ],
  ['a path that is nowhere', ['--command', 'a=/no/program {model}'], /--command a: there is no program \/no\/program/],
  ['a program that may not run', ['--command', `a=${model} {model}`], /--command a: .* is no program that may be run/],
  [
    'a slip of {model}',
    ['--command', 'a=cat {modle}'],
    /\{modle\} is no placeholder; the path of the model is \{model\}/,
  ],
  ['another placeholder', ['--command', 'a=cat {file}'], /--command a: \{file\} is no placeholder/],
  ['a plan that is nowhere', ['--plan', 'nightly-of-nobody'], /weighbridge\.config|there is no plan/],
];

for (const [what, args, expected] of wrong) {
  test.serial(`${what} is one line and exit code 2`, async (t) => {
    const { code, stderr, stdout } = await weighbridge(['run', model, ...args, '--dry-run']);
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
    t.is(stdout, '');
  });
}

test.serial('--plan without a name is the plan default', async (t) => {
  const place = scratchFolder();
  t.teardown(() => {
    removeFolder(place);
  });
  writeFileSync(join(place, 'weighbridge.config.json'), JSON.stringify({ plans: { default: { models: model } } }));
  const { code, stdout, stderr } = await weighbridge(
    ['run', '--dry-run', '--rounds', '7', '--plan'],
    process.env,
    place,
  );
  t.is(code, 0, stderr);
  t.regex(stdout, /^rounds +7,/m);
});

test.serial('a value of a plan that is out of range is named by its file and key', async (t) => {
  const place = scratchFolder();
  t.teardown(() => {
    removeFolder(place);
  });
  writeFileSync(join(place, 'weighbridge.config.json'), JSON.stringify({ plans: { a: { models: model, rounds: 0 } } }));
  const { code, stderr } = await weighbridge(['run', '--plan', 'a', '--dry-run'], process.env, place);
  t.is(code, 2, stderr);
  t.regex(stderr, /weighbridge\.config\.json: plans\.a\.rounds must be a whole number from 1/);
});
