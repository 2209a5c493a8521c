/** Runs side by side, from ledgers that real runs recorded; of another day or machine by editing such a one. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { compareSchema } from '../../reports/compare-schema.js';
import { noisePath } from '../../src/noise-store.js';
import type { Comparison, ComparedCell } from '../../src/report/compare.js';
import type { LedgerRecord, RunRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { violationsOf } from '../reports/json-schema.js';

const folder = scratchFolder();
const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data') };
const at = (...names: readonly string[]): string => join(folder, ...names);
const before = at('before');

async function record(t: ExecutionContext, model: string, out: string, more: readonly string[]): Promise<void> {
  const { code, stderr } = await weighbridge([
    ...['run', model, '--memory-state', 'as-is', '--rounds', '1', '--prompt', '4', '--generate', '3'],
    ...['--lock-wait', '1100', '--out', out, ...more],
  ]);
  t.is(code, 0, stderr);
}

test.before(async (t) => {
  const made = await weighbridge(['gen', at('tiny.gguf'), '--shape', 'tiny', '--type', 'q8_0']);
  t.is(made.code, 0, made.stderr);
  t.is((await weighbridge(['gen', at('other.gguf'), '--shape', 'tiny', '--type', 'f16'])).code, 0);
  await record(t, at('tiny.gguf'), before, ['--loader', 'read,mmap-shared']);
  await record(t, at('other.gguf'), at('other'), ['--loader', 'read', '--state', 'warm']);
  await record(t, at('tiny.gguf'), at('more'), ['--loader', 'mmap-shared,stdio', '--state', 'warm']);
});
test.after.always(() => {
  removeFolder(folder);
});

interface Edit {
  readonly text?: (text: string) => string;
  readonly run?: (run: RunRecord) => RunRecord;
  /** By which the times of an arm's samples are multiplied. */
  readonly times?: (loader: string) => number;
}

/** A copy of a recorded run as another day or another machine would have recorded it. */
function edited(name: string, { text = (same) => same, run = (same) => same, times = () => 1 }: Edit): string {
  const records = text(readFileSync(join(before, 'ledger.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerRecord);
  const scaled = (sample: Sample): unknown => {
    const by = times(sample.arm.loader);
    const time = (ns: number | null): number | null => (ns === null ? null : Math.round(ns * by));
    return { ...sample, ttftNs: time(sample.ttftNs), completeNs: time(sample.completeNs) };
  };
  const lines = records.map((each) => {
    if (each.kind === 'sample') return scaled(each);
    return each.kind === 'run' ? run({ ...each, startedAt: `2026-01-02T03:04:05.${name.length}00Z` }) : each;
  });
  mkdirSync(at(name), { recursive: true });
  writeFileSync(at(name, 'ledger.jsonl'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  return at(name);
}

const elsewhere = (run: RunRecord): RunRecord => ({
  ...run,
  machine: { ...run.machine, fingerprint: '0123456789abcdef', kernel: '9.8.7-elsewhere' },
});

async function compared(t: ExecutionContext, ...runs: readonly string[]): Promise<Comparison & { text: string }> {
  const json = at(`${runs.length}-${Math.random()}.json`);
  const { code, stdout, stderr } = await weighbridge(['compare', ...runs, '--json', json], env);
  t.is(code, 0, stderr);
  const value = JSON.parse(readFileSync(json, 'utf8')) as Comparison;
  t.deepEqual(violationsOf(compareSchema, value), []);
  return { ...value, text: stdout };
}

function cell({ sections }: Comparison, state: string, label: string, run: number): ComparedCell | null | undefined {
  const rows = sections.find(({ place }) => place.state === state)?.rows;
  return rows?.find((row) => row.label === label)?.cells[run];
}

function ratio(of: ComparedCell | null | undefined, metric = 'ttft') {
  return of?.ratios.find((each) => each.metric === metric);
}

test('a later run on one machine is divided by the first, without pairs and without a verdict', async (t) => {
  const after = edited('after', { times: (loader) => (loader === 'read' ? 2 : 1) });
  const all = await compared(t, `before=${before}`, `after=${after}`);
  for (const state of ['cold', 'warm']) {
    const found = ratio(cell(all, state, 'read', 1));
    t.like(found, { base: 'before', by: 'nothing', noiseFloor: null });
    t.true(Math.abs((found?.value ?? 0) - 2) < 0.001);
    t.is(ratio(cell(all, state, 'mmap-shared', 1))?.value, 1);
    t.deepEqual(cell(all, state, 'read', 0)?.ratios, [], 'the first is divided by none');
  }
  t.regex(
    all.headline,
    /^2 runs of one machine: cold, read moved most: its median first token is 2\.00 × before in after/,
  );
  t.regex(all.text, /2\.00 ±\?/);
  t.regex(all.text.replace(/\s+/g, ' '), /no verdict\. weighbridge ab weighs both sides in one run/);
  t.notRegex(all.text, /regress|improved|significant/i);
  const wide = all.text.split('\n').filter((line) => line.length > 80 && !line.includes(folder));
  t.deepEqual(wide, []);
});

test('the noise that was stored for the machine stands beside the ratio', async (t) => {
  const { run } = {
    run: JSON.parse(readFileSync(join(before, 'ledger.jsonl'), 'utf8').split('\n')[0] ?? '') as RunRecord,
  };
  const arm = Object.values(run.arms).find(({ label }) => label === 'read');
  const key = {
    fingerprint: run.machine.fingerprint,
    model: Object.values(run.models)[0]?.headerDigest ?? '',
    arm: arm?.id ?? '',
    ...({ state: 'warm', memoryState: 'as-is' } as const),
  };
  const directory = join(folder, 'noisy', 'weighbridge', 'noise');
  mkdirSync(directory, { recursive: true });
  const metric = { pairs: 40, logRatios: Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 0.1 : -0.1)) };
  const metrics = { ttft: metric, complete: metric, decode: metric };
  const stored = { kind: 'noise', schema: 1, key, provenance: { seed: 1 }, metrics };
  writeFileSync(noisePath(key, directory), JSON.stringify(stored));
  const after = edited('noisy-after', { times: (loader) => (loader === 'read' ? 2 : 1) });
  const json = at('noisy.json');
  const { code, stdout, stderr } = await weighbridge(['compare', `a=${before}`, `b=${after}`, '--json', json], {
    ...process.env,
    XDG_DATA_HOME: at('noisy'),
  });
  t.is(code, 0, stderr);
  const all = JSON.parse(readFileSync(json, 'utf8')) as Comparison;
  t.true(Math.abs((ratio(cell(all, 'warm', 'read', 1))?.noiseFloor ?? 0) - Math.expm1(0.1)) < 0.001);
  t.is(ratio(cell(all, 'cold', 'read', 1))?.noiseFloor, null, 'it is of one state');
  t.regex(stdout, /2\.00 ±11%/);
  t.regex(all.headline, /beyond the noise floor of ±11%/);
});

test('another machine stands apart, and is divided only after both were divided by their ceilings', async (t) => {
  const slow = edited('slow', {
    run: elsewhere,
    times: (loader) => (['device', 'home', 'memory'].includes(loader) ? 2 : 3),
  });
  const all = await compared(t, `here=${before}`, `there=${slow}`);
  t.deepEqual(
    all.machines.map(({ name, runs }) => [name, runs]),
    [
      ['machine 1', ['here']],
      ['machine 2', ['there']],
    ],
  );
  const warm = cell(all, 'warm', 'read', 1);
  t.deepEqual([...new Set(warm?.ratios.map(({ by }) => by))], ['memory'], 'nothing is divided as it was measured');
  t.true(Math.abs((ratio(warm)?.value ?? 0) - 1.5) < 0.001);
  for (const { by } of cell(all, 'cold', 'read', 1)?.ratios ?? []) t.is(by, 'device');
  t.regex(all.text.replace(/\s+/g, ' '), /divided by the memory ceiling of its own machine: 1\.50/);
  const facets = all.charts.filter(({ kind, title }) => kind === 'runs' && title.startsWith('warm'));
  t.deepEqual(
    facets.map(({ title }) => /machine \d/.exec(title)?.[0]),
    ['machine 1', 'machine 2'],
  );
  t.deepEqual(
    facets.map(({ table }) => [...new Set(table.rows.map(([, run]) => run))]),
    [['here'], ['there']],
    'no chart of seconds has samples of two machines',
  );
  t.true(all.charts.some(({ kind }) => kind === 'shares'));
});

test('one colour a loader throughout, one shape a run', async (t) => {
  const all = await compared(t, `here=${before}`, `there=${edited('colours', { run: elsewhere })}`, at('more'));
  const marks = all.charts.flatMap(({ data }) => data.filter(({ part }) => part === 'row'));
  for (const [name, field] of [
    ['read · ', 'color'],
    ['mmap-shared · ', 'color'],
    [' · here', 'shape'],
    [' · there', 'shape'],
  ] as const) {
    const found = marks.filter(({ loader }) => loader?.includes(name)).map((mark) => mark[field]);
    t.true(found.length > 2, name);
    t.is(new Set(found).size, 1, name);
  }
});

test('what only some runs have is listed and stays in the figures', async (t) => {
  const csv = at('lacking');
  const { code, stdout, stderr } = await weighbridge(['compare', before, at('more'), '--csv', csv], env);
  t.is(code, 0, stderr);
  const text = stdout.replace(/\s+/g, ' ');
  t.regex(text, /NOT IN ALL RUNS/);
  t.regex(text, /warm · free memory as-is: read: in before, not in more\./);
  t.regex(text, /warm · free memory as-is: stdio: in more, not in before\./);
  t.regex(text, /cold · free memory as-is: [^:]*read[^:]*: in before, not in more\./);
  const rows = readFileSync(join(csv, 'compare.csv'), 'utf8').split('\n');
  t.true(rows.some((row) => row.startsWith('more,') && row.includes(',stdio,')));
  t.true(rows.some((row) => row.startsWith('before,') && row.includes(',cold,')));
  t.deepEqual(readdirSync(csv).sort(), ['compare.csv', 'differences.csv']);
});

test('what differs between the runs is told, and other work on one machine is not divided', async (t) => {
  const after = edited('threads', {
    text: (text) => text.replaceAll(/ infer t\d+ /g, ' infer t64 '),
    run: (run) => {
      const arms = Object.fromEntries(
        Object.entries(run.arms).map(([id, arm]) => [id, { ...arm, threads: 64, isa: 'imaginary' }]),
      );
      const plan = { ...run.plan, settings: (run.plan.settings ?? []).map((each) => ({ ...each, threads: 64 })) };
      return { ...run, tool: 'weighbridge 9.9.9', arms, plan, machine: { ...run.machine, kernel: '9.8.7' } };
    },
  });
  const all = await compared(t, `before=${before}`, `after=${after}`);
  const differs = new Map(all.differences.map(({ term, values }) => [term, values[1]]));
  t.is(differs.get('Tool'), 'weighbridge 9.9.9');
  t.is(differs.get('Kernel'), '9.8.7');
  t.is(differs.get('Instruction set'), 'imaginary');
  t.is(differs.get('Threads'), '64 threads');
  t.false(differs.has('Model'), 'what is the same is no difference');
  t.true(all.same.some(({ term }) => term === 'Model'));
  const later = cell(all, 'warm', 'read', 1);
  t.deepEqual(later?.ratios, []);
  t.regex(later?.apart ?? '', /^threads 64, not \d+; instruction set imaginary, not \w+ \(before\)$/);
  t.regex(all.text.replace(/\s+/g, ' '), / in after: not divided by another run's: threads 64/);
});

test('of different models rates are compared and no seconds', async (t) => {
  const all = await compared(t, `small=${before}`, `large=${at('other')}`);
  t.deepEqual(
    all.sections.flatMap(({ rows }) => rows.flatMap(({ cells }) => cells.flatMap((each) => each?.ratios ?? []))),
    [],
  );
  const [warm] = all.rates;
  t.is(warm?.state, 'warm');
  t.deepEqual(
    warm?.table.rows.filter(([label]) => label === 'read').map(([, run, model]) => [run, model]),
    [
      ['small', 'tiny.gguf'],
      ['large', 'other.gguf'],
    ],
  );
  t.deepEqual([...new Set(all.charts.map(({ kind }) => kind))], ['rates']);
  t.regex(all.text, /MODELS SIDE BY SIDE · WARM/);
  t.regex(all.headline, /different models/);
});

test('a model is known by its digest, whatever its file is called', async (t) => {
  const moved = edited('moved', {
    run: (run) => ({
      ...run,
      models: Object.fromEntries(
        Object.entries(run.models).map(([id, model]) => [id, { ...model, path: '/elsewhere/renamed.gguf' }]),
      ),
    }),
  });
  t.is(ratio(cell(await compared(t, `a=${before}`, `b=${moved}`), 'warm', 'read', 1))?.value, 1);
});

test('each output is written where it is asked for, the page last', async (t) => {
  const to = (name: string): string => at('asked', name);
  const { code, stdout, stderr } = await weighbridge(
    [
      ...['compare', before, edited('asked-after', {}), '--html', to('page.html'), '--md', to('page.md')],
      ...['--csv', to('csv'), '--json', to('page.json'), '--svg', to('svg'), '--png', to('png')],
    ],
    env,
  );
  t.is(code, 0, stderr);
  t.true(stdout.trimEnd().endsWith(to('page.html')));
  t.deepEqual(readdirSync(to('.')).sort(), ['csv', 'page.html', 'page.json', 'page.md', 'png', 'svg']);
  t.regex(readFileSync(to('page.html'), 'utf8'), /^<!DOCTYPE html>[^]*asked-after[^]*First token, run by run/);
  t.regex(readFileSync(to('page.md'), 'utf8'), /^### 2 runs of one machine/);
  t.deepEqual(readdirSync(to('svg')).sort(), ['01-runs.svg', '02-runs.svg', ...readdirSync(to('svg')).sort().slice(2)]);
  t.is(readdirSync(to('png')).length, readdirSync(to('svg')).length);
});

test('the schema of the JSON is published by the command itself', async (t) => {
  const { code, stdout } = await weighbridge(['compare', '--schema']);
  t.is(code, 0);
  t.deepEqual(JSON.parse(stdout), compareSchema);
});

const claims = at('claims');
const newer = at('newer');
test.before(() => {
  mkdirSync(join(claims, 'warm'), { recursive: true });
  writeFileSync(join(claims, 'claims.json'), '{}');
  writeFileSync(join(claims, 'warm', 'ledger.jsonl'), '{}');
  mkdirSync(newer);
  writeFileSync(join(newer, 'ledger.jsonl'), '{"kind":"run","schema":2}\n');
});

const wrong: readonly (readonly [what: string, args: () => readonly string[], complaint: RegExp])[] = [
  ['no run', () => [], /two runs or more, and none is named: weighbridge compare before=DIR after=DIR\n$/],
  ['one run', () => [before], /two runs or more, and one is named/],
  ['no ledger', () => [before, at('nowhere')], /nowhere.*no ledger can be read there/],
  ['a directory of claims', () => [before, claims], /directory of claims.*name one of its parts \(warm\)/],
  ['a directory of runs', () => [before, folder], /this is no run, but holds some \(/],
  ['a ledger of a newer schema', () => [before, newer], /schema 2 is not known; this version reads 1/],
  ['one run twice', () => [`a=${before}`, `b=${join(before, 'ledger.jsonl')}`], /a and b are one run/],
  ['one name twice', () => [`a=${before}`, `a=${at('more')}`], /would both be called a; name them/],
  ['one directory name twice', () => [before, join(claims, '..', 'x', 'before')], /would both be called before/],
  ['no name', () => [`=${before}`, at('more')], /no name stands before the =/],
  ['no directory', () => ['a=', at('more')], /no directory stands behind the =/],
  ['a long name', () => [`${'n'.repeat(21)}=${before}`, at('more')], /at most 20 characters/],
  ['an output without a path', () => [before, at('more'), '--html', ' '], /--html needs a path/],
];
for (const [what, args, complaint] of wrong) {
  test(`${what}: one clear line, exit code 2`, async (t) => {
    const { code, stdout, stderr } = await weighbridge(['compare', ...args()], env);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]*\n$/);
    t.regex(stderr, complaint);
  });
}

test('names that differ only before their common end are told apart', async (t) => {
  const [one, two] = ['2026-01-02T03-04-05-a-long-model', '2026-01-02T03-04-09-a-long-model'].map((name, index) =>
    edited(name, { run: (run) => ({ ...run, seed: index }) }),
  );
  const all = await compared(t, one ?? '', two ?? '');
  t.deepEqual(
    all.runs.map(({ name }) => name),
    ['2026-01-02T03-04-05', '2026-01-02T03-04-09'],
  );
});
