import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../src/failure.js';
import { plain } from '../../src/samples/columns.js';
import { readLedger } from '../../src/samples/ledger.js';
import { readLedgerInParts, readParts } from '../../src/samples/ledger-parts.js';
import { arm, ledger, memoryCeiling, ok, reason, without } from '../statistics/ledger-builder.js';

const [read, ceiling] = [arm('read'), memoryCeiling()];
const samples = Array.from({ length: 300 }, (_, round) => [
  ok({ arm: read, round }, {}, { effective: round % 2 === 0 ? { sharing: 'shared' } : { chunkBytes: round } }),
  ok({ arm: ceiling, round, pass: 'memory' }, {}, { warnings: [`${round}`] }),
  without('failed', { arm: read, round }, reason('signal')),
]).flat();
const { run, end } = ledger({ arms: [read, ceiling], samples });
const wait = {
  ...{ kind: 'wait', pass: 'time', round: 1, block: 0, startedAt: run.startedAt },
  ...{ limitNs: 9, waitedNs: 5, windows: 1, quiet: true, disturbances: [] },
};
const lines = [run, ...samples.slice(0, 500), wait, ...samples.slice(500), end].map((record) => JSON.stringify(record));

function written(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'weighbridge-parts-'));
  writeFileSync(join(directory, 'ledger.jsonl'), text);
  return directory;
}

const whole = `${lines.join('\n')}\n`;

test('several threads read what one reads', async (t) => {
  const directory = written(whole);
  const alone = readLedger(directory);
  for (const threads of [1, 2, 3, 7]) {
    const together = await readParts(join(directory, 'ledger.jsonl'), threads);
    t.deepEqual(together.ledger.samples.map(plain), alone.ledger.samples);
    t.deepEqual({ ...together.ledger, samples: [] }, { ...alone.ledger, samples: [] });
    t.is(together.goodBytes, alone.goodBytes);
  }
});

test('more threads than lines read each line once', async (t) => {
  const { ledger: few } = await readParts(join(written(`${lines.slice(0, 2).join('\n')}\n`), 'ledger.jsonl'), 9);
  t.deepEqual(few.samples.map(plain), samples.slice(0, 1));
});

test('a torn last line is cut by the thread that meets it', async (t) => {
  const directory = written(whole);
  appendFileSync(join(directory, 'ledger.jsonl'), '{"kind":"sam');
  const { ledger: cut, goodBytes } = await readParts(join(directory, 'ledger.jsonl'), 3);
  t.is(goodBytes, readFileSync(join(directory, 'ledger.jsonl')).length - 12);
  t.deepEqual(cut.warnings, ['a torn last line of 12 bytes was cut']);
});

test('what went on behind an end has none', async (t) => {
  const { ledger: on } = await readParts(join(written(`${[...lines, lines[1]].join('\n')}\n`), 'ledger.jsonl'), 3);
  t.is(on.end, null);
});

for (const [what, line, damaged] of [
  ['a damaged line', 700, '{"kind":"sample"'],
  ['a damaged field', 800, JSON.stringify({ ...samples[0], round: 'one' })],
  ['a second header', 850, lines[0]!],
] as const) {
  test(`${what} is told with its line in the whole, whichever thread meets it`, async (t) => {
    const directory = written(`${lines.with(line - 1, damaged).join('\n')}\n`);
    const error = await t.throwsAsync(readLedgerInParts(directory, 3), { instanceOf: UsageError });
    t.is(error.message, t.throws(() => readLedger(directory)).message);
    t.true(error.message.includes(`line ${line}`), error.message);
  });
}
