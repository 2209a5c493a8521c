import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LedgerRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import {
  childrenOf,
  copyOfFixture,
  endOf,
  processesWith,
  removeFolder,
  scratchFolder,
  start,
  until,
} from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);

function runInto(out: string, rounds: number, lockWait = 240): readonly string[] {
  const what = `--loader read,mmap-shared --state warm --memory-state as-is --memory-rounds 0 --prompt 4 --generate 3`;
  return ['run', model, ...what.split(' '), '--rounds', String(rounds), '--out', out, '--lock-wait', String(lockWait)];
}

/** Whole records of a ledger; a torn last line is left out. */
function recordsOf(out: string): LedgerRecord[] {
  const path = join(out, 'ledger.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LedgerRecord);
}
const samplesOf = (out: string): Sample[] => recordsOf(out).filter((record) => record.kind === 'sample');

const sampleProcesses = (): number[] => processesWith('samples/child.js', model);

test.serial(
  'Ctrl-C ends a run with what was measured saved, no child left, and a ledger that can be continued',
  async (t) => {
    const out = join(folder, 'interrupted');
    const run = start(...runInto(out, 5));
    const ended = endOf(run);
    await until(() => samplesOf(out).length >= 2, 300, 'two samples');
    run.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    t.is(code, 130, stderr);
    t.regex(stderr, /--resume/);
    t.regex(stdout, /mmap-shared/);
    t.deepEqual(sampleProcesses(), []);
    const before = samplesOf(out).length;
    t.true(before >= 2 && before < 15);
    t.like(recordsOf(out).at(-1), { kind: 'end', stopped: 'interrupted' });
    t.true(existsSync(join(out, 'summary.csv')));

    const resumed = await weighbridge(['run', '--resume', out, '--json', '--lock-wait', '240']);
    t.is(resumed.code, 0, resumed.stderr);
    const records = recordsOf(out);
    t.is(records.filter((record) => record.kind === 'resume').length, 1);
    t.like(records.at(-1), { kind: 'end', stopped: 'complete' });
    const samples = samplesOf(out).filter((sample) => sample.outcome === 'ok');
    for (const loader of ['read', 'mmap-shared']) {
      const rounds = new Set(samples.filter((sample) => sample.arm.loader === loader).map((sample) => sample.round));
      t.is(rounds.size, 5, loader);
    }
  },
);

test.serial('kill -9 of the run leaves no child, and its ledger can be continued', async (t) => {
  const out = join(folder, 'killed');
  const run = start(...runInto(out, 5));
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 2, 300, 'two samples');
  await until(() => childrenOf(run.pid ?? 0).length > 0, 60, 'a child');
  run.kill('SIGKILL');
  t.is((await ended).signal, 'SIGKILL');
  await until(() => sampleProcesses().length === 0, 10, 'the children to end');
  const before = samplesOf(out).length;
  const resumed = await weighbridge(['run', '--resume', out, '--lock-wait', '240']);
  t.is(resumed.code, 0, resumed.stderr);
  t.true(samplesOf(out).length > before);
});

test.serial('a child that dies by a signal is a failed sample that names it, and the run goes on', async (t) => {
  const out = join(folder, 'struck');
  const run = start(...runInto(out, 5));
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 2, 300, 'two samples');
  let struck = 0;
  await until(
    () => {
      const [pid] = sampleProcesses();
      if (pid === undefined) return false;
      try {
        process.kill(pid, 'SIGSEGV');
        struck += 1;
      } catch {
        return false;
      }
      return true;
    },
    60,
    'a sample to strike',
  );
  const { code } = await ended;
  t.is(struck, 1);
  t.is(code, 1);
  const failed = samplesOf(out).filter((sample) => sample.outcome === 'failed');
  t.is(failed.length, 1);
  t.is(failed[0]?.process.signal, 'SIGSEGV');
  t.regex(failed[0]?.reason?.message ?? '', /SIGSEGV/);
  t.like(recordsOf(out).at(-1), { kind: 'end', stopped: 'complete' });
});

test.serial('a second run on the machine is refused, naming the first', async (t) => {
  const out = join(folder, 'first');
  const run = start(...runInto(out, 50));
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 1, 300, 'a sample');
  const second = await weighbridge(runInto(join(folder, 'second'), 1, 0));
  run.kill('SIGINT');
  await ended;
  t.is(second.code, 1);
  t.regex(second.stderr, new RegExp(`another run .*process ${run.pid}`));
});
