/**
 * Files that are odd, and files that change under a loader. An odd file that is a sound model loads; everything else ends
 * in an error with a code or, for a mapping, in the death of the process by SIGBUS: never in a hang, never in wrong logits.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LoaderDefinition } from '../../src/loader.js';
import { native } from '../../src/native.js';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { weighbridge } from '../command.js';
import {
  childrenOf,
  copyOfFixture,
  endOf,
  removeFolder,
  runScript,
  scratchFolder,
  start,
  until,
} from '../processes.js';
import { allLoaders, everyLoaderAgrees, expectedLogits, withWeights } from './loading.js';
import { blocksOf, withHole, withLargeHeader, withTrailingBytes, withUnalignedEnd } from './models.js';
import { cannotMount, mountImage, unmountAll } from './mounts.js';

const folder = scratchFolder();
test.after.always(() => {
  unmountAll();
  removeFolder(folder);
});

function folderOf(name: string): string {
  const path = join(folder, name.replaceAll(' ', '-'));
  mkdirSync(path, { recursive: true });
  return path;
}

const soundModels: readonly (readonly [what: string, make: (folder: string) => string])[] = [
  ['bytes behind its last tensor', withTrailingBytes],
  ['a hole among its weights', withHole],
  ['a header of more than 2 MiB', withLargeHeader],
  ['an end in the middle of a sector', withUnalignedEnd],
];

for (const [what, make] of soundModels) {
  test.serial(`a model with ${what} loads as any other, by every loader`, (t) => {
    const path = make(folderOf(what));
    if (make === withHole && blocksOf(path) * 512 >= statSync(path).size) t.log('this file system keeps no holes');
    everyLoaderAgrees(t, path);
  });
}

test.serial('a hole among the weights is zeros and not what other files hold there', (t) => {
  const path = withHole(folderOf('zeros'));
  t.not(Buffer.compare(expectedLogits(path), expectedLogits(copyOfFixture('tiny-F16.gguf', folderOf('whole')))), 0);
});

function fifo(): string | null {
  const path = join(folder, 'fifo.gguf');
  return existsSync(path) || spawnSync('mkfifo', [path]).status === 0 ? path : null;
}

const notModels: readonly (readonly [what: string, make: () => string | null, said: RegExp])[] = [
  ['a FIFO that nobody writes', fifo, /not a regular file/],
  ['a directory', () => folderOf('directory'), /is a directory/],
  ['a device', () => '/dev/zero', /not a regular file/],
  [
    'an empty file',
    () => {
      writeFileSync(join(folder, 'empty.gguf'), '');
      return join(folder, 'empty.gguf');
    },
    /empty/,
  ],
];

for (const [what, make, said] of notModels) {
  test.serial(`${what} in place of a model is refused in one line, and not waited for`, async (t) => {
    const path = make();
    if (path === null) {
      t.log('skipped: mkfifo(1) makes none here');
      t.pass();
      return;
    }
    for (const command of [['inspect'], ['logits', '--tokens', '1'], ['run', '--dry-run']]) {
      const [name = '', ...rest] = command;
      const { code, stderr, stdout } = await weighbridge([name, path, ...rest]);
      t.is(code, 2, `${name}: ${stderr}`);
      t.regex(stderr, said, name);
      t.is(stderr.trimEnd().split('\n').length, 1, stderr);
      t.is(stdout, '', name);
    }
  });
}

// In a process of its own, since waiting for a FIFO's writer would stop this one for good.
test.serial('no loader and no probe waits for a FIFO, and doctor describes where it lies', async (t) => {
  const path = fifo();
  if (path === null) {
    t.log('skipped: mkfifo(1) makes none here');
    t.pass();
    return;
  }
  const { stdout, stderr } = await runScript(
    `import { native } from ${JSON.stringify(new URL('../../src/native.js', import.meta.url).href)};
    const [path, strategies] = process.argv.slice(1);
    const codes = [];
    const attempt = async (what) => {
      try { await what(); codes.push('none'); } catch (error) { codes.push(error.code); }
    };
    for (const name of ['residency', 'evict', 'warm', 'hold']) await attempt(() => native()[name]([path]));
    for (const { mechanism, options } of JSON.parse(strategies)) {
      await attempt(() => { if (native().unsupported(mechanism, [path], options) !== null) throw { code: 'not-a-file' }; });
    }
    native().fileFacts(path);
    console.log(JSON.stringify(codes));`,
    [path, JSON.stringify(allLoaders.map(({ mechanism, options = {} }) => ({ mechanism, options })))],
  );
  const codes = JSON.parse(stdout === '' ? '[]' : stdout) as readonly string[];
  t.is(codes.length, 4 + allLoaders.length, stderr);
  for (const code of codes) t.true(code === 'not-a-file' || code === 'none', code);
  t.deepEqual([...new Set(codes.slice(0, 4))], ['not-a-file']);
  t.is((await weighbridge(['doctor', path])).code, 0);
});

const victim = new URL('./victim.js', import.meta.url).pathname;

type Outcome =
  | { readonly kind: 'logits'; readonly logits: Buffer }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'died'; readonly signal: string };

/** Ends a process that hangs, and fails the test. */
const PATIENCE_MS = 120_000;

async function lose(
  t: ExecutionContext,
  loader: LoaderDefinition,
  path: string,
  keep: number | 'all',
): Promise<Outcome> {
  const child = spawn(process.execPath, [victim, loader.name, path, String(keep)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const { code, signal, stdout, stderr } = await endOf(child);
  if (signal !== null) {
    t.is(signal, 'SIGBUS', `${loader.name}: ${stderr}`);
    return { kind: 'died', signal };
  }
  t.is(code, 0, `${loader.name}: ${stderr}`);
  const answer = JSON.parse(stdout) as { readonly logits: string } | { readonly code: string };
  if ('code' in answer) return { kind: 'refused', code: answer.code };
  return { kind: 'logits', logits: Buffer.from(answer.logits, 'base64') };
}

const isMapped = ({ mechanism }: LoaderDefinition): boolean => mechanism === 'mmap' || mechanism === 'hybrid';

function neverWrong(t: ExecutionContext, loader: LoaderDefinition, outcome: Outcome, expected: Buffer): void {
  t.log(`${loader.name}: ${outcome.kind} ${outcome.kind === 'refused' ? outcome.code : ''}`);
  if (outcome.kind === 'logits') t.is(Buffer.compare(outcome.logits, expected), 0, `${loader.name}: wrong logits`);
  if (outcome.kind === 'died') t.true(isMapped(loader), `${loader.name} maps nothing and died by ${outcome.signal}`);
}

for (const loader of withWeights) {
  test.serial(`${loader.name}, whose file is cut between loading and use, gives right logits or none`, async (t) => {
    const path = copyOfFixture('tiny-F16.gguf', folderOf(`cut ${loader.name}`));
    const outcome = await lose(t, loader, path, 1_000_000);
    neverWrong(t, loader, outcome, expectedLogits(copyOfFixture('tiny-F16.gguf', folderOf('whole'))));
  });
}

/** Loaders that go on reading behind the forward pass. */
const streaming = withWeights.filter(
  ({ mechanism, options = {} }) => mechanism === 'hybrid' || ('pipelined' in options && options.pipelined),
);

for (const loader of streaming) {
  test.serial(`${loader.name} meets the end of a file that is cut while it still reads`, async (t) => {
    const whole = join(folder, 'large.gguf');
    if (!existsSync(whole)) await generateModel({ out: whole, shape: '15m', type: 'f16', seed: 5, split: 1 });
    const path = join(folderOf(`streaming ${loader.name}`), 'model.gguf');
    writeFileSync(path, readFileSync(whole));
    await native().evict([path]);
    const outcome = await lose(t, loader, path, 4 * 2 ** 20);
    neverWrong(t, loader, outcome, expectedLogits(whole));
    removeFolder(join(path, '..'));
  });
}

test.serial('a sample whose mapped model is cut has failed, by SIGBUS, and says what to look for', async (t) => {
  const path = copyOfFixture('tiny-F16.gguf', folderOf('sample'));
  const out = join(folder, 'sigbus');
  const run = start(
    ...['run', path, '--loader', 'mmap-shared', '--state', 'warm', '--rounds', '1', '--memory-rounds', '0', '--json'],
    ...['--memory-state', 'as-is', '--prompt', '4', '--generate', '400', '--isa', 'scalar', '--lock-wait', '900'],
    ...['--out', out],
  );
  const ended = endOf(run);
  // Ceilings and limits map the model too, so only a child that computes counts.
  const computing = (): boolean =>
    existsSync(join(out, 'ledger.jsonl')) &&
    childrenOf(run.pid ?? 0).some((pid) => {
      try {
        const task = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return task.includes('"kind":"sample"') && readFileSync(`/proc/${pid}/maps`, 'utf8').includes(path);
      } catch {
        return false;
      }
    });
  let cut = false;
  await until(
    () => {
      cut = computing();
      return cut || run.exitCode !== null;
    },
    960,
    'a sample that maps the model',
  );
  if (cut) truncateSync(path, 1_000_000);
  const { code, stdout, stderr } = await ended;
  t.is(code, 1, stderr);
  const { samples } = JSON.parse(stdout) as { readonly run: RunRecord; readonly samples: readonly Sample[] };
  const failed = samples.filter(({ outcome, arm }) => outcome === 'failed' && arm.loader === 'mmap-shared');
  t.true(failed.length > 0);
  for (const sample of failed) {
    t.is(sample.process.signal, 'SIGBUS', JSON.stringify(sample.reason));
    t.is(sample.reason?.code, 'killed-by-signal');
    t.regex(sample.reason?.remedy ?? '', /the file shrank while it was mapped, or its disk failed/);
  }
});

test.serial('on a disk that fails among the weights every loader gives right logits or none', async (t) => {
  const why = cannotMount();
  const mounted = why === null ? mountImage(folderOf('failing'), 'ext4') : { kind: 'refused' as const, why };
  if (mounted.kind === 'refused') {
    t.log(`skipped: ${mounted.why}`);
    t.pass();
    return;
  }
  const path = copyOfFixture('tiny-F16.gguf', mounted.at);
  const expected = expectedLogits(path);
  closeSync(openSync(path, 'r+'));
  await native().evict([path]);
  const failed = mounted.failBehind(path, 1_500_000);
  if (failed !== null) {
    t.log(`skipped: ${failed}`);
    t.pass();
    return;
  }
  for (const loader of withWeights) {
    // Where a page cannot be read, MAP_POPULATE and mlock(2) try again for ever (mm/gup.c, __mm_populate, Linux 6.18):
    // only a run's --timeout ends that.
    const { options = {} } = loader;
    if ('populate' in options || 'lock' in options) {
      t.log(`skipped: ${loader.name} would have the kernel read the failing page again and again`);
      continue;
    }
    await native().evict([path]);
    const outcome = await lose(t, loader, path, 'all');
    neverWrong(t, loader, outcome, expected);
    t.not(outcome.kind, 'logits', loader.name);
  }
});
