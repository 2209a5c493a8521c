import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../src/failure.js';
import { plain } from '../../src/samples/columns.js';
import { LedgerError, LedgerWriter, readLedger } from '../../src/samples/ledger.js';
import type { EndRecord, WaitRecord } from '../../src/samples/record.js';
import { arm, ledger as ledgerOf, ok } from '../statistics/ledger-builder.js';
import { removeFolder, scratchFolder } from '../processes.js';

const read = arm('read');
const { run } = ledgerOf({ arms: [read], samples: [] });
const sample = ok({ arm: read });

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

function emptyDirectory(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

const end: EndRecord = { kind: 'end', endedAt: '2026-01-01T00:00:00Z', stopped: 'complete', message: null };

test('a torn last line is cut, with a warning, and the ledger goes on from there', (t) => {
  const directory = emptyDirectory('torn');
  const writer = LedgerWriter.create(directory, run);
  writer.append(sample);
  writer.close();
  appendFileSync(writer.path, '{"kind":"sample","rou');
  const { ledger, goodBytes } = readLedger(directory);
  t.is(ledger.samples.length, 1);
  t.is(ledger.warnings.length, 1);
  const continued = LedgerWriter.continue(directory, goodBytes);
  continued.append(end);
  continued.close();
  const again = readLedger(directory).ledger;
  t.deepEqual(again.warnings, []);
  t.is(again.end?.stopped, 'complete');
});

test('a ledger is never written over', (t) => {
  const directory = emptyDirectory('taken');
  const writer = LedgerWriter.create(directory, run);
  writer.close();
  t.throws(() => LedgerWriter.create(directory, run), { message: /exists already/ });
});

test('an empty ledger, of a run that died at once, is written anew', (t) => {
  const directory = emptyDirectory('nothing');
  writeFileSync(join(directory, 'ledger.jsonl'), '');
  LedgerWriter.create(directory, run).close();
  t.is(readLedger(directory).ledger.run.seed, run.seed);
});

test('waits are kept apart from samples, in their order', (t) => {
  const directory = emptyDirectory('waited');
  const writer = LedgerWriter.create(directory, run);
  const wait: WaitRecord = {
    ...{ kind: 'wait', startedAt: '2026-01-01T00:00:00Z', pass: 'time', round: 1, block: 0 },
    ...{ limitNs: 6e10, waitedNs: 1e9, windows: 2, quiet: true },
    disturbances: [{ kind: 'other-cpu', windows: 1, most: 0.8 }],
  };
  for (const record of [wait, sample, { ...wait, round: 2 }, sample, end]) writer.append(record);
  writer.close();
  const { ledger } = readLedger(directory);
  t.deepEqual(ledger.waits, [wait, { ...wait, round: 2 }]);
  t.is(ledger.samples.length, 2);
  t.is(ledger.end?.stopped, 'complete');
});

const header = JSON.stringify(run);

for (const [name, text, message] of [
  ['a file of another kind', '{"kind":"other"}\n', /not a run header/],
  [
    'a header without its plan',
    `${JSON.stringify({ ...run, plan: undefined })}\n`,
    /line 1: plan is missing; .*damaged/,
  ],
  ['a damaged line', `${header}\n{"kind"\n${JSON.stringify(end)}\n`, /line 2 is not JSON; it was damaged/],
  ['a line of another kind', `${header}\n{"kind":"other"}\n`, /line 2 is no record of a ledger/],
  ['a line that is no object', `${header}\nnull\n`, /line 2 is no record of a ledger/],
  ['a second header', `${header}\n${header}\n`, /line 2 is a second run header/],
  [
    'a damaged field',
    `${header}\n${JSON.stringify({ ...sample, ttftNs: '1 s' })}\n`,
    /line 2: ttftNs is "1 s", not number/,
  ],
  ['a report', '{"kind":"report","version":1}\n', /line 1 is not a run header; this is no ledger/],
  ['a later schema', '{"kind":"run","schema":99}\n', /schema 99 is not known/],
  ['an empty file', '', /the ledger is empty/],
  ['a first line that was cut', '{"kind":"run","schema":', /line 1 was cut/],
] as const) {
  test(`${name} is refused with its line`, (t) => {
    const directory = emptyDirectory(name.replaceAll(' ', '-'));
    writeFileSync(join(directory, 'ledger.jsonl'), text);
    for (const as of ['records', 'columns'] as const) {
      const error = t.throws(() => readLedger(directory, as), { instanceOf: UsageError, message });
      t.true(error.message.startsWith(join(directory, 'ledger.jsonl')));
    }
  });
}

test('a ledger longer than what is read at once, with a line longer still, comes back whole either way', (t) => {
  const directory = emptyDirectory('long');
  const long = { ...sample, warnings: ['é'.repeat(3 * 2 ** 21), 'short'] };
  const samples = [long, ...Array.from({ length: 2000 }, (_, round) => ({ ...sample, round })), long];
  writeFileSync(
    join(directory, 'ledger.jsonl'),
    [run, ...samples, end].map((each) => `${JSON.stringify(each)}\n`).join(''),
  );
  const whole = readLedger(directory);
  t.is(whole.goodBytes, statSync(join(directory, 'ledger.jsonl')).size);
  t.deepEqual(whole.ledger.samples, samples);
  t.deepEqual(readLedger(directory, 'columns').ledger.samples.map(plain), samples);
});

test('a full disk loses nothing that was measured', (t) => {
  const directory = emptyDirectory('full');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'pipe' });
  } catch {
    t.log('skipped: mounting a small file system needs root');
    t.pass();
    return;
  }
  t.teardown(() => {
    execFileSync('umount', [directory]);
  });
  const writer = LedgerWriter.create(directory, run);
  let written = 0;
  const error = t.throws(
    () => {
      for (;;) {
        writer.append(sample);
        written += 1;
      }
    },
    { instanceOf: LedgerError },
  );
  t.regex(error.message, /cannot be written/);
  t.true(written > 5);
  writer.close();
  t.is(readLedger(directory).ledger.samples.length, written);
  t.true(readFileSync(join(directory, 'ledger.jsonl')).at(-1) === 0x0a);
});
