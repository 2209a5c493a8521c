import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LedgerRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import {
  caught,
  childrenOf,
  copyOfFixture,
  endOf,
  processesWith,
  removeFolder,
  scratchFolder,
  start,
  strike,
  until,
} from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);

function runInto(out: string, rounds: number, lockWait = 1100): readonly string[] {
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

/** Whether the process was there to take the signal. */
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
    t.regex(stderr, /interrupted: what was weighed is saved first; again ends at once/);
    t.regex(stderr, /interrupted, \d+ samples saved; continue with: npx weighbridge run --resume/);
    t.regex(stdout, /mmap-shared/);
    t.deepEqual(sampleProcesses(), []);
    const before = samplesOf(out).length;
    t.true(before >= 2 && before < 15);
    t.like(recordsOf(out).at(-1), { kind: 'end', stopped: 'interrupted' });
    t.true(existsSync(join(out, 'summary.csv')));
    appendFileSync(join(out, 'ledger.jsonl'), '{"kind":"sample","round');
    const torn = await weighbridge(['report', out]);
    t.is(torn.code, 0);
    t.regex(torn.stderr, /a torn last line of \d+ bytes was cut/);

    const resumed = await weighbridge(['run', '--resume', out, '--json', '--lock-wait', '1100']);
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

test.serial('an interrupted run of a command that reads a file of this folder is to be continued here', async (t) => {
  const out = join(folder, 'here');
  const what = '--state warm --memory-state as-is --memory-rounds 0 --rounds 50 --lock-wait 1100';
  const run = start('run', model, '--command', 'cat=cat package.json', ...what.split(' '), '--out', out);
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 1, 1100, 'a sample');
  run.kill('SIGINT');
  const { code, stderr } = await ended;
  t.is(code, 130, stderr);
  t.regex(stderr, /continue in this folder with: npx weighbridge run --resume/);
});

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
  const resumed = await weighbridge(['run', '--resume', out, '--lock-wait', '1100']);
  t.is(resumed.code, 0, resumed.stderr);
  t.true(samplesOf(out).length > before);
});

test.serial('a child that dies by a signal is a failed sample that names it, and the run goes on', async (t) => {
  const out = join(folder, 'struck');
  const run = start(...runInto(out, 5));
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 2, 300, 'two samples');
  await until(() => strike(sampleProcesses()[0], 'SIGSEGV'), 60, 'a sample to strike');
  const { code } = await ended;
  t.is(code, 1);
  const failed = samplesOf(out).filter((sample) => sample.outcome === 'failed');
  t.is(failed.length, 1);
  t.is(failed[0]?.process.signal, 'SIGSEGV');
  t.regex(failed[0]?.reason?.message ?? '', /SIGSEGV/);
  t.like(recordsOf(out).at(-1), { kind: 'end', stopped: 'complete' });
});

test.serial('a child that takes longer than its limit is ended and failed, and the run goes on', async (t) => {
  const out = join(folder, 'stopped');
  const run = start(...runInto(out, 5), '--timeout', '15');
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 2, 300, 'two samples');
  await until(() => caught(sampleProcesses()[0]), 60, 'a sample to stop');
  t.is((await ended).code, 1);
  const failed = samplesOf(out).filter((sample) => sample.outcome === 'failed');
  t.deepEqual(
    failed.map((sample) => sample.reason?.code),
    ['timeout'],
  );
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

test.serial('resuming a run that still goes on waits for it, finds nothing left, and damages nothing', async (t) => {
  const out = join(folder, 'shared');
  const run = start(...runInto(out, 3));
  const ended = endOf(run);
  await until(() => samplesOf(out).length >= 1, 300, 'a sample');
  const resumed = await weighbridge(['run', '--resume', out, '--lock-wait', '1100']);
  t.is((await ended).code, 0);
  t.is(resumed.code, 0, resumed.stderr);
  t.regex(resumed.stderr, /nothing is left/);
  const kinds = recordsOf(out).map((record) => record.kind);
  t.deepEqual([...new Set(kinds)], ['run', 'sample', 'end']);
  t.is(kinds.filter((kind) => kind === 'end').length, 1);
});

test.serial('Ctrl-C while a run waits for the machine ends it at once, and leaves nothing behind', async (t) => {
  const first = start(...runInto(join(folder, 'holder'), 50));
  const firstEnded = endOf(first);
  await until(() => samplesOf(join(folder, 'holder')).length >= 1, 300, 'a sample');
  const waiting = start(...runInto(join(folder, 'waiter'), 1));
  const waitingEnded = endOf(waiting);
  let said = '';
  waiting.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('waiting'), 60, 'the second run to wait');
  waiting.kill('SIGINT');
  const { code, stderr } = await waitingEnded;
  t.is(code, 130);
  t.regex(stderr, /interrupted before the first sample: nothing was weighed, and nothing is saved\n$/);
  t.false(existsSync(join(folder, 'waiter')), 'an empty directory would look like a run');
  first.kill('SIGINT');
  t.is((await firstEnded).code, 130);
});
