import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { BaselineFile } from '../../src/gate/baseline-types.js';
import type { VerdictFile } from '../../src/gate/verdict-types.js';
import type { Ledger } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { arm, ledger, memoryCeiling, ok, reason, without } from '../statistics/ledger-builder.js';
import { random } from '../statistics/random.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data'), GITHUB_SHA: 'c0ffee' };
const draw = random(29);
let runs = 0;

interface Day {
  readonly level?: number;
  readonly fingerprint?: string;
  readonly ceilings?: boolean;
  readonly precision?: number;
  readonly rounds?: number;
  /** In every round. */
  readonly fails?: boolean;
}

/** A run on disk of another day, that nobody has to wait for. */
function recorded({
  level = 1,
  fingerprint = 'feedfacecafebeef',
  ceilings = true,
  precision,
  rounds = 12,
  fails = false,
}: Day = {}): string {
  runs += 1;
  const read = arm('read');
  const limit = memoryCeiling();
  const samples = Array.from({ length: rounds }, (_, index) => {
    const times = (base: number) => Math.round(base * Math.exp(0.01 * draw.normal()));
    return [
      fails
        ? without('failed', { arm: read, round: index + 1 }, reason('crashed'))
        : ok({ arm: read, round: index + 1 }, { ttftNs: times(2e7 * level), completeNs: times(3e7 * level) }),
      ...(ceilings ? [ok({ arm: limit, round: index + 1 }, { completeNs: times(1e7) })] : []),
    ];
  }).flat();
  const startedAt = new Date(Date.UTC(2026, 0, runs)).toISOString();
  const made = ledger({ arms: ceilings ? [read, limit] : [read], samples });
  const run = {
    ...{ ...made.run, startedAt, machine: { ...made.run.machine, fingerprint } },
    ...(precision === undefined ? {} : { plan: { ...made.run.plan, precision } }),
  };
  return written(`run-${runs}`, { ...made, run });
}

function written(name: string, { run, samples, end }: Ledger): string {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'ledger.jsonl'),
    `${[run, ...samples, end].map((r) => JSON.stringify(r)).join('\n')}\n`,
  );
  return directory;
}

async function update(run: string, file: string): Promise<string> {
  const path = join(folder, 'kept', file);
  const { code, stderr } = await weighbridge(['baseline', 'update', run, '--baseline', path], env);
  if (code !== 0) throw new Error(stderr);
  return path;
}

const times = ['--metric', 'ttft,complete'];

test.serial('a baseline is kept with where it comes from, and written anew in one piece', async (t) => {
  const run = recorded();
  const path = await update(run, 'one.json');
  const { provenance, entries, ceilings } = JSON.parse(readFileSync(path, 'utf8')) as BaselineFile;
  t.like(provenance, { commit: 'c0ffee', fingerprint: 'feedfacecafebeef', run, tool: 'weighbridge 0.1.0' });
  t.is(entries[0]?.metrics.ttft?.values.length, 12);
  t.is(entries[0]?.metrics.ttft?.normalized?.length, 12);
  t.is(ceilings[0]?.limit, 'memory');
  await update(recorded({ level: 2 }), 'one.json');
  const again = JSON.parse(readFileSync(path, 'utf8')) as BaselineFile;
  t.true((again.entries[0]?.metrics.ttft?.median ?? 0) > 3e7);
});

test.serial(
  'against one day nothing is concluded; against several a regression ends with 3, reports first',
  async (t) => {
    const days = [];
    for (let day = 0; day < 5; day += 1)
      days.push(await update(recorded({ level: 1 + 0.005 * day }), `day-${day}.json`));
    const slower = recorded({ level: 1.4 });
    const alone = await weighbridge(['check', slower, '--baseline', days[0] ?? '', ...times], env);
    t.is(alone.code, 0, alone.stderr);
    t.regex(alone.stdout, /^Inconclusive/);
    t.regex(alone.stdout, /give 3 or more/);
    const strict = await weighbridge(
      ['check', slower, '--baseline', days[0] ?? '', '--fail-on-inconclusive', ...times],
      env,
    );
    t.is(strict.code, 4);
    const many = days.flatMap((path) => ['--baseline', path]);
    const { code, stdout, stderr } = await weighbridge(['check', slower, ...many, ...times], env);
    t.is(code, 3, stderr + stdout);
    t.regex(stdout, /^Regressed: first token warm, complete warm/);
    t.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  /')),
      [],
    );
    for (const file of ['verdict.json', 'verdict.md', 'junit.xml']) t.true(existsSync(join(slower, file)), file);
    const same = await weighbridge(['check', recorded(), ...many, ...times, '--json'], env);
    t.is(same.code, 0, same.stderr);
    t.is((JSON.parse(same.stdout) as VerdictFile).verdict, 'unchanged');
  },
);

test.serial("another machine's baseline is advice, and counts only where that is asked for", async (t) => {
  const bases = [];
  for (let day = 0; day < 5; day += 1)
    bases.push('--baseline', recorded({ fingerprint: 'anotherone', level: 1 + 0.005 * day }));
  const slower = recorded({ level: 1.5 });
  const advice = await weighbridge(['check', slower, ...bases, ...times], env);
  t.is(advice.code, 0, advice.stderr);
  t.regex(advice.stdout, /^Advisory only\. Regressed/);
  t.regex(advice.stdout.replace(/\s+/g, ' '), /baseline is of another machine \(anotherone/);
  t.is((await weighbridge(['check', slower, ...bases, ...times, '--across-machines'], env)).code, 3);
  const bare = bases.map((each) => (each === '--baseline' ? each : recorded({ fingerprint: 'bare', ceilings: false })));
  const open = await weighbridge(['check', slower, ...bare, ...times, '--across-machines'], env);
  t.is(open.code, 0);
  t.regex(open.stdout, /^Inconclusive/);
});

test.serial('machines are never pooled: baselines of others do not stand in for those of this one', async (t) => {
  const bases = [];
  for (let day = 0; day < 5; day += 1) {
    bases.push('--baseline', recorded({ level: 1 + 0.005 * day }));
    bases.push('--baseline', recorded({ level: 1 + 0.1 * day, fingerprint: 'anotherone' }));
  }
  const { code, stdout } = await weighbridge(['check', recorded({ level: 1.3 }), ...bases, ...times], env);
  t.is(code, 3, stdout);
  t.regex(stdout, /^Regressed/);
  t.regex(stdout.replace(/\s+/g, ' '), /5 baselines of other machines left out/);
});

test.serial('a run that failed throughout has regressed: exit code 3, reports first', async (t) => {
  const failing = recorded({ fails: true });
  const { code, stdout, stderr } = await weighbridge(['check', failing, '--baseline', recorded(), ...times], env);
  t.is(code, 3, stderr);
  t.regex(stdout, /12 samples failed or gave other logits/);
  for (const file of ['verdict.json', 'verdict.md', 'junit.xml']) t.true(existsSync(join(failing, file)), file);
  t.is((await weighbridge(['baseline', 'update', failing, '--baseline', join(folder, 'f.json')], env)).code, 2);
});

test.serial('a baseline of files that differ from their commit says so', async (t) => {
  const place = join(folder, 'project');
  mkdirSync(place);
  const git = (...args: readonly string[]): void => {
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: place, stdio: 'ignore' });
  };
  git('init');
  writeFileSync(join(place, 'a'), '1');
  git('add', '.');
  git('commit', '-m', 'a');
  const quiet = { ...env, GITHUB_SHA: '', CI_COMMIT_SHA: '', GIT_COMMIT: '' };
  const commit = async (): Promise<string | null> => {
    const path = join(folder, 'project.json');
    await weighbridge(['baseline', 'update', recorded(), '--baseline', path], quiet, place);
    return (JSON.parse(readFileSync(path, 'utf8')) as BaselineFile).provenance.commit;
  };
  t.regex((await commit()) ?? '', /^[0-9a-f]{40}$/);
  writeFileSync(join(place, 'a'), '2');
  t.regex((await commit()) ?? '', /^[0-9a-f]{40}-dirty$/);
});

test('the verdict of ab in a run is kept: another one wants a directory of its own', async (t) => {
  const read = arm('read');
  const made = ledger({ arms: [read], samples: [1, 2, 3].map((round) => ok({ arm: read, round })) });
  const gate = { alpha: 0.01, looks: [10], comparisons: [] };
  const run = written('judged', { ...made, run: { ...made.run, plan: { ...made.run.plan, gate } } });
  writeFileSync(join(run, 'verdict.json'), 'of ab');
  const asked = ['check', run, '--baseline', recorded()];
  const { code, stdout, stderr } = await weighbridge(asked, env);
  t.is(code, 2);
  t.is(stdout, '');
  t.regex(stderr, /^weighbridge: \S+judged: the verdict of ab lies there, and is kept; [^\n]*--out\n$/);
  t.is(readFileSync(join(run, 'verdict.json'), 'utf8'), 'of ab');
  const out = join(folder, 'beside');
  t.is((await weighbridge([...asked, '--out', out], env)).code, 0);
  t.true(existsSync(join(out, 'verdict.json')));
});

test('samples that lie under a folder twice are one day: a copied run, and shards beside what was merged of them', async (t) => {
  const place = join(folder, 'twice');
  const read = arm('read');
  const made = ledger({ arms: [read], samples: [1, 2, 3].map((round) => ok({ arm: read, round })) });
  const of = (name: string, startedAt: string, more: object = {}): string =>
    written(join('twice', name), { ...made, run: { ...made.run, startedAt, ...more } });
  const [first, second] = ['2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'];
  of('day', first);
  of('day-copied', first);
  const { plan, machine, runtime, ceilings, limits, command } = made.run;
  const parts = [{ setting: 'model-a', state: 'warm', memoryState: 'backed' }] as const;
  of('shard-1', second, { plan: { ...plan, shard: { numbers: [1], of: 1, digest: 'd', parts } } });
  const shard = { number: 1, complete: true, startedAt: second, machine, runtime, ceilings, limits, command };
  of('whole', second, { merged: { digest: 'd', of: 1, shards: [shard], missing: [], elsewhere: [] } });
  const { code, stdout, stderr } = await weighbridge(['history', place, '--json'], env);
  t.is(code, 0, stderr);
  const { groups } = JSON.parse(stdout) as { groups: readonly { runs: readonly { directory: string }[] }[] };
  t.deepEqual(
    groups.map(({ runs: all }) => all.map(({ directory }) => directory.split('/').at(-1))),
    [['day', 'whole']],
  );
  t.regex(stderr.replaceAll(/\s+/g, ' '), /left out: \S+day-copied: its samples are those of \S+day /);
  t.regex(stderr.replaceAll(/\s+/g, ' '), /left out: \S+shard-1: its samples are those of \S+whole/);
});

test.serial('the trend over the runs of a folder, and what is no run is left out', async (t) => {
  const place = join(folder, 'history');
  for (let day = 0; day < 16; day += 1) {
    const made = ledger({
      arms: [arm('read')],
      samples: [1, 2, 3].map((round) =>
        ok({ arm: arm('read'), round }, { ttftNs: (day < 9 ? 2e7 : 3e7) + 1e5 * (day % 3) }),
      ),
    });
    const startedAt = new Date(Date.UTC(2026, 1, 1 + day)).toISOString();
    written(join('history', `${day}`), { ...made, run: { ...made.run, startedAt } });
  }
  mkdirSync(join(place, 'broken'));
  writeFileSync(join(place, 'broken', 'ledger.jsonl'), 'nonsense\n');
  const { code, stdout, stderr } = await weighbridge(['history', place], env);
  t.is(code, 0, stderr);
  t.regex(stderr, /left out: .*broken/);
  t.regex(stdout, /read, warm, free memory backed: 16 runs of a\.gguf/);
  t.regex(stdout, /first token +[▁█▂▃▄▅▆▇]{16} /);
  t.regex(stdout, /\+\d+% from 2026-02-10/);
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
  const json = await weighbridge(['history', place, '--json', '--metric', 'ttft'], env);
  t.is((JSON.parse(json.stdout) as { groups: readonly unknown[] }).groups.length, 1);
});

test('what cannot be is one line and exit code 2', async (t) => {
  const run = recorded();
  const exploring = recorded({ precision: 0.05 });
  const other = join(folder, 'other.json');
  writeFileSync(other, JSON.stringify({ kind: 'baseline', schema: 99 }));
  const path = await update(run, 'whole.json');
  const whole = JSON.parse(readFileSync(path, 'utf8')) as BaselineFile;
  const damaged = (name: string, wrong: object): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify({ ...whole, ...wrong }));
    return file;
  };
  const commit = damaged('commit.json', { provenance: { ...whole.provenance, commit: 5 } });
  const ceiling = damaged('ceiling.json', { ceilings: [{ limit: 'memory' }] });
  const [entry] = whole.entries;
  const ttft = { values: [1, 0], median: 1, normalized: null };
  const zero = damaged('damaged.json', { entries: [{ ...entry, metrics: { ttft } }] });
  const broken = recorded();
  appendFileSync(join(broken, 'ledger.jsonl'), '{"kind":"sample"}\n');
  const model = copyOfFixture('tiny-Q8_0.gguf', folder);
  for (const [args, complaint] of [
    [['check'], /name the directory of a run/],
    [['check', run], /give --baseline/],
    [['check', run, '--baseline', join(folder, 'nowhere.json')], /there is no such baseline/],
    [['check', run, '--baseline', model], /it is not JSON/],
    [['check', run, '--baseline', other], /its schema is 99/],
    [['check', run, '--baseline', commit], /commit\.json: provenance\.commit is /],
    [['check', run, '--baseline', ceiling], /ceiling\.json: ceilings\[0\]/],
    [['check', run, '--baseline', zero], /damaged\.json: entries\[0\]\.metrics\.ttft\.values\[1\] is 0, not above 0/],
    [['check', broken, '--baseline', path], /ledger\.jsonl: line 27: outcome is missing/],
    [['explain', broken], /ledger\.jsonl: line 27: outcome is missing/],
    [['report', broken], /ledger\.jsonl: line 27: outcome is missing/],
    [['check', run, '--baseline', run], /of this very run/],
    [['check', run, '--baseline', recorded(), '--out', '/proc/none'], /\/proc\/none/],
    [['check', exploring, '--baseline', run], /it explores/],
    [['check', run, '--baseline', exploring], /it explores/],
    [['check', join(folder, 'nowhere'), '--baseline', run], /no ledger can be read/],
    [['check', run, '--baseline', recorded(), '--metric', 'wall'], /no work in common/],
    [['check', run, '--baseline', run, '--threshold', 'no'], /--threshold/],
    [['baseline', 'drop', run], /baseline update/],
    [['baseline', 'update', run], /give --baseline/],
    [['baseline', 'update', run, '--baseline', folder], /is a directory/],
    [['baseline', 'update', exploring, '--baseline', join(folder, 'e.json')], /it explores/],
    [['history', join(folder, 'nowhere')], /there is no such directory/],
    [['history', join(folder, 'data')], /no such directory|no run lies there/],
  ] as const) {
    const { code, stdout, stderr } = await weighbridge(args, env);
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
    t.regex(stderr, complaint);
  }
});
