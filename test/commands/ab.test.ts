import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { VerdictFile } from '../../src/gate/verdict-types.js';
import { readLedger } from '../../src/samples/ledger.js';
import { root, weighbridge } from '../command.js';
import { copyOfFixture, endOf, removeFolder, scratchFolder, start, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);
const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data') };
const quick = [
  '--state',
  'warm',
  '--memory-state',
  'as-is',
  '--threads',
  '2',
  '--prompt',
  '4',
  '--generate',
  '4',
  '--lock-wait',
  '600',
];
const REPORTS = ['ledger.jsonl', 'summary.json', 'samples.csv', 'verdict.json', 'verdict.md', 'junit.xml'];

const verdictIn = (out: string): VerdictFile =>
  JSON.parse(readFileSync(join(out, 'verdict.json'), 'utf8')) as VerdictFile;

/** A loader that sleeps so long before it reads. */
function sleeper(name: string, milliseconds: number): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(
    path,
    `import { readFileSync } from 'node:fs';
const nap = new Int32Array(new SharedArrayBuffer(4));
export const load = (parts, allocate) => {
  if (${milliseconds} > 0) Atomics.wait(nap, 0, 0, ${milliseconds});
  return parts.map((part) => {
    const bytes = allocate(part);
    bytes.set(readFileSync(part.path).subarray(part.begin, part.end));
    return bytes;
  });
};
`,
  );
  return path;
}

test.serial('identical sides do not regress: exit code 0, all reports there, the orders in turns', async (t) => {
  const out = join(folder, 'same');
  const sides = ['--base', 'mmap-shared', '--head', 'mmap-shared'];
  // Of a model that loads in a millisecond, noise alone is beyond the usual threshold.
  const { code, stdout, stderr } = await weighbridge(
    ['ab', model, ...sides, '--pairs', '20', '--threshold', '60%', '--threshold', 'faults=20%', '--out', out, ...quick],
    env,
  );
  t.is(code, 0, stderr + stdout);
  for (const file of REPORTS) t.true(existsSync(join(out, file)), file);
  const verdict = verdictIn(out);
  t.like(verdict, { kind: 'verdict', schema: 1, how: 'ab', advisory: null });
  t.true(verdict.comparisons.every((each) => each.verdict !== 'regressed'));
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  /')),
    [],
  );
  t.regex(stdout, /sees: the smallest worsening/);
  const { ledger } = readLedger(out);
  t.is(ledger.run.plan.order, 'counterbalanced');
  t.deepEqual(ledger.run.plan.ceilings[ledger.run.plan.models[0] ?? ''], {});
  const firsts = [1, 2, 3, 4].map((round) => ledger.samples.find((sample) => sample.round === round)?.arm.id);
  t.not(firsts[0], firsts[1]);
  t.not(firsts[2], firsts[3]);
});

test.serial(
  'a delay that was put in is a regression: exit code 3 at one of the looks, all reports there',
  async (t) => {
    const out = join(folder, 'slower');
    const { code, stdout, stderr } = await weighbridge(
      [
        'ab',
        model,
        '--base',
        sleeper('quick', 0),
        '--head',
        sleeper('slow', 500),
        '--metric',
        'ttft',
        '--out',
        out,
        ...quick,
      ],
      env,
    );
    t.is(code, 3, stderr + stdout);
    for (const file of REPORTS) t.true(existsSync(join(out, file)), file);
    t.is(verdictIn(out).verdict, 'regressed');
    t.regex(stdout, /^Regressed: first token warm/);
    t.regex(readFileSync(join(out, 'junit.xml'), 'utf8'), /<failure message="regressed: first token is/);
    t.regex(readFileSync(join(out, 'verdict.md'), 'utf8'), /Regressed: first token warm/);
    const { ledger } = readLedger(out);
    t.is(ledger.end?.stopped, 'decided');
    // One pair of ten that a busy machine turned round leaves the first look undecided.
    t.true([10, 20, 40].includes(Math.max(...ledger.samples.map(({ round }) => round))));
  },
);

test.serial('two commands are judged by their wall time', async (t) => {
  const out = join(folder, 'commands');
  const { code, stdout, stderr } = await weighbridge(
    [
      'ab',
      model,
      '--base',
      'cmd=true {model}',
      '--head',
      "cmd=sh -c 'sleep 0.3'",
      '--metric',
      'wall',
      // Ten differences that happen to resemble their neighbours are five values, too few for any verdict.
      '--pairs',
      '20',
      '--json',
      '--out',
      out,
      ...quick,
    ],
    env,
  );
  t.is(code, 3, stderr);
  const verdict = JSON.parse(stdout) as VerdictFile;
  t.like(verdict.base, { name: 'base', detail: 'true {model}' });
  t.is(verdict.comparisons[0]?.metric, 'wall');
});

/** A build of ours in a directory of its own; its parts are links. */
function otherBuild(name: string): string {
  const directory = join(folder, name);
  mkdirSync(join(directory, 'native', 'build'), { recursive: true });
  symlinkSync(join(root, 'native', 'build', 'Release'), join(directory, 'native', 'build', 'Release'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  mkdirSync(join(directory, 'dist'));
  for (const part of ['src', 'loaders', 'reports']) {
    cpSync(join(root, 'dist', part), join(directory, 'dist', part), { recursive: true });
  }
  cpSync(join(root, 'package.json'), join(directory, 'package.json'));
  return directory;
}

test.serial('another build does its own work: its process is the one that runs', async (t) => {
  const directory = otherBuild('build');
  const child = join(directory, 'dist', 'src', 'samples', 'child.js');
  // Whatever it is asked to load fails there, and nowhere else.
  writeFileSync(
    child,
    readFileSync(child, 'utf8').replace(
      "if (task.kind === 'ceiling')",
      "if (task.spec.mechanism === 'mmap') throw Object.assign(new Error('of the other build'), { code: 'broken' });\n    if (task.kind === 'ceiling')",
    ),
  );
  const out = join(folder, 'builds');
  const { code, stderr } = await weighbridge(
    [
      'ab',
      model,
      '--base',
      'mmap-shared',
      '--head',
      directory,
      '--metric',
      'ttft',
      '--pairs',
      '10',
      '--out',
      out,
      ...quick,
    ],
    env,
  );
  t.is(code, 3, stderr);
  const { ledger } = readLedger(out);
  const head = ledger.run.arms[ledger.run.plan.arms[1] ?? ''];
  t.is(head?.buildDirectory, directory);
  t.not(head?.build, ledger.run.runtime.addon, 'the same addon beside other modules is another build');
  const { base, head: told } = verdictIn(out);
  t.true(base.detail.includes(ledger.run.runtime.addon) && told.detail.includes(head?.build ?? ''));
  const failed = ledger.samples.filter(({ outcome }) => outcome === 'failed');
  t.true(
    failed.length >= 2 &&
      failed.every(({ arm, reason }) => arm.id === head?.id && reason?.message === 'of the other build'),
  );
  t.regex(verdictIn(out).comparisons[0]?.reason ?? '', /head failed/);
});

test.serial('Ctrl-C keeps what was weighed and its reports: 130, whatever it says', async (t) => {
  const out = join(folder, 'interrupted');
  const sides = ['--base', 'read', '--head', 'read', '--metric', 'ttft', '--pairs', '12'];
  // So narrow that equals stay open.
  sides.push('--threshold', '0.01%', '--fail-on-inconclusive');
  const run = start('ab', model, ...sides, '--out', out, ...quick);
  const ended = endOf(run);
  const samples = (): number =>
    existsSync(join(out, 'ledger.jsonl'))
      ? readFileSync(join(out, 'ledger.jsonl'), 'utf8').split('"kind":"sample"').length - 1
      : 0;
  await until(() => samples() >= 2, 600, 'two samples');
  run.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  t.is(code, 130, stderr);
  t.regex(stderr, /--resume/);
  t.regex(stdout, /The run was interrupted/);
  for (const file of REPORTS) t.true(existsSync(join(out, file)), file);
  const before = readLedger(out).ledger.samples.length;
  t.true(before >= 2 && before < 20);

  const resumed = await weighbridge(['run', '--resume', out, '--lock-wait', '600'], env);
  t.is(resumed.code, 4, 'what fails the run fails it when it is resumed as well');
  t.true((verdictIn(out).comparisons[0]?.n ?? 0) >= 10);
  t.regex(resumed.stdout, /verdict\.json/);
});

test.serial('the noise that aa stored of an arm here is what its differences must pass', async (t) => {
  const options = quick.filter((word) => word !== '--lock-wait' && word !== '600');
  const known = await weighbridge(
    ['aa', model, '--loader', 'read', '--pairs', '40', '--lock-wait', '600', '--out', join(folder, 'aa'), ...options],
    env,
  );
  t.is(known.code, 0, known.stderr);
  const out = join(folder, 'floors');
  const sides = ['--base', 'read', '--head', 'read', '--metric', 'ttft', '--pairs', '10'];
  const { stderr } = await weighbridge(['ab', model, ...sides, '--out', out, ...quick], env);
  const { ledger } = readLedger(out);
  const [registered] = ledger.run.plan.gate?.comparisons ?? [];
  t.true((registered?.noiseFloors[0] ?? 0) > 0, stderr);
  t.notRegex(verdictIn(out).notes.join(' '), /No noise floor/);
});

test('a folder that is called like a loader is no build', async (t) => {
  const place = join(folder, 'place');
  mkdirSync(join(place, 'read'), { recursive: true });
  const { code, stderr } = await weighbridge(['ab', model, '--base', 'read', '--head', 'nosuch'], env, place);
  t.is(code, 2);
  t.regex(stderr, /there is no loader "nosuch"/);
});

test('what cannot be is one line and exit code 2', async (t) => {
  const both = ['--base', 'read', '--head', 'mmap-shared'];
  const old = otherBuild('old');
  const protocol = join(old, 'dist', 'src', 'samples', 'protocol.js');
  writeFileSync(protocol, readFileSync(protocol, 'utf8').replace(/PROTOCOL_VERSION = \d+/, 'PROTOCOL_VERSION = 9999'));
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  for (const [args, complaint] of [
    [[], /name a GGUF model/],
    [[model], /give --base and --head/],
    [[model, '--base', 'read'], /give --base and --head/],
    [[model, '--base', 'read', '--head', 'nosuch'], /there is no loader "nosuch"/],
    [[model, '--base', 'read', '--head', 'null'], /keeps no weights/],
    [[model, '--base', 'read', '--head', 'cmd=true'], /both be commands or both be loaders/],
    [[model, '--base', 'cmd=', '--head', 'cmd=true'], /names no program/],
    [[model, '--base', 'read', '--head', empty], /holds no build of weighbridge/],
    [[model, '--base', 'read', '--head', old], /speak another protocol \(version 9999, here 2\)/],
    [[model, ...both, '--pairs', '9'], /--pairs/],
    [[model, ...both, '--pairs', '10'], /can decide nothing of 14 comparisons.*give --pairs \d+/],
    [[model, ...both, '--threshold', '5'], /--threshold/],
    [[model, ...both, '--threshold', 'speed=5%'], /--threshold takes/],
    [[model, ...both, '--threshold', '5%', '--threshold', '6%'], /two are given/],
    [[model, ...both, '--threshold', 'ttft=5%', '--threshold', 'ttft=6%'], /two are given for ttft/],
    [[model, ...both, '--metric', 'wall'], /nothing is left to compare/],
    [[model, ...both, '--state', 'hot'], /--state/],
    [[model, ...both, '--loader', 'read'], /name loaders themselves/],
    [[model, ...both, '--command-pattern', '(a)'], /are of commands/],
    [['/nowhere.gguf', ...both], /nowhere/],
  ] as const) {
    const { code, stdout, stderr } = await weighbridge(['ab', ...args], env);
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
    t.regex(stderr, complaint);
  }
});
