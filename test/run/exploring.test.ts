/** --precision and --wait-quiet in whole runs: what their ledgers record. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readLedger } from '../../src/samples/ledger.js';
import type { Ledger, LedgerRecord } from '../../src/samples/record.js';
import { precisionRule } from '../../src/statistics/precision.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, endOf, removeFolder, scratchFolder, start, until } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = join(folder, 'tiny.gguf');
test.before(async (t) => {
  const { code, stderr } = await weighbridge(['gen', model, '--shape', 'tiny', '--type', 'q8_0']);
  t.is(code, 0, stderr);
});

const work = [
  ...['--loader', 'read,mmap-shared', '--state', 'warm', '--memory-state', 'as-is', '--memory-rounds', '0'],
  ...['--prompt', '4', '--generate', '3', '--threads', '2', '--lock-wait', '1100'],
];

function linesOf(out: string): string[] {
  return readFileSync(join(out, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
}
const recordsOf = (out: string): LedgerRecord[] => linesOf(out).map((line) => JSON.parse(line) as LedgerRecord);

/** The last round; that each before was not enough and it was. */
function lastRound(t: ExecutionContext, { run, samples }: Ledger): number {
  const enough = precisionRule(run);
  const last = Math.max(...samples.map(({ round }) => round));
  for (let round = 1; round <= last; round++) {
    t.is(
      enough?.({ samples: samples.filter((sample) => sample.round <= round), groups: [] }),
      round === last,
      `round ${round}`,
    );
  }
  return last;
}

const precise = join(folder, 'precise');

test.serial('a run ends after the round in which its ratios are known well enough, and records why', async (t) => {
  const { code, stdout, stderr } = await weighbridge(['run', model, ...work, '--precision', '90%', '--out', precise]);
  t.is(code, 0, stderr);
  const { ledger } = readLedger(precise);
  t.is(ledger.run.plan.precision, 0.9);
  t.is(ledger.run.plan.rounds, 40);
  t.is(ledger.end?.stopped, 'precision');
  const last = lastRound(t, ledger);
  t.true(last >= 6 && last < 40, `${last}`);
  t.regex(stderr, /round 1 of at most 40/);
  t.regex(stdout.replace(/\s+/g, ' '), /intervals that decide when to stop are optimistic/);
  t.notRegex(stdout, /The run is not complete/);

  const again = await weighbridge(['run', '--resume', precise, '--lock-wait', '1100']);
  t.is(again.code, 0, again.stderr);
  t.regex(again.stderr, /nothing is left to weigh/);
  t.is(readLedger(precise).ledger.samples.length, ledger.samples.length);
});

test.serial(
  'a resumed run decides from its ledger: what was decided before stays, and the same rule ends it',
  async (t) => {
    const lines = linesOf(precise);
    const half = lines.findIndex((line) => line.includes('"round":4,'));
    writeFileSync(join(precise, 'ledger.jsonl'), `${lines.slice(0, half + 1).join('\n')}\n`);
    const { code, stderr } = await weighbridge(['run', '--resume', precise, '--lock-wait', '1100']);
    t.is(code, 0, stderr);
    const { ledger } = readLedger(precise);
    t.is(ledger.resumes.length, 1);
    t.is(ledger.end?.stopped, 'precision');
    t.true(lastRound(t, ledger) >= 6);
  },
);

test.serial('rounds are the most there may be, and that it was not reached is said', async (t) => {
  const out = join(folder, 'wide');
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, ...work, '--precision', '0.0001%', '--rounds', '7', '--out', out],
  ]);
  t.is(code, 0, stderr);
  const { ledger } = readLedger(out);
  t.is(ledger.end?.stopped, 'complete');
  t.is(Math.max(...ledger.samples.map(({ round }) => round)), 7);
  t.regex(stdout.replace(/\s+/g, ' '), /were to be within ±.*, wider than that/);
});

test.serial('a time budget bounds it too', async (t) => {
  const out = join(folder, 'budget');
  const { code, stderr } = await weighbridge([
    ...['run', model, ...work, '--precision', '0.0001%', '--time-budget', '0.1', '--out', out],
  ]);
  t.is(code, 0, stderr);
  t.is(readLedger(out).ledger.end?.stopped, 'time-budget');
});

test.serial('before each block a run waits for a quiet machine, and records whether it became so', async (t) => {
  const path = copyOfFixture('tiny-Q8_0.gguf', folder);
  const reading = `const { readFileSync, writeFileSync } = require('node:fs');
    for (;;) { writeFileSync(process.argv[1], Buffer.alloc(2 ** 24), { flush: true }); readFileSync(process.argv[1]); }`;
  const out = join(folder, 'noisy');
  const run = start('run', path, ...work, '--rounds', '2', '--wait-quiet=1.2', '--out', out);
  const ended = endOf(run);
  let told = '';
  run.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  // Not before the machine is its own: it would disturb another test's run.
  const isItsOwn = (): boolean => /preparing: (?!waiting)/.test(told);
  await until(() => isItsOwn() || run.exitCode !== null, 1100, 'the run to begin');
  const noisy = [
    spawn(process.execPath, ['-e', 'for (;;);']),
    spawn(process.execPath, ['-e', reading, join(folder, 'traffic')]),
  ];
  t.teardown(() => {
    for (const child of noisy) child.kill('SIGKILL');
  });
  const { code, stdout, stderr } = await ended;
  t.is(code, 0, stderr);
  const { ledger } = readLedger(out);
  t.is(ledger.run.plan.waitQuietNs, 1.2e9);
  t.deepEqual(
    ledger.waits.map(({ pass, round, block }) => [pass, round, block]),
    [
      ['time', 1, 0],
      ['time', 2, 0],
    ],
  );
  const kinds = recordsOf(out).map(({ kind }) => kind);
  t.is(kinds[1], 'wait');
  t.is(kinds.filter((kind, index) => kind === 'wait' && kinds[index + 1] !== 'sample').length, 0);
  const loud = ledger.waits.filter(({ quiet }) => !quiet);
  t.true(loud.length > 0, JSON.stringify(ledger.waits));
  const seen = loud.flatMap(({ disturbances }) => disturbances.map(({ kind }) => kind));
  t.true(seen.includes('other-cpu'), seen.join(' '));
  t.true(seen.includes('device-traffic'), seen.join(' '));
  t.regex(stderr, /waiting at most 2 s until the machine is quiet: .*other programs use/);
  t.regex(stdout.replace(/\s+/g, ' '), /The machine was not quiet before \d of 2 blocks/);
  // What disturbed is in the samples too, as their raw counters.
  const others = ledger.samples.map(({ noise }) => noise?.machine?.otherCpuNs ?? 0);
  t.true(
    others.some((ns) => ns > 0),
    others.join(' '),
  );
});

test.serial('a wait leaves the time budget alone: the first round runs, and nothing waits beyond it', async (t) => {
  const out = join(folder, 'waiting-budget');
  const { code, stderr } = await weighbridge([
    ...['run', model, ...work, '--rounds', '50', '--wait-quiet', '--time-budget', '0.1', '--out', out],
  ]);
  t.is(code, 0, stderr);
  const { ledger } = readLedger(out);
  t.is(ledger.run.plan.waitQuietNs, 60e9);
  t.is(ledger.end?.stopped, 'time-budget');
  t.deepEqual([...new Set(ledger.samples.map(({ round }) => round))], [1]);
  // Preparing the run spent the budget.
  t.deepEqual(ledger.waits, []);
});

const bad: readonly (readonly [readonly string[], RegExp])[] = [
  [['--precision', 'high'], /--precision must be a share above 0 and below 100%, as 5% or 0\.05, not "high"/],
  [['--precision', '0'], /--precision must be a share/],
  [['--precision', '100%'], /--precision must be a share/],
  [['--precision', '5'], /--precision must be a share .*; did you mean 5%\?/],
  [
    ['--precision', '5%', '--rounds', '5'],
    /--rounds 5 is too few for --precision, whose intervals take 6: give --rounds 6 or more, or leave it out/,
  ],
  [['--precision', '5%', '--loader', 'read'], /name two loaders or more/],
  [['--precision', '5%', '--loader', 'read,null'], /name two loaders or more/],
  [['--wait-quiet=long'], /--wait-quiet takes a number of seconds or nothing, not "long"/],
  [['--wait-quiet=0'], /--wait-quiet must be a number of seconds above 0/],
];

for (const [args, expected] of bad) {
  test.serial(`${args.join(' ')} is one line and exit code 2`, async (t) => {
    const { code, stderr, stdout } = await weighbridge(['run', model, ...args, '--dry-run']);
    t.is(code, 2, stderr);
    t.regex(stderr, expected);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
    t.is(stdout, '');
  });
}

test.serial('a model that --wait-quiet took for its seconds is said to be so', async (t) => {
  const { code, stderr } = await weighbridge(['run', '--wait-quiet', model]);
  t.is(code, 2);
  t.regex(stderr, /put it behind the models/);
});

test.serial('a dry run says that rounds are the most, and that no gate follows', async (t) => {
  const { code, stdout } = await weighbridge(['run', model, '--precision', '5%', '--dry-run']);
  t.is(code, 0);
  t.regex(stdout, /rounds +at most 40/);
  t.regex(stdout, /verdict +of a gate: none/);
});
