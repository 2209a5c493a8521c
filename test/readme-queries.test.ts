/** The queries of the README, as they stand there, by DuckDB on a run that was just recorded. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import test from 'ava';
import { readLedger } from '../src/samples/ledger.js';
import type { Arm, Sample } from '../src/samples/record.js';
import { noiseFlagger } from '../src/statistics/noise-flags.js';
import { summarize } from '../src/statistics/summarize.js';
import { root, weighbridge } from './command.js';
import { removeFolder, scratchFolder } from './processes.js';

const NAMED = 'weighbridge-runs/RUN/ledger.jsonl';

const queries = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```sql\n([\s\S]*?)```/g)].map(
  ([, sql]) => sql ?? '',
);

const folder = scratchFolder();
const run = join(folder, 'run');
let database: DuckDBConnection;

/** A loader of somebody's own, whose arm bears the digest of its file. */
const OWN = `export default { name: 'own', mechanism: 'read', why: 'reads', options: { chunkBytes: 65536 } };`;

test.before(async (t) => {
  const model = join(folder, 'tiny.gguf');
  t.is((await weighbridge(['gen', model, '--shape', 'tiny', '--type', 'q8_0'])).code, 0);
  const own = join(folder, 'own.mjs');
  writeFileSync(own, OWN);
  const { code, stderr } = await weighbridge([
    ...['run', model, '--loader', `stdio,pread-parallel,mmap-shared,${own}`, '--state', 'cold,warm'],
    ...['--memory-state', 'as-is', '--rounds', '3', '--prompt', '4', '--generate', '3', '--threads', '1'],
    ...['--load-threads', '1,2', '--processes', '1,2', '--lock-wait', '1100', '--out', run],
  ]);
  t.is(code, 0, stderr);
  database = await (await DuckDBInstance.create(':memory:')).connect();
});
test.after.always(() => {
  database.closeSync();
  removeFolder(folder);
});

type Row = Readonly<Record<string, unknown>>;

async function rowsOf(sql: string): Promise<readonly Row[]> {
  return (await database.runAndReadAll(sql)).getRowObjects();
}

function rowOf(rows: readonly Row[], { label, setting }: Arm, state: string) {
  return rows.find((row) => row['label'] === label && row['setting'] === setting && row['state'] === state);
}

const counts = ({ pass, outcome }: Pick<Sample, 'pass' | 'outcome'>): boolean => pass === 'time' && outcome === 'ok';

const close = (a: unknown, b: number): boolean => Math.abs(Number(a) - b) <= 1e-12 * Math.abs(b);

test.serial('a view of the samples, of the ledger where it lies', async (t) => {
  t.is(queries.length, 4, 'the README has a view and three questions');
  t.true(queries[0]?.includes(NAMED));
  await database.run(queries[0]!.replaceAll(NAMED, join(run, 'ledger.jsonl')));
  const [counted] = await rowsOf('SELECT count(*) AS n FROM samples');
  const { samples, groups } = readLedger(run).ledger;
  const alone = samples.filter(({ process }) => (process?.of ?? 1) === 1);
  t.true(alone.length < samples.length && groups.length > 0);
  t.is(Number(counted?.['n']), [...alone, ...groups].filter(counts).length);
});

test.serial('the median first token by setting, loader and state is that of our summary', async (t) => {
  const rows = await rowsOf(queries[1]!);
  const cells = summarize(readLedger(run).ledger).cells.filter(({ ttftNs }) => ttftNs !== null);
  t.is(rows.length, cells.length);
  t.is(rows.length, 20, 'two settings of five arms in two states');
  for (const { arm, state, ttftNs } of cells) {
    const row = rowOf(rows, arm, state);
    t.true(close(row?.['first_token_ms'], ttftNs!.median / 1e6), `${arm.label} ${state}`);
    t.is(Number(row?.['samples']), ttftNs!.n);
  }
});

test.serial('ratios to a reference within blocks are those of our summary', async (t) => {
  const rows = await rowsOf(queries[2]!);
  const { cells } = summarize(readLedger(run).ledger);
  t.true(cells.some(({ isReference, arm }) => isReference && arm.loader === 'stdio'));
  const compared = cells.flatMap(({ arm, state, ratio }) =>
    ratio?.ttft == null ? [] : [{ arm, state, ratio: ratio.ttft }],
  );
  t.is(rows.length, compared.length);
  t.is(rows.length, 16);
  for (const { arm, state, ratio } of compared) {
    const row = rowOf(rows, arm, state);
    t.true(close(row?.['ratio'], ratio.median), `${arm.label} ${state}`);
    t.is(Number(row?.['pairs']), ratio.pairs);
  }
});

test.serial('the share of samples that other programs disturbed is what our marks say', async (t) => {
  const rows = await rowsOf(queries[3]!);
  const { ledger } = readLedger(run);
  const flagsOf = noiseFlagger(ledger);
  t.true(rows.length >= 6);
  for (const row of rows) {
    const own = ledger.samples.filter(
      (sample) =>
        ledger.run.arms[sample.arm.id]?.label === row['label'] &&
        sample.state === row['state'] &&
        (sample.process?.of ?? 1) === 1 &&
        counts(sample),
    );
    const noisy = own.filter((sample) => flagsOf(sample).includes('other-cpu')).length;
    t.is(Number(row['samples']), own.length);
    t.true(Math.abs(Number(row['disturbed']) - noisy / own.length) < 1e-12);
  }
});
