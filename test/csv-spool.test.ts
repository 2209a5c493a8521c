/** What threads write of a ledger while they read it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { samplesCsv, samplesCsvChunks } from '../reports/samples-csv.js';
import { CsvSpool } from '../src/csv-spool.js';
import { UsageError } from '../src/failure.js';
import { readLedgerInParts, readParts } from '../src/samples/ledger-parts.js';
import { summarize } from '../src/statistics/summarize.js';
import { writeLongWhole } from '../src/whole-file.js';
import { removeFolder, scratchFolder } from './processes.js';
import { arm, ledger, ok } from './statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const read = arm('read');
const samples = Array.from({ length: 40 }, (_, index) => ok({ arm: read, round: index + 1 }));
// The last is disturbed, and nothing but its mark stands near the end of the file.
const disturbed = [0, 20, 39];
const noisy = samples.map((each, index) =>
  !disturbed.includes(index) ? each : { ...each, warnings: ['é, "ü"'], noise: { ...each.noise, spinAfterNs: 9e7 } },
);
const made = ledger({ arms: [read], samples: noisy });
const path = join(folder, 'ledger.jsonl');
const text = [made.run, ...noisy, made.end].map((record) => `${JSON.stringify(record)}\n`).join('');

const spoolsIn = (at: string): readonly string[] => readdirSync(at).filter((name) => name.includes('.spool'));

for (const threads of [1, 2, 3, 7]) {
  test(`${threads} threads write what would be written without them, with the marks of the figures`, async (t) => {
    const own = scratchFolder();
    t.teardown(() => {
      removeFolder(own);
    });
    writeFileSync(join(own, 'ledger.jsonl'), text);
    const { noise } = summarize(made);
    t.is(noise.marks.length, 3);
    const spool = new CsvSpool(join(own, 'a.spool'));
    const { ledger: together } = await readParts(join(own, 'ledger.jsonl'), threads, spool.start);
    t.is(together.samples.length, noisy.length);
    t.true(await spool.finish(join(own, 'a.csv'), noisy.length, noise.marks));
    spool.end();
    t.is(readFileSync(join(own, 'a.csv'), 'utf8'), samplesCsv(made, { noise }));
    t.deepEqual(spoolsIn(own), []);
  });
}

test('samples that the threads read and the figures do not know, or the other way round, give no file', async (t) => {
  writeFileSync(path, text);
  for (const known of [noisy.length - 1, noisy.length + 1]) {
    const spool = new CsvSpool(join(folder, 'b.spool'));
    await readParts(path, 2, spool.start);
    t.false(await spool.finish(join(folder, 'b.csv'), known, []));
  }
  t.false(existsSync(join(folder, 'b.csv')));
});

test('what no thread has read is no file', async (t) => {
  t.false(await new CsvSpool(join(folder, 'c.spool')).finish(join(folder, 'c.csv'), 0, []));
  t.false(existsSync(join(folder, 'c.csv')));
});

test('where a thread meets a damaged line, or cannot write, the ledger is read without it and no file is made', async (t) => {
  const own = scratchFolder();
  t.teardown(() => {
    removeFolder(own);
  });
  writeFileSync(join(own, 'ledger.jsonl'), text);
  const nowhere = new CsvSpool(join(own, 'nowhere', 'd.spool'));
  const { ledger: read } = await readLedgerInParts(own, 2, nowhere.start);
  t.is(read.samples.length, noisy.length);
  t.false(await nowhere.finish(join(own, 'd.csv'), noisy.length, []));
  nowhere.end();

  writeFileSync(join(own, 'ledger.jsonl'), `${text}{"kind":"sample"}\n`);
  const damaged = new CsvSpool(join(own, 'e.spool'));
  await t.throwsAsync(readLedgerInParts(own, 2, damaged.start), { instanceOf: UsageError, message: /line \d+/ });
  damaged.end();
  t.deepEqual(spoolsIn(own), []);
});

test('a disk with room for one of both is left to the way that needs no more', async (t) => {
  const expected = samplesCsv(made, { noise: summarize(made).noise });
  const own = scratchFolder();
  const room = 4096 * (Math.ceil(Buffer.byteLength(expected) / 4096) + 2);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${room}`, 'tmpfs', own], { stdio: 'pipe' });
  } catch {
    removeFolder(own);
    t.log('skipped: mounting a small file system needs root');
    t.pass();
    return;
  }
  t.teardown(() => {
    execFileSync('umount', [own]);
    removeFolder(own);
  });
  const long = join(folder, 'f.jsonl');
  writeFileSync(long, text);
  const spool = new CsvSpool(join(own, 'f.spool'));
  const { ledger: read } = await readParts(long, 1, spool.start);
  const { marks } = summarize(read).noise;
  t.false(await spool.finish(join(own, 'f.csv'), noisy.length, marks));
  t.deepEqual(readdirSync(own), []);
  await writeLongWhole(join(own, 'f.csv'), samplesCsvChunks(read.samples, read.run.arms, marks));
  t.is(readFileSync(join(own, 'f.csv'), 'utf8'), expected);
});
