/** Loading alone: any GGUF file, every loader, each byte once, and no word of tokens where there are none. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { native } from '../../src/native.js';
import type { Group, RunRecord, Sample } from '../../src/samples/record.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { root, weighbridge } from '../command.js';
import { foreignBytes, writeForeignModel } from '../foreign-model.js';
import { splitModel } from '../loaders/models.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { writeUnsupportedType } from '../unsupported-type.js';
import { tried } from './tried.js';

// Runs hold one machine-wide lock and certify cache states: one at a time, each waiting for the others.
const quick = ['--no-inference', '--memory-state', 'as-is', '--lock-wait', '1100'];

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const known = copyOfFixture('tiny-Q8_0.gguf', folder);
const foreign = writeForeignModel(folder);
const lacking = writeUnsupportedType(folder);

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly groups: readonly Group[];
}

let runs = 0;
async function run(
  t: ExecutionContext,
  ...args: readonly string[]
): Promise<Output & { readonly out: string; readonly text: string }> {
  const out = join(folder, `run-${runs++}`);
  const { code, stdout, stderr } = await weighbridge(['run', ...args, ...quick, '--out', out]);
  t.is(code, 0, stderr);
  return { ...recordsIn(out), out, text: stdout };
}

function recordsIn(out: string): Output {
  const lines = readFileSync(join(out, 'ledger.jsonl'), 'utf8').split('\n').filter(Boolean);
  const records = lines.map((line) => JSON.parse(line) as { readonly kind: string });
  const of = <T>(kind: string): T[] => records.filter((record) => record.kind === kind) as T[];
  const [header] = of<RunRecord>('run');
  if (header === undefined) throw new Error(`${out} has no header`);
  return { run: header, samples: of<Sample>('sample'), groups: of<Group>('group') };
}

/** Samples whose loader uses the weights. */
const touching = ({ run: { arms }, samples }: Output): readonly Sample[] =>
  samples.filter(({ arm }) => arms[arm.id]?.work === 'touch');

test.serial(
  'every model is touched whole, by loaders of every kind, in every state, and by any number of threads',
  async (t) => {
    const [parts = ''] = await splitModel(folder, 3);
    const loaders = 'read,mmap-shared,pread-parallel-pipelined,mmap-shared-touch-pipelined,node-fs,null,stream-discard';
    const given = [known, foreign, lacking, parts];
    const output = await run(t, ...given, '--loader', loaders, '--rounds', '1', '--threads', '1,3');
    const { arms, models, referenceHashes } = output.run;
    // A state that did not hold is tried again.
    const tried = touching(output);
    const found = tried.filter(({ outcome }) => outcome !== 'invalid');
    // Four models, five such loaders, two numbers of threads, two states, two passes.
    t.is(new Set(found.map(({ arm, state, pass }) => `${arm.id} ${state} ${pass}`)).size, 4 * 5 * 2 * 2 * 2);
    t.is(new Set(Object.values(referenceHashes)).size, 4);
    for (const sample of found) {
      const { arm, state, pass, contentHash, bytesNeeded, untouchedBytes, phases } = sample;
      const where = `${arm.id} ${state} ${pass} ${JSON.stringify(sample.reason)}`;
      const model = models[arm.model];
      t.is(sample.outcome, 'ok', where);
      t.regex(arm.id, / touch t[13]$/, where);
      t.is(contentHash, referenceHashes[`${arm.model} touch`] ?? '', where);
      t.is((bytesNeeded ?? 0) + (untouchedBytes ?? 0), model?.tensorBytes ?? NaN, where);
      for (const none of ['tokens', 'tokensPerSecond', 'isa', 'logitsHash', 'debt'] as const)
        t.is(sample[none], null, where);
      t.is(phases?.prefill ?? phases?.decode ?? null, null, where);
      t.is(sample.memory?.kvCacheBytes, 0, where);
      if (pass === 'time') t.true((sample.ttftNs ?? 0) > 0 && (sample.completeNs ?? 0) >= (sample.ttftNs ?? 0), where);
      const runs = model?.path === known || model?.path === parts;
      const plan = runs ? native().kernelPlan(model.path, { context: 1, batch: 1, threads: 1 }) : null;
      t.is(bytesNeeded, plan?.bytesNeeded ?? model?.tensorBytes ?? NaN, where);
      t.like(arms[arm.id], { context: 0, prompt: 0, generate: 0 }, where);
    }
    t.is(
      models[found.find(({ arm }) => models[arm.model]?.path === foreign)?.arm.model ?? '']?.tensorBytes,
      foreignBytes,
    );
    // What loads nothing, or keeps nothing, has no content.
    const others = output.samples.filter((sample) => !tried.includes(sample));
    t.deepEqual([...new Set(others.map(({ contentHash }) => contentHash))], [null]);
  },
);

test.serial('the content of a model in parts is that of the model in one', async (t) => {
  const place = scratchFolder();
  t.teardown(() => removeFolder(place));
  const [parts = ''] = await splitModel(place, 3);
  const one = join(place, 'one.gguf');
  await generateModel({ out: one, shape: 'tiny', type: 'q8_0', seed: 3, split: 1 });
  const output = await run(t, parts, one, '--loader', 'mmap-shared', '--state', 'warm', '--rounds', '1');
  t.is(Object.keys(output.run.referenceHashes).length, 2);
  t.is(new Set(Object.values(output.run.referenceHashes)).size, 1);
});

test.serial('one bit that a loader changes is a mismatch', async (t) => {
  if (spawnSync('cc', ['--version']).status !== 0) {
    t.log('skipped: there is no C compiler (cc) here');
    t.pass();
    return;
  }
  const library = join(folder, 'flips-a-bit.so');
  const flags = ['-shared', '-fPIC', '-DODD=14', '-I', join(root, 'native', 'loaders'), '-o', library];
  t.is(spawnSync('cc', [...flags, join(root, 'test', 'loaders', 'odd_library.c')]).status, 0);
  const out = join(folder, 'flipped');
  const args = [foreign, '--loader', `read,${library}`, '--state', 'warm', '--rounds', '1', '--out', out];
  const { code, stderr } = await weighbridge(['run', ...args, ...quick]);
  t.is(code, 1, stderr);
  const { samples, run: header } = recordsIn(out);
  const of = (loader: string): readonly Sample[] => tried(samples).filter(({ arm }) => arm.loader === loader);
  t.deepEqual([...new Set(of('read').map(({ outcome }) => outcome))], ['ok']);
  for (const { outcome, reason, contentHash } of of('flips-a-bit')) {
    t.is(outcome, 'mismatch');
    t.is(reason?.code, 'content-differs');
    t.false(Object.values(header.referenceHashes).includes(contentHash ?? ''));
  }
});

test.serial('what people read speaks of bytes, and of no tokens', async (t) => {
  const args = [
    known,
    '--loader',
    'read,mmap-shared',
    '--state',
    'warm',
    '--rounds',
    '2',
    '--processes',
    '1,2',
    '--trace',
  ];
  const { out, text, groups, run: header } = await run(t, ...args, '--loads', '2', '--threads', '1');
  t.is(
    tried(groups).every(({ outcome, tokensPerSecond }) => outcome === 'ok' && tokensPerSecond === null),
    true,
  );
  t.regex(text, /loading alone/);
  t.regex(text, /last needed/);
  const file = (name: string): string => readFileSync(join(out, name), 'utf8');
  const page = file('report.html');
  // A sentence says that what a first token reads is touched first.
  const wording = /[^.]*what a first token reads[^.]*\.|compared with the first token of another run/gi;
  for (const [name, shown] of Object.entries({
    terminal: text,
    markdown: file('report.md'),
    // Without Vega's own code and the names of fields.
    page: page.slice(0, page.indexOf('<script')).replace(/<svg[^]*?<\/svg>/g, ''),
  })) {
    const said = shown.replace(/\s+/g, ' ').replace(wording, '');
    t.notRegex(said, /first token|tokens\/s|decode|debt/i, name);
    t.regex(said, /last needed byte/i, name);
  }
  for (const name of ['samples.csv', 'summary.csv', 'groups.csv']) {
    const [heading = ''] = file(name).split('\n');
    const own = heading.split(',').filter((column) => !column.startsWith('command_'));
    t.notRegex(own.join(), /ttft|first_token|tokens_per_second|logits|decode|debt/, name);
    t.regex(heading, /last_needed_byte/, name);
    t.regex(heading, /,work,/, name);
  }
  t.regex(file('samples.csv').split('\n')[0] ?? '', /,content_hash,/);
  const traces = readdirSync(out).filter((name) => name.startsWith('trace-'));
  t.is(traces.length, 2);
  for (const trace of traces) t.regex(file(trace), /"name":"needed bytes"/);
  for (const { work, id } of Object.values(header.arms)) t.is(id.includes(' touch '), work === 'touch', id);

  const explained = await weighbridge(['explain', out]);
  t.is(explained.code, 0, explained.stderr);
  t.notRegex(explained.stdout.replace(/\s+/g, ' '), /first token|tokens\/s|decod/i);
  const junit = await weighbridge(['report', out, '--junit', join(out, 'junit.xml')]);
  t.is(junit.code, 0, junit.stderr);
  t.notRegex(file('junit.xml'), /first token|decode/);
});

test.serial(
  'runs that touched and runs that inferred stand apart, and are divided by nothing of each other',
  async (t) => {
    const args = [
      known,
      '--loader',
      'read',
      '--state',
      'warm',
      '--rounds',
      '1',
      '--memory-rounds',
      '0',
      '--threads',
      '2',
    ];
    const { out: touched } = await run(t, ...args);
    const inferred = join(folder, 'inferred');
    const infer = ['--memory-state', 'as-is', '--lock-wait', '1100', '--prompt', '2', '--generate', '2'];
    t.is((await weighbridge(['run', ...args, ...infer, '--out', inferred])).code, 0);
    const json = join(folder, 'compared.json');
    const { code, stderr } = await weighbridge(['compare', inferred, touched, '--json', json]);
    t.is(code, 0, stderr);
    const { sections } = JSON.parse(readFileSync(json, 'utf8')) as {
      readonly sections: readonly {
        readonly runs: readonly string[];
        readonly place: { readonly setting: string | null };
        readonly rows: readonly { readonly cells: readonly ({ readonly ratios: readonly unknown[] } | null)[] }[];
      }[];
    };
    t.deepEqual(
      sections.map(({ place, runs: names }) => [place.setting, names.length]),
      [
        [null, 1],
        ['loading alone', 1],
      ],
    );
    t.true(
      sections.every(({ rows }) => rows.every(({ cells }) => cells.every((cell) => (cell?.ratios ?? []).length === 0))),
    );
  },
);

test.serial('ab judges two loaders by what they load', async (t) => {
  const out = join(folder, 'ab');
  const args = [
    'ab',
    foreign,
    '--base',
    'read',
    '--head',
    'mmap-shared',
    '--pairs',
    '10',
    '--state',
    'warm',
    '--out',
    out,
  ];
  const { code, stdout, stderr } = await weighbridge([...args, ...quick, '--threshold', '90%', '--threads', '1']);
  t.is(code, 0, stderr);
  t.regex(stdout, /last needed byte/);
  t.notRegex(stdout, /first token|time a token/);
});

test.serial('a model that the kernel does not run is refused by an ordinary run, which names the way', async (t) => {
  for (const [path, words] of [
    [foreign, /moose/],
    [lacking, /token_embd\.weight.*I16/],
  ] as const) {
    const { code, stderr } = await weighbridge(['run', path, '--dry-run']);
    t.is(code, 2);
    t.regex(stderr, words);
    t.regex(stderr, /loading can be weighed with --no-inference/);
    t.is(stderr.trimEnd().split('\n').length, 1);
    const inspected = await weighbridge(['inspect', path]);
    t.is(inspected.code, 0, inspected.stderr);
    t.regex(
      inspected.stdout.replace(/\s+/g, ' '),
      /does not run this model.*loading can be weighed with --no-inference/,
    );
  }
});

const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a prompt', ['run', known, '--no-inference', '--prompt', '4'], /--prompt is of inference/],
  ['a context', ['run', known, '--no-inference', '--context', '64'], /--context is of inference/],
  ['an instruction set', ['run', known, '--no-inference', '--isa', 'scalar'], /--isa is of inference/],
  [
    'tokens in a gate',
    ['ab', known, '--base', 'read', '--head', 'mmap-shared', '--no-inference', '--generate', '4'],
    /--generate/,
  ],
  ['a run that goes on', ['run', '--resume', folder, '--no-inference'], /--no-inference/],
  ['the claims', ['claims', known, '--no-inference'], /claims has no option --no-inference; run, ab and aa have it/],
  ['a recommendation', ['recommend', known, '--no-inference'], /no option --no-inference/],
];
for (const [what, args, told] of refusals) {
  test(`refused with --no-inference: ${what}`, async (t) => {
    const { code, stderr } = await weighbridge(args);
    t.is(code, 2);
    t.regex(stderr, told);
    t.is(stderr.trimEnd().split('\n').length, 1);
  });
}

test('the plan says what is touched first, and a configuration file asks for it as well', async (t) => {
  for (const [path, told] of [
    [
      known,
      /loading alone: every tensor byte is touched and summed \(--no-inference\), first the .* that a first token reads/,
    ],
    [foreign, /loading alone: .* all .* at once, of a model that the kernel does not run/],
  ] as const) {
    const { code, stdout, stderr } = await weighbridge(['run', path, '--no-inference', '--dry-run']);
    t.is(code, 0, stderr);
    t.regex(stdout.replace(/\s+/g, ' '), told);
    for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
  }
  const plans = {
    all: { models: [foreign], noInference: true },
    odd: { models: [known], noInference: true, prompt: 4 },
  };
  const place = scratchFolder();
  t.teardown(() => removeFolder(place));
  writeFileSync(join(place, 'weighbridge.config.json'), JSON.stringify({ plans }));
  const planned = await weighbridge(['run', '--plan', 'all', '--dry-run', '--json'], process.env, place);
  t.is(planned.code, 0, planned.stderr);
  const { arms } = JSON.parse(planned.stdout) as Pick<RunRecord, 'arms'>;
  t.true(Object.values(arms).some(({ work }) => work === 'touch'));
  const odd = await weighbridge(['run', '--plan', 'odd', '--dry-run'], process.env, place);
  t.is(odd.code, 2);
  t.regex(odd.stderr, /weighbridge\.config\.json: plans\.odd\.prompt is of inference/);
  const back = await weighbridge(['run', '--plan', 'odd', '--inference', '--dry-run'], process.env, place);
  t.is(back.code, 0, back.stderr);
  t.notRegex(back.stdout, /loading alone/);
});

test('a file without tensors has nothing to load', async (t) => {
  const path = join(folder, 'vocabulary.gguf');
  const { writeHeader } = await import('../../src/synthetic/gguf-writer.js');
  writeFileSync(path, writeHeader([['general.architecture', { type: 'string', value: 'moose' }]], [], 32));
  const { code, stderr } = await weighbridge(['run', path, '--no-inference', '--dry-run']);
  t.is(code, 2);
  t.regex(stderr, /holds no tensors: there is nothing to load/);
});
