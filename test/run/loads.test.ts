import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadsOf } from '../../src/plan/blocks.js';
import type { LedgerRecord, RunRecord, Sample } from '../../src/samples/record.js';
import type { Summary } from '../../src/statistics/summary-types.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

const quick = '--prompt 4 --generate 3 --threads 1 --lock-wait 1100'.split(' ');

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly summary: Summary;
}

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);

function runInto(out: string, what: string): readonly string[] {
  return ['run', model, ...what.split(' '), '--out', out, ...quick];
}

test.serial('loads in a row meet what the load before them left, a process and a line each', async (t) => {
  const out = join(folder, 'three');
  const what = '--loader stdio,mmap-shared,direct --state cold,warm --loads 3 --rounds 2 --memory-rounds 1 --json';
  const { code, stdout, stderr } = await weighbridge(runInto(out, what));
  const { run, samples, summary } = JSON.parse(stdout) as Output;
  // Direct I/O may be unsupported on this disk.
  t.true(code === 0 || samples.some(({ outcome }) => outcome === 'unsupported'), stderr);
  const later = samples.filter(({ state }) => state === 'left');
  t.true(later.length > 0);
  for (const sample of later) {
    const name = `${sample.arm.loader} load ${sample.load}`;
    t.is(sample.pass, 'time', name);
    t.true(sample.load === 2 || sample.load === 3, name);
    const before = samples.find(
      (each) =>
        each.arm.id === sample.arm.id &&
        each.round === sample.round &&
        each.block === sample.block &&
        each.position === sample.position &&
        each.attempt === sample.attempt &&
        each.load === sample.load - 1,
    );
    t.truthy(before, name);
    t.is(before?.state, sample.load === 2 ? 'cold' : 'left', name);
    if (sample.outcome !== 'ok' || sample.residency.before === null) continue;
    // Nothing was evicted between them.
    t.true(sample.residency.before >= (before?.residency?.after ?? 0), name);
    if (sample.arm.loader !== 'direct') t.is(sample.residency.before, sample.residency.size, name);
  }
  t.false(samples.some(({ load, arm }) => load > 1 && run.arms[arm.id]?.kind === 'ceiling'));
  const curve = summary.cells.filter(({ arm, load }) => arm.label === 'mmap-shared' && load > 1);
  t.deepEqual(
    curve.map(({ load, state, ratio }) => [load, state, ratio?.ttft?.pairs]),
    [
      [2, 'left', 2],
      [3, 'left', 2],
    ],
  );
});

test.serial('a chain of loads that was cut is weighed again as a whole', async (t) => {
  const out = join(folder, 'cut');
  const what = '--loader mmap-shared --state cold --memory-state as-is --loads 3 --rounds 2 --memory-rounds 0 --json';
  const whole = await weighbridge(runInto(out, what));
  t.is(whole.code, 0, whole.stderr);
  const path = join(out, 'ledger.jsonl');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as LedgerRecord);
  const second = records.findLastIndex((record) => record.kind === 'sample' && record.load === 2);
  writeFileSync(path, `${lines.slice(0, second + 1).join('\n')}\n`);
  const resumed = await weighbridge(['run', '--resume', out, '--json', '--lock-wait', '1100']);
  t.is(resumed.code, 0, resumed.stderr);
  const { samples, run } = JSON.parse(resumed.stdout) as Output;
  t.is(loadsOf(run.plan, Object.values(run.arms)[0], 'cold', 'time'), 3);
  const attempts = samples.filter(({ arm }) => arm.loader === 'mmap-shared').filter(({ attempt }) => attempt > 1);
  t.deepEqual(
    attempts.map(({ load }) => load),
    [1, 2, 3],
  );
  t.true(existsSync(join(out, 'summary.csv')));
});
