import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { allBlocks } from '../../src/plan/blocks.js';
import type { Planned } from '../../src/plan/plan.js';
import { shardedPlan } from '../../src/plan/shard.js';
import { readLedger } from '../../src/samples/ledger.js';
import { mergeShards } from '../../src/samples/merge.js';
import type { EndRecord, Ledger, MergeRecord, RunRecord, Sample } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { runExitCode } from '../../src/verdict.js';
import { writeAllWhole } from '../../src/whole-file.js';
import { root, runNode, weighbridge } from '../command.js';
import { planned, plannedModel, someLoaders } from '../plan/plans.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { ledger as ledgerOf, ok, reason, without } from '../statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const whole = planned({
  models: [plannedModel('a'), plannedModel('b', { bytes: 3_000_000 })],
  loaders: someLoaders.slice(0, 6),
});

/** What weighing every block of the plan would write. */
function samplesOf({ plan, arms }: Planned): readonly Sample[] {
  return allBlocks(plan, arms).flatMap(({ cells, round, index, pass }) =>
    cells.map((cell, position): Sample => {
      const place = { ...cell, arm: arms[cell.arm]!, round, block: index, pass, attempt: 1 };
      const never = cell.state === 'warm' && place.arm.mechanism === 'direct';
      const sample = never ? without('unsupported', place, reason('warm-direct')) : ok(place);
      return { ...sample, position };
    }),
  );
}

function recordOf({ plan, arms, models }: Planned, overrides: Partial<RunRecord> = {}): RunRecord {
  const { run } = ledgerOf({ arms: [], samples: [], run: { plan, arms, models } });
  return { ...run, command: ['weighbridge', 'run', '/models/a.gguf', '--shard', '1/3'], ...overrides };
}

interface Written {
  readonly run?: Partial<RunRecord>;
  readonly plan?: Planned;
  readonly stopped?: EndRecord['stopped'] | null;
  readonly drop?: number;
}

let folders = 0;

function written({ run, plan = whole, stopped = 'complete', drop = 0 }: Written): string {
  folders += 1;
  const directory = join(folder, `run-${folders}`);
  mkdirSync(directory);
  const samples = samplesOf(plan);
  const end = { kind: 'end', endedAt: '2026-01-02T04:00:00.000Z', stopped, message: null };
  const records = [recordOf(plan, run), ...samples.slice(0, samples.length - drop), ...(stopped === null ? [] : [end])];
  writeFileSync(join(directory, 'ledger.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return directory;
}

const shardPlan = (number: number, of: number, plan = whole): Planned => ({
  ...plan,
  plan: shardedPlan(plan, { number, of }, { threads: false, isa: false }),
});

const shard = (number: number, of: number, how: Written = {}): string =>
  written({ ...how, plan: shardPlan(number, of, how.plan ?? whole) });

const out = (): string => join(folder, `merged-${(folders += 1)}`);

/** Merges into a directory of its own and reads that back. */
function merged(directories: readonly string[], partial = false): readonly Ledger[] {
  return mergeShards(directories, partial).map(({ chunks }) => {
    const directory = out();
    mkdirSync(directory);
    writeAllWhole([{ path: join(directory, 'ledger.jsonl'), chunks }]);
    return readLedger(directory).ledger;
  });
}

const identity = ({ pass, round, block, arm, state, memoryState }: Sample): string =>
  JSON.stringify([pass, round, block, arm.id, state, memoryState]);

test('shards of one machine merge into the plan, the samples and the summary of the whole run', (t) => {
  const unsharded = readLedger(written({})).ledger;
  for (const of of [1, 2, 3, 6]) {
    const numbers = Array.from({ length: of }, (_, index) => index + 1);
    const ledgers = merged(numbers.toReversed().map((number) => shard(number, of)));
    t.is(ledgers.length, 1);
    const [ledger] = ledgers;
    t.deepEqual(ledger!.run.plan, unsharded.run.plan);
    t.deepEqual(ledger!.run.arms, unsharded.run.arms);
    t.deepEqual(ledger!.run.models, unsharded.run.models);
    t.deepEqual(ledger!.samples.map(identity).sort(), unsharded.samples.map(identity).sort());
    t.deepEqual(summarize(ledger!).cells, summarize(unsharded).cells);
    t.is(ledger!.end?.stopped, 'complete');
    t.deepEqual(ledger!.warnings, []);
    t.deepEqual(ledger!.run.command, ['weighbridge', 'run', '/models/a.gguf']);
    t.deepEqual(
      ledger!.run.merged?.shards.map(({ number }) => number),
      numbers,
    );
  }
});

test('every record stands in the merged ledger byte by byte, in the order in which the shards began', (t) => {
  const started = (second: number): Written => ({ run: { startedAt: `2026-01-02T03:04:0${second}.000Z` } });
  const directories = [shard(1, 3, started(5)), shard(2, 3, started(1)), shard(3, 3, started(3))];
  const [ledger] = mergeShards(directories, false);
  const text = Buffer.concat([...ledger!.chunks()].map((chunk) => Buffer.from(chunk))).toString();
  const lines = (directory: string): readonly string[] =>
    readFileSync(join(directory, 'ledger.jsonl'), 'utf8').split('\n').slice(1, -2);
  const inOrder = [directories[1]!, directories[2]!, directories[0]!].flatMap(lines);
  t.deepEqual(text.split('\n').slice(1, -2), inOrder);
});

test('hashes and devices of all shards stand in the header, and what each measured beside it', (t) => {
  const device = (depth: number) => ({ engine: 'io_uring', blockBytes: 1, depth, reason: null }) as const;
  const [a = '', b = ''] = Object.keys(whole.models);
  const ceilings = (id: string, depth: number): RunRecord['ceilings'] => ({
    device: { [id]: device(depth) },
    firstTouch: { backedNs: depth, returnedNs: null, limitNs: null },
  });
  // The larger model is the first to be placed.
  const first = shard(1, 2, { run: { ceilings: ceilings(b, 8), referenceHashes: { b: '2' } } });
  const second = shard(2, 2, { run: { ceilings: ceilings(a, 4), referenceHashes: { a: '1' } } });
  const [ledger] = merged([second, first]);
  t.deepEqual(ledger!.run.referenceHashes, { a: '1', b: '2' });
  t.deepEqual(ledger!.run.ceilings.device, { [a]: device(4), [b]: device(8) });
  t.is(ledger!.run.ceilings.firstTouch.backedNs, 8);
  t.deepEqual(
    ledger!.run.merged?.shards.map(({ ceilings: own }) => own.firstTouch.backedNs),
    [8, 4],
  );
});

test('what does not belong together is refused in one line, and nothing is written', async (t) => {
  const others = planned({ models: [plannedModel('a'), plannedModel('b', { bytes: 3_000_000 })], rounds: 5 });
  const changed = planned({
    models: [plannedModel('a', { digest: 'ffffffffffffffff' }), plannedModel('b', { bytes: 3_000_000 })],
    loaders: someLoaders.slice(0, 6),
  });
  const [one, two, three] = [shard(1, 3), shard(2, 3), shard(3, 3)];
  const torn = shard(3, 3, { stopped: null });
  writeFileSync(join(torn, 'ledger.jsonl'), '{"kind":"sample","round', { flag: 'a' });
  const damaged = shard(3, 3);
  writeFileSync(join(damaged, 'ledger.jsonl'), 'what is this\n', { flag: 'a' });
  const foreign = shard(3, 3);
  const stray = samplesOf(shardPlan(1, 3))[0];
  writeFileSync(join(foreign, 'ledger.jsonl'), `${JSON.stringify(stray)}\n`, { flag: 'a' });
  const merged: MergeRecord = { digest: '0123456789abcdef', of: 3, shards: [], missing: [], elsewhere: [] };
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /name the directories of the shards/],
    [[one, two], /of 3 shards these are missing: 3; name them all, or give --partial/],
    [[one, one, two, three], /shard 1 of 3 is there twice: .*run-\d+, .*run-\d+/],
    [[one, two, shard(3, 4)], /a shard of 4, and .*run-\d+ is of 3/],
    [[one, two, shard(3, 3, { plan: others })], /a shard of plan [0-9a-f]{16}, and .* is of [0-9a-f]{16}/],
    [[one, two, shard(3, 3, { plan: changed })], /a shard of plan/],
    [[one, two, shard(3, 3, { run: { tool: 'weighbridge 9.9.9' } })], /weighed by weighbridge 9\.9\.9/],
    [[one, two, shard(3, 3, { stopped: 'interrupted' })], /shard 3 of 3 is not complete \(interrupted\); continue it/],
    [[one, two, shard(3, 3, { drop: 1 })], /not complete \(samples are missing\)/],
    [[one, two, shard(3, 3, { stopped: null })], /not complete \(it has no end/],
    [[one, two, torn], /not complete \(it has no end/],
    [[one, two, damaged], /line \d+ is not JSON/],
    [[one, two, foreign], /block time 1 \d+ is none of shard 3 of 3/],
    [[one, two, written({})], /a whole run, no shard of one/],
    [[one, two, join(folder, 'nowhere')], /no ledger can be read there/],
    [[one, two, shard(3, 3, { run: { merged } })], /it was merged already/],
    [
      [one, two, shard(3, 3, { run: { merged: {} as MergeRecord } })],
      /line 1: merged\.digest is missing; the ledger was damaged/,
    ],
  ];
  for (const [directories, complaint] of cases) {
    const to = out();
    const { code, stdout, stderr } = await weighbridge(['merge', ...directories, '--out', to]);
    t.is(code, 2, stderr);
    t.regex(stderr, complaint);
    t.is(stderr.trim().split('\n').length, 1, stderr);
    t.is(stdout, '');
    t.false(existsSync(join(to, 'ledger.jsonl')));
  }
  const without = await weighbridge(['merge', one, two, three]);
  t.is(without.code, 2);
  t.regex(without.stderr, /--out must name a directory/);
  const over = await weighbridge(['merge', one, two, three, '--out', one]);
  t.is(over.code, 2);
  t.regex(over.stderr, /exists already/);
});

test('shards that were checked against other logits are not of one model', (t) => {
  const hashes = (hash: string): Written => ({ run: { referenceHashes: { 'a avx2 p4 g4': hash } } });
  const directories = [shard(1, 2, hashes('1')), shard(2, 2, hashes('2'))];
  t.throws(() => merged(directories), { message: /checked against other logits of a avx2 p4 g4/ });
});

test('a partial merge says what it lacks, in its header, its reports and on the terminal', async (t) => {
  const directories = [shard(1, 4), shard(3, 4), shard(4, 4, { stopped: 'interrupted', drop: 2 })];
  const to = out();
  const { code, stdout, stderr } = await weighbridge(['merge', ...directories, '--partial', '--out', to]);
  t.is(code, 0, stderr);
  t.regex(stdout, /^Partial +missing: 2; incomplete: 4$/m);
  const { ledger } = readLedger(to);
  t.deepEqual(ledger.run.merged?.missing, [2]);
  t.deepEqual(ledger.run.plan.shard?.numbers, [1, 3, 4]);
  t.is(ledger.end?.stopped, 'interrupted');
  const text = readFileSync(join(to, 'report.md'), 'utf8');
  t.regex(text, /Of 4 shards shard 2 is missing/);
  t.regex(text, /Of 4 shards shard 4 is incomplete/);
  const parts = new Set(ledger.run.plan.shard?.parts.map(({ setting, state }) => `${setting} ${state}`));
  t.is(parts.size, 3);
  const cells = new Set(summarize(ledger).cells.map(({ setting, state }) => `${setting} ${state}`));
  t.deepEqual(cells, parts, 'what was not weighed here is no empty cell');
  const resumed = await weighbridge(['run', '--resume', to]);
  t.is(resumed.code, 2);
  t.regex(resumed.stderr, /merged of shards; continue those/);
});

test('different machines keep a ledger each, and each says where the rest is', async (t) => {
  const machine = (fingerprint: string): Written => ({ run: { machine: { fingerprint } } });
  const to = out();
  const directories = [shard(1, 4, machine('aaaa')), shard(2, 4, machine('bbbb')), shard(3, 4, machine('aaaa'))];
  directories.push(shard(4, 4, machine('bbbb')));
  const { code, stdout, stderr } = await weighbridge(['merge', ...directories, '--out', to]);
  t.is(code, 0, stderr);
  t.regex(stdout, /^Machine +aaaa, a ledger of its own: machines are never pooled$/m);
  t.deepEqual(readdirSync(to).sort(), ['aaaa', 'bbbb']);
  const [a, b] = ['aaaa', 'bbbb'].map((name) => readLedger(join(to, name)).ledger);
  t.deepEqual(a?.run.plan.shard?.numbers, [1, 3]);
  t.deepEqual(b?.run.plan.shard?.numbers, [2, 4]);
  t.deepEqual(a?.run.merged?.elsewhere, [{ fingerprint: 'bbbb', numbers: [2, 4] }]);
  t.is(a?.end?.stopped, 'complete');
  t.is(a!.samples.length + b!.samples.length, samplesOf(whole).length);
  t.regex(readFileSync(join(to, 'aaaa', 'report.md'), 'utf8'), /shards 2 and 4 on bbbb/);
});

test('one machine with two builds, or with arms that are not the same, has two ledgers', (t) => {
  const { runtime } = recordOf(whole);
  const builds = merged([shard(1, 2), shard(2, 2, { run: { runtime: { ...runtime, addon: 'other' } } })]);
  t.deepEqual(
    builds.map(({ run }) => run.plan.shard?.numbers),
    [[1], [2]],
  );
  const faster = {
    ...whole,
    arms: Object.fromEntries(Object.entries(whole.arms).map(([id, arm]) => [id, { ...arm, threads: 9 }])),
  };
  const { digest } = shardPlan(1, 2).plan.shard!;
  const other = shardPlan(2, 2, faster);
  const arms = written({ plan: { ...other, plan: { ...other.plan, shard: { ...other.plan.shard!, digest } } } });
  t.is(merged([shard(1, 2), arms]).length, 2);
});

test('a shard that had nothing to weigh is no gap, whichever machine it was on', (t) => {
  const elsewhere: Written = { run: { machine: { fingerprint: 'idle' } } };
  const directories = [1, 2, 3, 4].map((number) => shard(number, 5));
  const ledgers = merged([...directories, shard(5, 5, elsewhere)]);
  t.is(ledgers.length, 1);
  t.deepEqual(ledgers[0]!.run.plan, whole.plan);
  t.is(ledgers[0]!.run.machine.fingerprint, 'feedfacecafebeef');
});

test('a loader that only another shard can weigh does not fail this one, and fails the whole where none can', (t) => {
  const exitOf = (ledger: Ledger): number => {
    const summary = summarize(ledger);
    const rest = { tinybench: [], verdict: null, stopped: 'complete', failure: null } as const;
    return runExitCode({ ledger, summary, report: {} as never, ...rest }).code;
  };
  const warm = planned({ models: [plannedModel('a')], loaders: someLoaders.slice(0, 6) });
  const directories = [1, 2].map((number) => shard(number, 2, { plan: warm }));
  for (const directory of directories) t.is(exitOf(readLedger(directory).ledger), 0);
  t.is(exitOf(merged(directories)[0]!), 0);
  const never = planned({ loaders: someLoaders.slice(0, 6), states: ['warm'], processes: [1, 2].slice(0, 1) });
  t.is(exitOf(readLedger(written({ plan: never })).ledger), 1);
  t.is(exitOf(merged([shard(1, 1, { plan: never })])[0]!), 1);
});

test('of several files none appears where one cannot be written', (t) => {
  const directory = out();
  mkdirSync(directory);
  const file = (name: string, text: string) => ({ path: join(directory, name), chunks: () => [text] });
  const broken = {
    path: join(directory, 'second'),
    *chunks() {
      yield 'half';
      throw new Error('no more');
    },
  };
  t.throws(() => writeAllWhole([file('first', 'a'), broken, file('third', 'c')]), { message: 'no more' });
  t.deepEqual(readdirSync(directory), []);
  writeAllWhole([file('first', 'a'), file('third', 'c')]);
  t.deepEqual(readdirSync(directory).sort(), ['first', 'third']);
});

test('merging holds no more than a line, however long the ledgers are', async (t) => {
  const directory = shard(1, 1);
  const path = join(directory, 'ledger.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const sample = JSON.parse(lines[1]!) as Sample;
  const end = lines.pop()!;
  writeFileSync(path, `${lines.join('\n')}\n`);
  const warning = 'x'.repeat(2 ** 20);
  for (let copy = 2; copy <= 120; copy += 1) {
    const again = { ...sample, attempt: copy, warnings: [warning] };
    writeFileSync(path, `${JSON.stringify(again)}\n`, { flag: 'a' });
  }
  writeFileSync(path, `${end}\n`, { flag: 'a' });
  const script = `
    import { mergeShards } from '${join(root, 'dist/src/samples/merge.js')}';
    import { writeAllWhole } from '${join(root, 'dist/src/whole-file.js')}';
    const [ledger] = mergeShards([process.argv[1]], false);
    writeAllWhole([{ path: process.argv[2], chunks: ledger.chunks }]);
    process.stdout.write(String(process.resourceUsage().maxRSS));`;
  const to = out();
  const { code, stdout, stderr } = await runNode([
    '--max-old-space-size=48',
    '--input-type=module',
    '-e',
    script,
    directory,
    to,
  ]);
  t.is(code, 0, stderr);
  t.true(readFileSync(to).length > 119 * 2 ** 20);
  t.true(Number(stdout) < 250 * 1024, `${stdout} KiB`);
});
