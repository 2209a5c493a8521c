/** Whole runs where things are not as usual: layered, foreign, in memory, without room. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { native } from '../../src/native.js';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, endOf, fill, removeFolder, scratchFolder } from '../processes.js';
import { withWeights } from './loading.js';
import { mountMemory, mountOverlay, unmountAll } from './mounts.js';

const folder = scratchFolder();
test.after.always(() => {
  unmountAll();
  removeFolder(folder);
});

/** One loader of each mechanism that can load the model: what their options change is asked elsewhere, in fewer seconds. */
function oneOfEachMechanism(path: string): string {
  const able = withWeights.filter(
    ({ mechanism, options = {} }) => native().unsupported(mechanism, [path], options) === null,
  );
  return [...new Map(able.map(({ mechanism, name }) => [mechanism, name])).values()].join(',');
}

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
}

const once = ['--rounds', '1', '--memory-rounds', '0', '--memory-state', 'as-is', '--json'] as const;
const little = ['--prompt', '4', '--generate', '2', '--threads', '2', '--lock-wait', '900'] as const;

function folderOf(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

const told = (sample: Sample): string =>
  `${sample.arm.loader} ${sample.state} ${sample.outcome}: ${sample.reason?.message ?? ''}`;

test.serial('on overlayfs a run of every mechanism knows cold from warm and agrees on the logits', async (t) => {
  const lower = folderOf('lower');
  copyOfFixture('tiny-Q4_0.gguf', lower);
  const mounted = mountOverlay(folderOf('overlay'), lower);
  if (mounted.kind === 'refused') {
    t.log(`skipped: ${mounted.why}`);
    t.pass();
    return;
  }
  const path = join(mounted.at, 'tiny-Q4_0.gguf');
  const { code, stdout, stderr } = await weighbridge([
    ...[
      'run',
      path,
      '--loader',
      oneOfEachMechanism(path),
      '--state',
      'cold,warm',
      '--out',
      join(folder, 'on-overlay'),
      ...once,
      ...little,
    ],
  ]);
  t.is(code, 0, stderr);
  const { samples } = JSON.parse(stdout) as Output;
  for (const sample of samples) t.true(['ok', 'invalid', 'unsupported'].includes(sample.outcome), told(sample));
  for (const state of ['cold', 'warm']) {
    const valid = samples.filter((sample) => sample.outcome === 'ok' && sample.state === state);
    t.true(valid.length > 0, state);
    for (const { residency } of valid) {
      t.is(residency?.before, state === 'cold' ? 0 : statSync(path).size, state);
    }
  }
});

/** The command line as the user nobody, or why that cannot be. */
function asNobody(): { readonly before: readonly string[] } | { readonly why: string } {
  if (process.getuid?.() !== 0) return { why: 'becoming another user needs root' };
  const before = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
  const [command, ...rest] = [...before, process.execPath, cli, '--version'] as const;
  const { status, error, stderr } = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
  if (status === 0) return { before };
  return { why: `the user nobody cannot run this program (${error?.message ?? stderr.trim().split('\n')[0] ?? ''})` };
}

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

test.serial('a model of another user is cold by the bytes that its loads read', async (t) => {
  const nobody = asNobody();
  if ('why' in nobody) {
    t.log(`skipped: ${nobody.why}`);
    t.pass();
    return;
  }
  const path = copyOfFixture('tiny-F16.gguf', folderOf('foreign'));
  chmodSync(path, 0o444);
  chmodSync(folder, 0o755);
  const out = folderOf('nobody');
  chownSync(out, 65534, 65534);
  const loaders = ['--loader', 'read,stdio,mmap-shared,direct', '--state', 'cold,warm'];
  const [command = '', ...rest] = [
    ...[
      ...nobody.before,
      process.execPath,
      cli,
      'run',
      path,
      ...loaders,
      '--out',
      join(out, 'run'),
      ...once,
      ...little,
    ],
  ];
  const { code, stdout, stderr } = await endOf(
    spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: out, env: { ...process.env, HOME: out } }),
  );
  t.is(code, 0, stderr);
  const { samples } = JSON.parse(stdout) as Output;
  for (const sample of samples) {
    t.true(['ok', 'unsupported'].includes(sample.outcome), told(sample));
    if (sample.outcome !== 'ok') continue;
    t.is(sample.residency.before, null, told(sample));
    t.regex(sample.warnings.join('\n'), /residency cannot be read without owning the model/);
    if (sample.state !== 'cold' || sample.phases === null) continue;
    const { open, acquire, firstToken, complete } = sample.phases;
    const read = [open, acquire, firstToken, complete].reduce((sum, { readBytes }) => sum + (readBytes ?? 0), 0);
    t.true(read >= 0.95 * (sample.bytesNeeded ?? 0), told(sample));
  }
  t.true(samples.some(({ outcome, state }) => outcome === 'ok' && state === 'cold'));
});

test.serial('a run that finds no room for its ledger says so and begins nothing', async (t) => {
  const at = folderOf('full');
  const why = mountMemory(at, 2 ** 20);
  if (why !== null) {
    t.log(`skipped: ${why}`);
    t.pass();
    return;
  }
  fill(at);
  const path = copyOfFixture('tiny-Q4_0.gguf', folder);
  const { code, stderr, stdout } = await weighbridge(['run', path, '--out', join(at, 'run'), ...once, ...little]);
  t.is(code, 1, stderr);
  t.regex(stderr, /no space left|ENOSPC/);
  t.is(stdout, '');
});

test.serial('a run whose disk fills up keeps every sample before that and can be resumed', async (t) => {
  const at = folderOf('filling');
  const why = mountMemory(at, 2 ** 20);
  if (why !== null) {
    t.log(`skipped: ${why}`);
    t.pass();
    return;
  }
  const filling = fill(at);
  truncateSync(filling, statSync(filling).size - 48 * 1024);
  const path = copyOfFixture('tiny-Q4_0.gguf', folderOf('for-filling'));
  const out = join(at, 'run');
  const rounds = ['--loader', 'read,mmap-shared', '--state', 'warm', '--rounds', '12', '--memory-rounds', '0'];
  const first = await weighbridge(['run', path, '--out', out, '--memory-state', 'as-is', ...rounds, ...little]);
  t.is(first.code, 1, first.stderr);
  t.regex(first.stderr, /the ledger cannot be written|cannot be written/);
  t.regex(first.stderr, /saved|whole/);
  const lines = readFileSync(join(out, 'ledger.jsonl'), 'utf8');
  t.true(lines.endsWith('\n'), 'a line is there whole or not at all');
  const saved = lines.trimEnd().split('\n').length;
  t.true(saved > 1);
  truncateSync(filling, 0);
  const second = await weighbridge(['run', '--resume', out, '--lock-wait', '900', '--json']);
  t.is(second.code, 0, second.stderr);
  const after = readFileSync(join(out, 'ledger.jsonl'), 'utf8');
  t.true(after.startsWith(lines), 'what was saved is still there');
});

test.serial('that a place in memory has no cold state is said once, and each sample of it says so', async (t) => {
  if (!existsSync('/dev/shm')) {
    t.log('skipped: there is no /dev/shm here');
    t.pass();
    return;
  }
  const memory = mkdtempSync('/dev/shm/weighbridge-cold-');
  t.teardown(() => {
    removeFolder(memory);
  });
  const path = copyOfFixture('tiny-Q4_0.gguf', memory);
  const { stdout, stderr } = await weighbridge([
    ...['run', path, '--loader', 'read,mmap-shared', '--state', 'cold,warm', '--out', join(folder, 'in-memory')],
    ...[...once, ...little],
  ]);
  t.is(stderr.match(/files on tmpfs live in memory and cannot be cold/g)?.length, 1, stderr);
  const { samples } = JSON.parse(stdout) as Output;
  const cold = samples.filter(({ state }) => state === 'cold');
  t.true(cold.length > 0);
  for (const sample of cold) t.is(sample.outcome, 'unsupported', told(sample));
  t.deepEqual(
    [...new Set(cold.filter(({ arm }) => arm.loader !== 'device').map(({ reason }) => reason?.code))],
    ['cannot-be-cold'],
  );
});
