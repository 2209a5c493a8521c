/** What a thread writes of a ledger, beside what is read of it meanwhile. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { samplesCsv } from '../reports/samples-csv.js';
import { CsvSpool } from '../src/csv-spool.js';
import { summarize } from '../src/statistics/summarize.js';
import { removeFolder, scratchFolder } from './processes.js';
import { arm, ledger, ok } from './statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const read = arm('read');
const samples = Array.from({ length: 40 }, (_, index) => ok({ arm: read, round: index + 1 }));
// The last is disturbed, and nothing but its mark stands near the end of the file.
const noisy = samples.map((each, index) =>
  index < 39 ? each : { ...each, warnings: ['é, "ü"'], noise: { ...each.noise, spinAfterNs: 9e7 } },
);
const made = ledger({ arms: [read], samples: noisy });
const path = join(folder, 'ledger.jsonl');
const text = [made.run, ...noisy, made.end].map((record) => `${JSON.stringify(record)}\n`).join('');

test('the thread writes what would be written without it, with the marks of the figures', async (t) => {
  writeFileSync(path, text);
  const { noise } = summarize(made);
  t.is(noise.marks.length, 1);
  const spool = new CsvSpool(path, join(folder, 'a.spool'));
  t.true(await spool.finish(join(folder, 'a.csv'), noisy.length, noise.marks));
  await spool.end();
  t.is(readFileSync(join(folder, 'a.csv'), 'utf8'), samplesCsv(made, { noise }));
});

test('samples that the thread read and the figures do not know, or the other way round, give no file', async (t) => {
  const other = join(folder, 'grown.jsonl');
  writeFileSync(other, text);
  for (const known of [noisy.length - 1, noisy.length + 1]) {
    const spool = new CsvSpool(other, join(folder, 'b.spool'));
    t.false(await spool.finish(join(folder, 'b.csv'), known, []));
    await spool.end();
  }
  t.false(existsSync(join(folder, 'b.csv')));
});

test('where the thread cannot write, nothing stays and the reason is told', async (t) => {
  const spool = new CsvSpool(path, join(folder, 'nowhere', 'c.spool'));
  await t.throwsAsync(spool.finish(join(folder, 'c.csv'), noisy.length, []), { any: true, code: 'ENOENT' });
  await spool.end();
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('c.')),
    [],
  );
});
