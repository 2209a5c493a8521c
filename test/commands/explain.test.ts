import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Explanation } from '../../src/report/explain.js';
import type { Ledger } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { arm, deviceCeiling, ledger, ok, reason, without } from '../statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const stdio = arm('stdio');
const map = arm('mmap-shared');

function written({ run, samples, end }: Ledger): string {
  const directory = mkdtempSync(join(folder, 'run-'));
  const lines = [run, ...samples, ...(end === null ? [] : [end])].map((record) => `${JSON.stringify(record)}\n`);
  writeFileSync(join(directory, 'ledger.jsonl'), lines.join(''));
  return directory;
}

const three = ledger({
  arms: [stdio, map],
  samples: [1, 2, 3].flatMap((round) => [
    ok({ arm: stdio, round }, { ttftNs: 400e6 }),
    ok({ arm: map, round }, { ttftNs: 100e6 }),
  ]),
});

test('a run is explained from its directory or its ledger, in 80 columns', async (t) => {
  const directory = written(three);
  const { code, stdout, stderr } = await weighbridge(['explain', directory]);
  t.is(code, 0, stderr);
  t.regex(stdout, /mmap-shared was faster to first token/);
  t.regex(stdout, /^- mmap-shared took /m);
  t.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
  t.is((await weighbridge(['explain', join(directory, 'ledger.jsonl')])).stdout, stdout);
});

test('--json is the explanation as data, --loader explains another', async (t) => {
  const { code, stdout } = await weighbridge(['explain', written(three), '--json', '--loader', 'stdio']);
  t.is(code, 0);
  const { sections } = JSON.parse(stdout) as Explanation;
  t.like(sections[0], { subject: 'stdio', other: 'mmap-shared', state: 'warm' });
  t.true((sections[0]?.sentences.length ?? 0) > 3);
});

test('what is no run and a loader that is not in it are one line and exit code 2', async (t) => {
  for (const args of [['/nowhere'], [folder], ['/proc/version'], [written(three), '--loader', 'nonsense']]) {
    const { code, stdout, stderr } = await weighbridge(['explain', ...args]);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/);
  }
});

test('a run without ok samples says so and exits 1', async (t) => {
  const failed = ledger({ arms: [stdio], samples: [without('failed', { arm: stdio }, reason('io'))] });
  const { code, stdout, stderr } = await weighbridge(['explain', written(failed)]);
  t.is(code, 1);
  t.regex(stdout, /No loader has a valid sample here/);
  t.regex(stderr, /no ok sample/);
});

test('ceilings alone explain nothing', async (t) => {
  const ceiling = deviceCeiling();
  const of = ledger({
    arms: [stdio, ceiling],
    samples: [without('failed', { arm: stdio }, reason('io')), ok({ arm: ceiling })],
  });
  const { code, stderr } = await weighbridge(['explain', written(of)]);
  t.is(code, 1);
  t.regex(stderr, /no ok sample of a loader/);
});

test('a run of programs alone is explained, and is fine', async (t) => {
  const cat = arm('cat', {
    ...{ kind: 'command', origin: 'external', work: 'command', mechanism: 'command' },
    command: { argv: ['cat', '{model}'], output: 'discard', pattern: null },
  });
  const command = {
    ...{ wallNs: 5e6, firstByteNs: null, userNs: 1e6, systemNs: 1e6, minorFaults: 9, majorFaults: 0, readBytes: 0 },
    ...{ peakRss: null, peakPss: null, exitCode: 0, signal: null, matched: null },
  };
  const samples = [ok({ arm: cat }, { ttftNs: null, completeNs: null }, { command, phases: null, memory: null })];
  const { code, stdout, stderr } = await weighbridge(['explain', written(ledger({ arms: [cat], samples }))]);
  t.is(code, 0, stderr);
  t.regex(stdout, /The program cat took 5\.00 ms \(1 sample\)/);
});
