/** A user's loader is the one that was planned, or it is refused; what it prints is kept from the result. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Arm, EndRecord, RunRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q4_0.gguf', folder);

const quick = ['--state', 'warm', '--memory-state', 'as-is', '--prompt', '2', '--generate', '2', '--threads', '2'];
const work = [...quick, '--memory-rounds', '0', '--lock-wait', '1100'];

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const strategy = (name: string, kib: number): string =>
  `export default { name: '${name}', mechanism: 'read', why: 'made by a test', options: { chunkBytes: ${kib} * 1024 } };\n`;

async function armOf(path: string): Promise<Arm | undefined> {
  const { stdout, stderr } = await weighbridge(['run', model, '--loader', `read,${path}`, '--dry-run', '--json']);
  if (stdout === '') throw new Error(stderr);
  const { arms } = JSON.parse(stdout) as Pick<RunRecord, 'arms'>;
  checkDigests(arms);
  return Object.values(arms).find(({ module }) => module === path);
}

function checkDigests(arms: RunRecord['arms']): void {
  const wrong = Object.values(arms).find(({ module, moduleDigest }) => (module === null) !== (moduleDigest === null));
  if (wrong !== undefined) throw new Error(`${wrong.id}: a digest without a module, or the reverse`);
}

test.serial('another text of the same file is another arm; the same text is the same', async (t) => {
  const path = file('named.ts', strategy('named', 64));
  const first = await armOf(path);
  t.regex(first?.moduleDigest ?? '', /^[0-9a-f]{16}$/);
  t.true(first?.id.endsWith(` ${first.moduleDigest}`));
  file('named.ts', strategy('named', 128));
  t.not((await armOf(path))?.id, first?.id);
  file('named.ts', strategy('named', 64));
  t.is((await armOf(path))?.id, first?.id);
});

test.serial('a library that a file names belongs to what the arm is', async (t) => {
  file('mine.so', 'one');
  const path = file(
    'names-library.mjs',
    "export default { name: 'names-library', mechanism: 'external', why: 'made by a test', options: { library: './mine.so' } };\n",
  );
  const first = await armOf(path);
  t.regex(first?.moduleDigest ?? '', /^[0-9a-f]{16}\+[0-9a-f]{16}$/);
  file('mine.so', 'two');
  const second = await armOf(path);
  t.not(second?.id, first?.id);
  t.is(second?.moduleDigest?.split('+')[0], first?.moduleDigest?.split('+')[0]);
});

test.serial('a loader that changes between two samples fails the second, before it is imported', async (t) => {
  const path = join(folder, 'changes.ts');
  writeFileSync(
    path,
    `import { appendFileSync, readFileSync } from 'node:fs';
import type { LoadFunction } from 'weighbridge';
export const load: LoadFunction = (parts, allocate) => {
  appendFileSync(${JSON.stringify(path)}, '// changed\\n');
  return parts.map((part) => {
    const bytes = allocate(part);
    bytes.set(readFileSync(part.path).subarray(part.begin, part.end));
    return bytes;
  });
};
`,
  );
  const args = ['run', model, '--loader', `read,${path}`, '--rounds', '2', '--out', join(folder, 'changes'), '--json'];
  const { code, stdout, stderr } = await weighbridge([...args, ...work]);
  t.is(code, 1, stderr);
  const { samples } = JSON.parse(stdout) as { readonly samples: readonly Sample[] };
  const own = samples.filter(({ arm }) => arm.loader === 'changes');
  t.deepEqual(
    own.map(({ outcome, reason }) => [outcome, reason?.code ?? null, reason?.path ?? null]),
    [
      ['ok', null, null],
      ['failed', 'loader-changed', path],
    ],
  );
  t.is(readFileSync(path, 'utf8').match(/^\/\/ changed$/gm)?.length, 1, 'the second sample ran nothing of it');
});

test.serial('a run goes on only with the loader that it began with', async (t) => {
  const path = file('resumed.ts', strategy('resumed', 64));
  const out = join(folder, 'resumed');
  // The budget is over at once: the first round runs, and two remain.
  const first = ['run', model, '--loader', `read,${path}`, '--rounds', '3', '--time-budget', '0.001', '--out', out];
  t.is((await weighbridge([...first, ...work])).code, 0);
  file('resumed.ts', strategy('resumed', 128));
  const resume = ['run', '--resume', out, '--lock-wait', '1100', '--json'];
  const changed = await weighbridge(resume);
  t.is(changed.code, 2);
  t.is(changed.stdout, '');
  t.is(changed.stderr.trim(), `weighbridge: ${path}: the loader changed since the run began; start a new run`);
  file('resumed.ts', strategy('resumed', 64));
  const same = await weighbridge(resume);
  t.is(same.code, 0, same.stderr);
});

test.serial(
  'a time budget leaves out the traces and later rounds, never the first round and the memory pass',
  async (t) => {
    const out = join(folder, 'budget');
    const args = ['run', model, '--loader', 'read', '--rounds', '1', '--trace', '--time-budget', '0.001', '--out', out];
    const { code, stderr } = await weighbridge([...args, ...quick, '--lock-wait', '1100']);
    t.is(code, 0, stderr);
    const lines = readFileSync(join(out, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as RunRecord | Sample | EndRecord);
    const passes = records.flatMap((record) => (record.kind === 'sample' ? [record.pass] : []));
    t.deepEqual([...new Set(passes)], ['time', 'memory']);
    const end = records.at(-1);
    t.is(end?.kind === 'end' ? end.stopped : null, 'time-budget');
  },
);

test.serial('what a loader prints while it is imported is not on standard output', async (t) => {
  const path = file('prints.ts', `console.log('printed by import');\n${strategy('prints', 64)}`);
  const { code, stdout, stderr } = await weighbridge(['loaders', '--loader', path, '--json']);
  t.is(code, 0, stderr);
  const { loaders } = JSON.parse(stdout) as { readonly loaders: readonly { readonly name: string }[] };
  t.deepEqual(
    loaders.map(({ name }) => name),
    ['prints'],
  );
  t.regex(stderr, /printed by import/);
});

test.serial("the list says of a user's bound that it is one", async (t) => {
  const path = file(
    'bound.mjs',
    "export default { name: 'my-bound', mechanism: 'discard', why: 'made by a test', options: { direct: false } };\n",
  );
  const { code, stdout } = await weighbridge(['loaders', '--loader', `read,${path}`]);
  t.is(code, 0);
  t.regex(stdout, /^ {2}my-bound {2}external bound {2}supported$/m);
  t.regex(stdout, /^ {2}read {6}loader {10}supported$/m);
});
