/** Loaders that users bring: shared libraries and files of their own, weighed and checked like ours, and every refusal. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LoaderDefinition } from '../../src/loader.js';
import { native } from '../../src/native.js';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import { root, weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { expectedLogits, logitsOf, openWith } from './loading.js';
import { splitModel } from './models.js';

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
}

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q4_0.gguf', folder);

const quick = ['--state', 'warm', '--memory-state', 'as-is', '--rounds', '1', '--memory-rounds', '0', '--prompt', '2'];
const work = [...quick, '--generate', '2', '--threads', '2', '--lock-wait', '1100', '--json'];

const compiler = spawnSync('cc', ['--version']).status === 0;

/** Compiles a library; null, said aloud, where there is no C compiler. */
function library(t: ExecutionContext, source: string, name: string, ...flags: readonly string[]): string | null {
  if (!compiler) {
    t.log('skipped: there is no C compiler (cc) here');
    t.pass();
    return null;
  }
  const path = join(folder, name);
  const include = join(root, 'native', 'loaders');
  const all = ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', ...flags, '-I', include, '-o', path, source];
  const { status, stderr } = spawnSync('cc', all, { encoding: 'utf8' });
  t.is(status, 0, stderr);
  return path;
}

const example = join(root, 'native', 'loaders', 'external_example.c');
const ODD = ['right', 'other-version', 'short-struct', 'no-struct', 'no-load', 'fails', 'says-unsupported'] as const;
const MORE_ODD = [
  'no-address',
  'off-the-page',
  'wrong-bytes',
  'crashes',
  'fails-later',
  'other-clock',
  'before-time',
] as const;
type Odd = (typeof ODD)[number] | (typeof MORE_ODD)[number];

function oddLibrary(t: ExecutionContext, odd: Odd): string | null {
  const number = [...ODD, ...MORE_ODD].indexOf(odd);
  return library(t, join(root, 'test', 'loaders', 'odd_library.c'), `${odd}.so`, `-DODD=${number}`);
}

const external = (path: string): LoaderDefinition => ({
  name: 'external',
  mechanism: 'external',
  why: 'made by a test',
  options: { library: path },
});

function module(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function run(...loaders: readonly string[]): Promise<{ readonly code: number; readonly output: Output }> {
  const out = join(folder, `run-${basename(loaders.at(-1) ?? '')}`);
  const args = ['run', model, '--loader', loaders.join(','), '--out', out, ...work];
  const { code, stdout, stderr } = await weighbridge(args);
  if (stdout === '') throw new Error(`run ended with ${code}: ${stderr}`);
  return { code, output: JSON.parse(stdout) as Output };
}

const samplesOf = ({ samples }: Output, loader: string): readonly Sample[] =>
  samples.filter((sample) => sample.arm.loader === loader);

test.serial(
  'the documented example is weighed beside a built-in loader, checked, and marked as external',
  async (t) => {
    const path = library(t, example, 'libMy_example.so', '-std=gnu99', '-O2');
    if (path === null) return;
    const { code, output } = await run('read', path);
    t.is(code, 0);
    const [sample] = samplesOf(output, 'libmy-example');
    t.is(sample?.outcome, 'ok', JSON.stringify(sample?.reason));
    t.is(sample?.logitsHash, samplesOf(output, 'read')[0]?.logitsHash);
    t.is(sample?.effective?.['libraryName'], 'example');
    t.is(sample?.effective?.['note'], '1 parts read');
    const arm = output.run.arms[sample?.arm.id ?? ''];
    t.is(arm?.origin, 'external');
    t.is(arm?.module, path);
    const read = Object.values(output.run.arms).find(({ loader }) => loader === 'read');
    t.is(read?.origin, 'built-in');
    t.is(read?.module, null);
  },
);

test.serial('a model runs on the example in this process too, whatever its parts', async (t) => {
  const path = library(t, example, 'libexample.so', '-O2');
  if (path === null) return;
  t.is(Buffer.compare(logitsOf(external(path), model), expectedLogits(model)), 0);
  mkdirSync(join(folder, 'split'));
  const [first = ''] = await splitModel(join(folder, 'split'), 3);
  t.is(Buffer.compare(logitsOf(external(path), first), expectedLogits(first)), 0);
  const text = ['generate', model, '-p', 'a', '-n', '4'];
  const ours = await weighbridge([...text, '--loader', 'mmap-shared']);
  const theirs = await weighbridge([...text, '--loader', path]);
  t.is(theirs.code, 0, theirs.stderr);
  t.is(theirs.stdout, ours.stdout);
});

test.serial(
  'the example leaves out what lies behind the last tensor; a missing model is no fault of the library',
  (t) => {
    const path = library(t, example, 'libchanged.so', '-O2');
    if (path === null) return;
    const source = copyOfFixture('tiny-F16.gguf', folder);
    writeFileSync(source, 'more', { flag: 'a' });
    t.is(Buffer.compare(logitsOf(external(path), source), expectedLogits(source)), 0);
    t.throws(() => openWith(external(path), join(folder, 'missing.gguf')), { code: 'file-missing' });
  },
);

test.serial('a library may have every optional function, and says when it had settled', async (t) => {
  const path = oddLibrary(t, 'right');
  if (path === null) return;
  t.is(Buffer.compare(logitsOf(external(path), model), expectedLogits(model)), 0);
  const { code, output } = await run('read', path);
  t.is(code, 0);
  const [sample] = samplesOf(output, 'right');
  // It answers with the time of the question, which comes after the first token.
  t.true((sample?.settledNs ?? 0) >= (sample?.ttftNs ?? Infinity));
});

const refusals: readonly { readonly odd: Odd; readonly code: string; readonly message: RegExp }[] = [
  { odd: 'other-version', code: 'external-incompatible', message: /version 7/ },
  { odd: 'short-struct', code: 'external-incompatible', message: /16 bytes/ },
  { odd: 'no-struct', code: 'external-incompatible', message: /NULL/ },
  { odd: 'no-load', code: 'external-incompatible', message: /lacks/ },
  { odd: 'fails', code: 'external-failed', message: /^worn-out: it does not want to$/ },
  { odd: 'says-unsupported', code: 'external-unsupported', message: /^no-device: the device is not there$/ },
  { odd: 'no-address', code: 'external-failed', message: /no address/ },
  { odd: 'off-the-page', code: 'external-failed', message: /32 bytes into a page/ },
];
for (const { odd, code, message } of refusals) {
  test.serial(`a library is refused: ${odd}`, (t) => {
    const path = oddLibrary(t, odd);
    if (path === null) return;
    t.throws(() => openWith(external(path), model), { code, message });
  });
}

test.serial('an error of a library that still streams reaches whoever waits for the bytes', (t) => {
  const path = oddLibrary(t, 'fails-later');
  if (path === null) return;
  t.throws(() => logitsOf(external(path), model), { code: 'external-failed', message: 'lost: the bytes did not come' });
});

test.serial('a library that settled at a time that cannot be has no sample', async (t) => {
  const paths = (['other-clock', 'before-time'] as const).map((odd) => oddLibrary(t, odd));
  if (paths.includes(null)) return;
  const { code, output } = await run('read', ...paths.map((path) => path ?? ''));
  t.is(code, 1);
  t.is(samplesOf(output, 'read')[0]?.outcome, 'ok');
  for (const odd of ['other-clock', 'before-time']) {
    const [sample] = samplesOf(output, odd);
    t.is(sample?.outcome, 'failed', odd);
    t.is(sample?.reason?.code, 'external-failed', odd);
    t.regex(sample?.reason?.message ?? '', /settled at .* CLOCK_MONOTONIC/, odd);
  }
});

test.serial('a file that is no library, and one that exports nothing of ours, are refused in one line', (t) => {
  const none = module('none.so', 'no library');
  const error = t.throws(() => openWith(external(none), model), { code: 'external-unloadable' });
  t.false(error?.message.includes('\n'));
  const path = library(t, module('nothing.c', 'int nothing;\n'), 'nothing.so');
  if (path === null) return;
  t.throws(() => openWith(external(path), model), { code: 'external-incompatible', message: /weighbridge_loader_v1/ });
});

test.serial(
  'wrong bytes are a mismatch, a crash fails its own sample alone, and the machine may lack what it needs',
  async (t) => {
    const paths = (['wrong-bytes', 'crashes', 'says-unsupported'] as const).map((odd) => oddLibrary(t, odd));
    if (paths.includes(null)) return;
    const { code, output } = await run('read', ...paths.map((path) => path ?? ''));
    t.is(code, 1);
    const of = (loader: string): Sample | undefined => samplesOf(output, loader)[0];
    t.is(of('read')?.outcome, 'ok');
    t.is(of('wrong-bytes')?.outcome, 'mismatch');
    t.is(of('crashes')?.outcome, 'failed');
    t.is(of('crashes')?.process.signal, 'SIGABRT');
    t.is(of('says-unsupported')?.outcome, 'unsupported');
    t.is(of('says-unsupported')?.reason?.code, 'external-unsupported');
    t.is(of('says-unsupported')?.reason?.errno, 'ENODEV');
  },
);

const definition = "import { defineLoader, type LoaderDefinition } from 'weighbridge';\n";

test.serial('a strategy in a TypeScript file is weighed under its own name', async (t) => {
  const path = module(
    'chunks.ts',
    `${definition}const chunkBytes: number = 64 * 1024;\nexport default defineLoader({ name: 'read-mine', mechanism: 'read', why: 'small calls', options: { chunkBytes } });\n`,
  );
  const { code, output } = await run('read', path);
  t.is(code, 0);
  const [sample] = samplesOf(output, 'read-mine');
  t.is(sample?.outcome, 'ok', JSON.stringify(sample?.reason));
  t.is(sample?.effective?.['chunkBytes'], 65536);
  const arm = output.run.arms[sample?.arm.id ?? ''];
  t.is(arm?.origin, 'external');
  t.is(arm?.module, path);
});

const wrong: readonly {
  readonly what: string;
  readonly file: string;
  readonly text: string | null;
  readonly line: RegExp;
}[] = [
  { what: 'a missing file', file: 'missing.ts', text: null, line: /missing\.ts: there is no such loader file/ },
  { what: 'a missing library', file: 'missing.so', text: null, line: /missing\.so: there is no such loader file/ },
  { what: 'another kind of file', file: 'text.txt', text: 'text', line: /ends in \.ts, \.mts, \.js, \.mjs, \.so/ },
  { what: 'no default export', file: 'none.ts', text: 'export const a = 1;', line: /no default export/ },
  { what: 'a syntax error', file: 'syntax.ts', text: 'export default {', line: /syntax\.ts: it cannot be imported/ },
  { what: 'an error while it is imported', file: 'throws.mjs', text: "throw new Error('no');", line: /imported: no$/ },
  { what: 'a default export that is no loader', file: 'number.ts', text: 'export default 3;', line: /not a loader/ },
  {
    what: 'a name that is none',
    file: 'name.ts',
    text: "export default { name: 'A B', mechanism: 'read', why: 'w' };",
    line: /lower-case words/,
  },
  {
    what: 'no mechanism',
    file: 'mechanism.js',
    text: "export default { name: 'mine', mechanism: 'magic', why: 'w' };",
    line: /no mechanism magic; there are: .*read/,
  },
  {
    what: 'no reason',
    file: 'why.mts',
    text: "export default { name: 'mine', mechanism: 'read' };",
    line: /why/,
  },
  {
    what: 'a callback without a function',
    file: 'function.ts',
    text: "export default { name: 'mine', mechanism: 'callback', why: 'w' };",
    line: /needs a function load/,
  },
  {
    what: 'an option of a wrong type',
    file: 'type.ts',
    text: "export default { name: 'mine', mechanism: 'read', why: 'w', options: { chunkBytes: {} } };",
    line: /chunkBytes must be/,
  },
  {
    what: 'an option that the mechanism does not have',
    file: 'option.ts',
    text: "export default { name: 'mine', mechanism: 'read', why: 'w', options: { nonsense: 1 } };",
    line: /no option nonsense/,
  },
  {
    what: 'the name of a built-in loader',
    file: 'taken.ts',
    text: "export default { name: 'mmap-shared', mechanism: 'read', why: 'w' };",
    line: /mmap-shared is that of a built-in loader/,
  },
];
for (const { what, file, text, line } of wrong) {
  test.serial(`one line and exit code 2 for a loader's file with ${what}`, async (t) => {
    const path = text === null ? join(folder, file) : module(file, text);
    const { code, stdout, stderr } = await weighbridge(['run', model, '--loader', `read,${path}`, '--dry-run']);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.is(stderr.trim().split('\n').length, 1, stderr);
    t.regex(stderr.trim(), line);
  });
}

test.serial('two files that define loaders of one name cannot be told apart', async (t) => {
  const text = "export default { name: 'mine', mechanism: 'read', why: 'w' };";
  const paths = [module('one.mjs', text), module('two.mjs', text)];
  const { code, stderr } = await weighbridge(['run', model, '--loader', paths.join(','), '--dry-run']);
  t.is(code, 2);
  t.regex(stderr, /both named mine/);
});

test.serial('loaders lists a loader given by path, with what is wrong with it', async (t) => {
  const none = module('broken.so', 'no library');
  const path = module('listed.mjs', "export default { name: 'mine', mechanism: 'read', why: 'because' };");
  const { code, stdout } = await weighbridge(['loaders', '--loader', `${path},${none}`, '--json']);
  t.is(code, 0);
  const { loaders } = JSON.parse(stdout) as {
    readonly loaders: readonly {
      readonly name: string;
      readonly origin: string;
      readonly reason: { readonly code: string } | null;
    }[];
  };
  t.deepEqual(
    loaders.map(({ name, origin, reason }) => [name, origin, reason?.code ?? null]),
    [
      ['mine', 'external', null],
      ['broken', 'external', 'external-unloadable'],
    ],
  );
});

test.serial('the mechanism asks for the path of a library', (t) => {
  t.throws(() => native().unsupported('external', [model], {}), { code: 'bad-option' });
  t.throws(() => native().unsupported('external', [model], { library: 'libc.so.6' }), { code: 'bad-option' });
});
