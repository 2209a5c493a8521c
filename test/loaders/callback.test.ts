/** Weights from a JavaScript function: used in place, checked, kept as long as the model runs, and gone with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import nodeFs from '../../loaders/node-fs.js';
import type { LoadFunction, LoadPart } from '../../src/loader.js';
import type { ModelSession } from '../../src/native.js';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import { root, weighbridge } from '../command.js';
import { copyOfFixture, fixture, removeFolder, scratchFolder } from '../processes.js';
import { expectedLogits, logitsOfSession, openWith } from './loading.js';
import { tried } from '../run/tried.js';

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
}

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = fixture('tiny-Q8_0.gguf');
const expected = expectedLogits(model);

const open = (load: LoadFunction): ModelSession =>
  openWith({ name: 'given', mechanism: 'callback', why: 'made by a test', load }, model);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('memory of allocate is used in place, survives a garbage collection, and is detached when the model is closed', (t) => {
  const given: Uint8Array[] = [];
  const session = open((parts, allocate) => {
    const loaded = nodeFs.load(parts, allocate);
    given.push(...loaded);
    return loaded;
  });
  collect();
  t.true((given[0]?.length ?? 0) > 0);
  t.is(Buffer.compare(logitsOfSession(session), expected), 0);
  t.is(given[0]?.length, 0);
});

test('nobody else has to hold the memory', (t) => {
  const session = open((parts, allocate) => nodeFs.load(parts, allocate));
  collect();
  const other = open((parts, allocate) => nodeFs.load(parts, allocate));
  collect();
  t.is(Buffer.compare(logitsOfSession(session), expected), 0);
  t.is(Buffer.compare(logitsOfSession(other), expected), 0);
});

test('a function may use memory of its own that lies as the file does in a page', (t) => {
  const session = open((parts, allocate) =>
    parts.map((part) => {
      const wanted = part.end - part.begin;
      // The address of memory is not to be seen in JavaScript; this larger piece of ours lies in pages of its own.
      const room = allocate({ ...part, end: part.end + 4096 });
      const own = room.subarray(4096, 4096 + wanted);
      return nodeFs.load([part], () => own)[0] ?? own;
    }),
  );
  t.is(Buffer.compare(logitsOfSession(session), expected), 0);
});

const part = (parts: readonly LoadPart[]): LoadPart => parts[0] as LoadPart;

const refusals: readonly { readonly what: string; readonly load: LoadFunction; readonly message: RegExp }[] = [
  { what: 'nothing', load: () => undefined as never, message: /did not return an array/ },
  { what: 'a promise', load: (() => Promise.resolve([])) as never, message: /must be synchronous/ },
  { what: 'too few buffers', load: () => [], message: /0 buffers for 1 parts/ },
  { what: 'another kind of array', load: () => [new Float32Array(4)] as never, message: /did not give a Uint8Array/ },
  {
    what: 'a buffer that is too short',
    load: (parts, allocate) => [allocate(part(parts)).subarray(1)],
    message: /\d+ bytes instead of \d+/,
  },
  {
    what: 'memory at another place in its page',
    load: (parts, allocate) => {
      const { path, bytes, begin, end } = part(parts);
      return [allocate({ path, bytes, begin, end: end + 64 }).subarray(64)];
    },
    message: /begins 64 bytes into a page instead of 0/,
  },
  {
    what: 'a detached buffer',
    load: (parts) => {
      const buffer = new Uint8Array(part(parts).end - part(parts).begin);
      structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
      return [buffer];
    },
    message: /detached/,
  },
  {
    what: 'a buffer that can be resized',
    load: (parts) => {
      const bytes = part(parts).end - part(parts).begin;
      const resizable: new (bytes: number, options: { readonly maxByteLength: number }) => ArrayBuffer = ArrayBuffer;
      return [new Uint8Array(new resizable(bytes, { maxByteLength: 2 * bytes }))];
    },
    message: /can be resized/,
  },
  {
    what: 'shared memory',
    load: (parts) => [new Uint8Array(new SharedArrayBuffer(part(parts).end - part(parts).begin))],
    message: /shared memory/,
  },
  {
    what: 'a part of its own making to allocate',
    load: (_parts, allocate) => [allocate({ path: 'x', bytes: 0, begin: 10, end: 3 })],
    message: /ends before it begins/,
  },
  { what: 'nothing to allocate', load: (_parts, allocate) => [allocate(undefined as never)], message: /takes a part/ },
];
for (const { what, load, message } of refusals) {
  test(`a function is refused that gives ${what}`, (t) => {
    t.throws(() => open(load), { code: 'bad-callback', message });
  });
}

test('allocate belongs to the call that it was given to', (t) => {
  let kept: (() => Uint8Array) | undefined;
  const session = open((parts, allocate) => {
    kept = () => allocate(part(parts));
    return nodeFs.load(parts, allocate);
  });
  t.throws(() => kept?.(), { code: 'bad-callback', message: /after the loader's function had returned/ });
  t.is(Buffer.compare(logitsOfSession(session), expected), 0);
});

test('more than one buffer can hold is unsupported, not the end of the process', (t) => {
  const load: LoadFunction = (parts, allocate) => [allocate({ ...part(parts), begin: 0, end: 2 ** 53 - 1 })];
  const error = t.throws(() => open(load), { instanceOf: Error });
  t.regex((error as Error & { code: string }).code, /^(buffer-size-unsupported|out-of-memory)$/);
});

test('what a function throws is the reason, with the step, path and errno where it has them', (t) => {
  const thrown = (value: unknown): LoadFunction => {
    return () => {
      throw value;
    };
  };
  t.throws(() => open(thrown(new Error('first line\nsecond'))), { code: 'callback-failed', message: 'first line' });
  t.throws(() => open(thrown('only a text')), { code: 'callback-failed', message: 'only a text' });
  t.throws(() => open(thrown(undefined)), { code: 'callback-failed' });
  t.like(
    t.throws(() => open((parts, allocate) => nodeFs.load([{ ...part(parts), path: '/nowhere' }], allocate))),
    { code: 'callback-failed', operation: 'open', path: '/nowhere', errno: 'ENOENT' },
  );
});

test('what allocate threw is the reason only where the function lets it through', (t) => {
  const refused = (allocate: Parameters<LoadFunction>[1]): unknown => {
    try {
      return allocate(undefined as never);
    } catch (error) {
      return error;
    }
  };
  t.throws(
    () =>
      open((_parts, allocate) => {
        refused(allocate);
        throw new Error('something else');
      }),
    { code: 'callback-failed', message: 'something else' },
  );
  t.throws(
    () =>
      open((_parts, allocate) => {
        const first = refused(allocate);
        refused(allocate);
        throw first;
      }),
    { code: 'bad-callback', message: /takes a part/ },
  );
  const session = open((parts, allocate) => {
    refused(allocate);
    return nodeFs.load(parts, allocate);
  });
  t.is(Buffer.compare(logitsOfSession(session), expected), 0);
});

test('whatever is thrown becomes a reason, even where looking at it throws', (t) => {
  const no = (): never => {
    throw new Error('do not look');
  };
  const getters = Object.defineProperties({}, { message: { get: no }, errno: { get: no }, path: { value: '/given' } });
  const closed = new Proxy({}, { has: no, get: no, getPrototypeOf: no });
  for (const value of [getters, closed, Symbol('mark'), null]) {
    const thrown: unknown = value;
    const error = t.throws(() =>
      open(() => {
        throw thrown;
      }),
    );
    t.like(error, { code: 'callback-failed' }, typeof thrown);
    t.not(error?.message, 'do not look');
  }
});

test('node-fs says that a file is not as long as it was', (t) => {
  const changed: LoadFunction = (parts, allocate) =>
    nodeFs.load(
      parts.map((one) => ({ ...one, bytes: one.bytes + 1 })),
      allocate,
    );
  t.throws(() => open(changed), { code: 'callback-failed', message: /no longer as long/ });
});

test('without a function nothing can be called', (t) => {
  const bare = { name: 'bare', mechanism: 'callback', why: 'w' } as const;
  t.throws(() => openWith({ ...bare, load: undefined as never }, model), {
    code: 'bad-option',
    message: /no function/,
  });
  t.throws(() => openWith({ ...bare, load: 3 as never }, model), { code: 'bad-option', message: /must be a function/ });
});

test.serial('functions of ours and of users are weighed in processes of their own', async (t) => {
  const own = copyOfFixture('tiny-Q4_0.gguf', folder);
  const mine = join(folder, 'mine.ts');
  // A bare function; what it prints when it is called must not disturb the sample.
  writeFileSync(
    mine,
    `import { readFileSync } from 'node:fs';
export function load(parts: readonly { path: string; begin: number; end: number }[], allocate: (part: unknown) => Uint8Array) {
  console.log('called');
  return parts.map((part) => {
    const bytes = allocate(part);
    bytes.set(readFileSync(part.path).subarray(part.begin, part.end));
    return bytes;
  });
}
`,
  );
  const zeros = join(folder, 'zeros.mjs');
  writeFileSync(zeros, 'export default (parts, allocate) => parts.map(allocate);\n');
  const fails = join(folder, 'fails.mjs');
  writeFileSync(fails, "export default () => { throw new Error('not today'); };\n");
  const { code, stdout, stderr } = await weighbridge([
    ...['run', own, '--loader', ['read', 'node-fs', mine, zeros, fails].join(','), '--state', 'warm', '--rounds', '1'],
    ...['--memory-state', 'as-is', '--memory-rounds', '1', '--prompt', '2', '--generate', '2', '--threads', '2'],
    ...['--out', join(folder, 'run'), '--lock-wait', '1100', '--json'],
  ]);
  t.is(code, 1, stderr);
  const { run, samples } = JSON.parse(stdout) as Output;
  const outcomes = (loader: string): readonly string[] => [
    ...new Set(tried(samples).flatMap(({ arm, outcome }) => (arm.loader === loader ? [outcome] : []))),
  ];
  t.deepEqual(outcomes('read'), ['ok']);
  t.deepEqual(outcomes('node-fs'), ['ok']);
  t.deepEqual(outcomes('mine'), ['ok']);
  t.deepEqual(outcomes('zeros'), ['mismatch']);
  t.deepEqual(outcomes('fails'), ['failed']);
  const failed = samples.find((sample) => sample.arm.loader === 'fails');
  t.is(failed?.reason?.code, 'callback-failed');
  t.is(failed?.reason?.message, 'not today');
  const armOf = (loader: string) => Object.values(run.arms).find((arm) => arm.loader === loader);
  t.is(armOf('mine')?.module, mine);
  t.is(armOf('node-fs')?.module, null);
  t.false(JSON.stringify(armOf('node-fs')).includes(root));
});

test.serial('generate runs on a function of the user and ends by itself', async (t) => {
  const mine = join(folder, 'plain.mjs');
  writeFileSync(
    mine,
    `import { readFileSync } from 'node:fs';
export default (parts, allocate) => parts.map((part) => {
  const bytes = allocate(part);
  bytes.set(readFileSync(part.path).subarray(part.begin, part.end));
  return bytes;
});
`,
  );
  const text = ['generate', model, '-p', 'a', '-n', '4'];
  const ours = await weighbridge([...text, '--loader', 'mmap-shared']);
  const theirs = await weighbridge([...text, '--loader', mine]);
  t.is(theirs.code, 0, theirs.stderr);
  t.is(theirs.stdout, ours.stdout);
});
