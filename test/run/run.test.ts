import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import type { Summary } from '../../src/statistics/summary-types.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

// Runs hold one machine-wide lock and certify cache states: one at a time, each waiting for the others.
const wait = ['--lock-wait', '1100'] as const;

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly groups: readonly unknown[];
  readonly summary: Summary;
}

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const model = copyOfFixture('tiny-Q4_0.gguf', folder);
// As-is: learning what returned memory costs takes seconds, and one test of the states is enough.
const work = ['--prompt', '4', '--generate', '3', '--threads', '2', ...wait] as const;
const quick = ['--memory-state', 'as-is', ...work] as const;

test.serial('a run of all loaders certifies its states and agrees on the logits', async (t) => {
  const out = join(folder, 'all');
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', 'all', '--state', 'cold,warm', '--rounds', '1', '--json', '--out', out, ...work],
  ]);
  t.is(code, 0, stderr);
  const { run, samples, groups, summary } = JSON.parse(stdout) as Output;
  t.deepEqual(groups, []);
  const hashes = new Set(Object.values(run.referenceHashes));
  t.is(hashes.size, 1);
  let cold = 0;
  let warm = 0;
  for (const sample of samples) {
    const name = `${sample.arm.loader} ${sample.state} ${sample.pass}`;
    if (sample.outcome !== 'ok') {
      t.true(sample.reason.code.length > 0 && sample.reason.message.length > 0, name);
      continue;
    }
    const arm = run.arms[sample.arm.id];
    if (arm?.work === 'infer') t.true(hashes.has(sample.logitsHash ?? ''), name);
    else t.is(sample.logitsHash, null, name);
    if (sample.residency.before === null) continue;
    if (sample.state === 'cold') {
      cold += 1;
      t.is(sample.residency.before, 0, name);
    } else {
      warm += 1;
      t.is(sample.residency.before, sample.residency.size, name);
      if (arm?.kind === 'loader') {
        const { phases } = sample;
        t.is(
          (phases?.open.readBytes ?? 0) + (phases?.acquire.readBytes ?? 0) + (phases?.firstToken.readBytes ?? 0),
          0,
          name,
        );
      }
    }
  }
  if (cold === 0 && warm === 0) t.log('skipped: residency cannot be read here, so states were certified by bytes read');
  for (const file of ['ledger.jsonl', 'summary.json', 'samples.csv', 'summary.csv'])
    t.true(existsSync(join(out, file)), file);
  const lines = readFileSync(join(out, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
  t.is(lines.length, samples.length + 2);
  t.is((JSON.parse(lines.at(-1) ?? '') as { stopped: string }).stopped, 'complete');
  t.true(summary.cells.length > 0);
});

test.serial('the timeline of a sample is whole', async (t) => {
  const { code, stdout, stderr } = await weighbridge([
    ...[
      'run',
      model,
      '--loader',
      'read,mmap-shared',
      '--rounds',
      '1',
      '--json',
      '--out',
      join(folder, 'timeline'),
      ...quick,
    ],
  ]);
  t.is(code, 0, stderr);
  const { samples } = JSON.parse(stdout) as Output;
  const measured = samples.filter((sample) => sample.outcome === 'ok' && sample.phases !== null);
  t.true(measured.length > 0);
  for (const sample of measured) {
    if (sample.outcome !== 'ok' || sample.phases === null || sample.memory === null || sample.tokens === null) continue;
    const { open, acquire, firstToken, complete } = sample.phases;
    t.is(sample.tokens.perTokenNs.length, 1 + 3);
    t.is(sample.tokens.perTokenNs[0], firstToken.ns);
    t.true(sample.memory.kvCacheBytes > 0);
    t.true((sample.bytesNeeded ?? 0) > 0 && (sample.untouchedBytes ?? 0) > 0);
    if (sample.pass === 'time') {
      const { ttftNs, completeNs } = sample;
      t.true(ttftNs !== null && completeNs !== null && completeNs >= ttftNs);
      t.true((ttftNs ?? 0) >= open.ns + acquire.ns + firstToken.ns);
      t.true((completeNs ?? 0) >= (ttftNs ?? 0) + complete.ns);
      t.is(sample.memory.loaded, null);
    } else {
      t.is(sample.ttftNs, null);
      t.not(sample.memory.loaded, null);
      t.not(sample.memory.firstToken, null);
    }
  }
});

test.serial('a loader named twice is weighed against itself', async (t) => {
  const { code, stdout, stderr } = await weighbridge([
    ...[
      'run',
      model,
      '--loader',
      'mmap-shared,mmap-shared',
      '--state',
      'warm',
      '--rounds',
      '2',
      '--memory-rounds',
      '0',
    ],
    ...['--json', '--out', join(folder, 'aa'), ...quick],
  ]);
  t.is(code, 0, stderr);
  const { summary } = JSON.parse(stdout) as Output;
  const other = summary.cells.find((cell) => cell.arm.label === 'mmap-shared#2');
  t.is(other?.ratio?.ttft?.pairs, 2);
});

test.serial('a warm state is refused to a loader that bypasses the page cache', async (t) => {
  const { stdout } = await weighbridge([
    ...['run', model, '--loader', 'read,direct', '--state', 'warm', '--rounds', '1', '--memory-rounds', '0', '--json'],
    ...['--out', join(folder, 'direct-warm'), ...quick],
  ]);
  const { samples } = JSON.parse(stdout) as Output;
  const direct = samples.filter((sample) => sample.arm.loader === 'direct');
  t.true(direct.length > 0);
  for (const sample of direct) t.is(sample.outcome, 'unsupported');
});

test.serial('a loader named alone that is unsupported here fails the run, and says why', async (t) => {
  const { code, stderr, stdout } = await weighbridge([
    ...['run', model, '--loader', 'direct', '--state', 'warm', '--rounds', '1', '--memory-rounds', '0'],
    ...['--out', join(folder, 'direct-only'), ...quick],
  ]);
  t.is(code, 1);
  t.regex(stderr, /direct was asked for and is unsupported here/);
  t.regex(stdout, /has no warm state/);
});

test.serial('a model in memory has no cold state', async (t) => {
  const memory = '/dev/shm';
  if (!existsSync(memory)) {
    t.log('skipped: there is no /dev/shm here');
    t.pass();
    return;
  }
  const inMemory = join(memory, `weighbridge-test-${process.pid}`);
  mkdirSync(inMemory);
  t.teardown(() => {
    removeFolder(inMemory);
  });
  const path = copyOfFixture('tiny-Q4_0.gguf', inMemory);
  const { code, stdout } = await weighbridge([
    ...[
      'run',
      path,
      '--loader',
      'all',
      '--rounds',
      '1',
      '--memory-rounds',
      '0',
      '--json',
      '--out',
      join(folder, 'tmpfs'),
      ...quick,
    ],
  ]);
  t.is(code, 0);
  const { samples } = JSON.parse(stdout) as Output;
  for (const sample of samples.filter(({ state }) => state === 'cold')) t.is(sample.outcome, 'unsupported');
});

test.serial('a file cut while the run goes on gives failed samples and a whole ledger', async (t) => {
  const path = copyOfFixture('tiny-F16.gguf', scratchIn('shrinking'));
  const out = join(folder, 'shrunk');
  const running = weighbridge([
    ...[
      'run',
      path,
      '--loader',
      'read,mmap-shared',
      '--state',
      'warm',
      '--rounds',
      '6',
      '--json',
      '--out',
      out,
      ...quick,
    ],
  ]);
  const ledger = join(out, 'ledger.jsonl');
  await waitForSamples(ledger, 3);
  truncateSync(path, 1_000_000);
  const { code, stdout } = await running;
  t.is(code, 1);
  const { samples } = JSON.parse(stdout) as Output;
  t.true(samples.some((sample) => sample.outcome === 'ok'));
  const failed = samples.filter((sample) => sample.outcome === 'failed');
  t.true(failed.length > 0);
  const codes = ['truncated', 'file-changed', 'killed-by-signal', 'short-read'];
  for (const sample of failed) t.true(codes.includes(sample.reason?.code ?? ''), sample.reason?.code);
});

test.serial('a time budget ends the run after the first round of the time and of the memory pass', async (t) => {
  const out = join(folder, 'budget');
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', 'read,mmap-shared', '--state', 'warm', '--rounds', '500', '--time-budget', '0.1'],
    ...['--memory-rounds', '500', '--json', '--out', out, ...quick],
  ]);
  t.is(code, 0, stderr);
  const { samples, summary } = JSON.parse(stdout) as Output;
  t.is(summary.stopped, 'time-budget');
  t.deepEqual([...new Set(samples.map(({ pass, round }) => `${pass} ${round}`))], ['time 1', 'memory 1']);
});

test.serial('a dry run prints the plan and measures nothing', async (t) => {
  const { code, stdout } = await weighbridge(['run', model, '--dry-run', '--rounds', '3']);
  t.is(code, 0);
  t.regex(stdout, /^reference +stdio$/m);
  t.regex(stdout, /^threads +\d+ \(every CPU there is\)$/m);
  t.regex(stdout, /^time +not known before the first block: no run of this work/m);
  t.regex(stdout, /^pairs +3 a comparison, 7 comparisons;/m);
  for (const line of stdout.split('\n')) t.true(line.length <= 80 || line.includes(model), line);
  const other = await weighbridge([
    'run',
    model,
    '--dry-run',
    '--loader',
    'read,stdio',
    '--state',
    'warm',
    '--threads',
    '1',
    '--time-budget',
    '60',
  ]);
  t.regex(other.stdout, /^threads +1$/m);
  t.regex(other.stdout, /3 a comparison, 1 comparison;/);
  t.regex(other.stdout.replace(/\n +/g, ' '), /no block begins that would end later than 60 s \(--time-budget\)/);
});

test.serial('a dry run says how long it will take where the same work was weighed here before', async (t) => {
  const place = scratchIn('place');
  mkdirSync(join(place, 'weighbridge-runs'));
  symlinkSync(join(folder, 'timeline'), join(place, 'weighbridge-runs', 'earlier'));
  const same = ['run', model, '--loader', 'read,mmap-shared', '--dry-run', ...quick];
  const known = await weighbridge([...same, '--rounds', '400'], process.env, place);
  t.is(known.code, 0, known.stderr);
  t.regex(
    known.stdout.replace(/\n +/g, ' '),
    /^time +about \d+ (s|min), at \d+\.\d s a sample as in weighbridge-runs\/earlier$/m,
  );
  const other = await weighbridge([...same, '--state', 'warm'], process.env, place);
  t.regex(other.stdout, /^time +not known/m);
  const json = await weighbridge([...same, '--json'], process.env, place);
  t.true((JSON.parse(json.stdout) as { readonly estimatedSeconds: number }).estimatedSeconds > 0);
});

const badArguments: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no model', ['run'], /name a GGUF model/],
  ['a missing file', ['run', join(folder, 'nowhere.gguf')], /nowhere\.gguf/],
  ['a directory', ['run', folder], /directory/],
  ['an unknown loader', ['run', model, '--loader', 'telepathy'], /there is no loader "telepathy"/],
  ['an unknown state', ['run', model, '--state', 'tepid'], /--state takes cold, warm/],
  ['a round count of zero', ['run', model, '--rounds', '0'], /--rounds must be a whole number/],
  ['a word for a number', ['run', model, '--threads', 'many'], /--threads must be a whole number/],
  ['a context too short', ['run', model, '--context', '8', '--prompt', '16'], /--context 8 is too short/],
  ['an unknown instruction set', ['run', model, '--isa', 'mmx'], /mmx/],
  ['an unknown option', ['run', model, '--colour', 'red'], /weighbridge run has no option --colour/],
  ['a reference outside the run', ['run', model, '--loader', 'read', '--reference', 'stdio'], /--reference stdio/],
  ['an option given twice', ['run', model, '--rounds', '1', '--rounds', '2'], /--rounds is given more than once/],
  ['the same model twice', ['run', model, model], /named twice/],
  ['an output directory that cannot be', ['run', model, '--out', '/proc/weighbridge'], /proc/],
  ['a file as output directory', ['run', model, '--out', model], /is a file, not a directory/],
  ['a model to resume', ['run', model, '--resume', folder], /--resume .* give no model with it/],
  ['rounds of what is resumed', ['run', '--resume', folder, '--rounds', '9'], /--resume .* give no --rounds with it/],
  ['a dry run of what is resumed', ['run', '--resume', folder, '--dry-run'], /--resume .* give no --dry-run with it/],
  ['nothing to resume', ['run', '--resume'], /--resume needs a value/],
  ['an empty name to resume', ['run', '--resume', ''], /--resume needs a value; it is empty/],
  ['an empty output directory', ['run', model, '--out', ''], /--out needs a value/],
  ['a directory without a ledger to resume', ['run', '--resume', folder], /no ledger/],
];

for (const [name, args, expected] of badArguments) {
  test.serial(`${name} is one line and exit code 2`, async (t) => {
    const { code, stderr, stdout } = await weighbridge([...args]);
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
    t.is(stdout, '');
  });
}

const badFiles: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['an empty file', (path) => writeFileSync(path, ''), /empty/],
  ['text instead of GGUF', (path) => writeFileSync(path, 'once upon a time there was no model in this file'), /GGUF/],
  [
    'a truncated model',
    (path) => writeFileSync(path, readFileSync(model).subarray(0, 300_000)),
    /truncated|end of the file|past|beyond|cut/,
  ],
  [
    'a header cut in the middle',
    (path) => writeFileSync(path, readFileSync(model).subarray(0, 1000)),
    /truncated|end|cut/,
  ],
];

for (const [name, make, expected] of badFiles) {
  test.serial(`${name} is one line and exit code 2`, async (t) => {
    const path = join(scratchIn('bad'), 'bad.gguf');
    make(path);
    for (const command of ['run', 'inspect']) {
      const { code, stderr } = await weighbridge([command, path]);
      t.is(code, 2, stderr);
      t.regex(stderr, expected);
      t.is(stderr.trimEnd().split('\n').length, 1, stderr);
      t.notRegex(stderr, /\n\s+at /);
    }
  });
}

test.serial('a directory that holds a run is not written over', async (t) => {
  const out = join(folder, 'timeline');
  const { code, stderr } = await weighbridge(['run', model, '--out', out, ...quick]);
  t.is(code, 2, stderr);
  t.regex(stderr, /exists already/);
});

function scratchIn(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

async function waitForSamples(ledger: string, count: number): Promise<void> {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').length - 2 : 0;
    if (lines >= count) return;
    if (Date.now() > deadline) throw new Error('no samples appeared');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
