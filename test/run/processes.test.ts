import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Group, LedgerRecord, RunRecord, Sample } from '../../src/samples/record.js';
import type { Summary } from '../../src/statistics/summary-types.js';
import { weighbridge } from '../command.js';
import {
  caught,
  copyOfFixture,
  endOf,
  processesWith,
  removeFolder,
  scratchFolder,
  start,
  strike,
  until,
} from '../processes.js';
import { tried } from './tried.js';

// Runs hold one machine-wide lock and certify cache states: one at a time, each waiting for the others.
const quick = '--memory-state as-is --prompt 4 --generate 3 --threads 1 --lock-wait 1100'.split(' ');

interface Output {
  readonly run: RunRecord;
  readonly samples: readonly Sample[];
  readonly groups: readonly Group[];
  readonly summary: Summary;
}

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-F16.gguf', folder);

function runInto(out: string, what: string): readonly string[] {
  return ['run', model, ...what.split(' '), '--out', out, ...quick];
}

function recordsOf(out: string): LedgerRecord[] {
  const path = join(out, 'ledger.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LedgerRecord);
}
const groupsOf = (out: string): Group[] => recordsOf(out).filter((record) => record.kind === 'group');
const sampleProcesses = (): number[] => processesWith('samples/child.js', model);

test.serial('several processes are weighed as one: a line each, their group behind them', async (t) => {
  const out = join(folder, 'three');
  const what = '--loader stdio,mmap-shared --state cold,warm --processes 1,3 --rounds 1 --json';
  const { code, stdout, stderr } = await weighbridge(runInto(out, what));
  t.is(code, 0, stderr);
  const { run, samples, groups: all, summary } = JSON.parse(stdout) as Output;
  const groups = tried(all);
  const several = samples.filter(({ process, group }) => process.of === 3 && groups.some(({ id }) => id === group));
  // Two loaders, two states, two passes.
  t.is(groups.length, 8);
  t.is(several.length, 3 * groups.length);
  for (const group of groups) {
    const members = several.filter((sample) => sample.group === group.id);
    t.is(group.outcome, 'ok');
    t.deepEqual(members.map(({ process }) => process.index).sort(), [0, 1, 2]);
    t.deepEqual([...new Set(members.map(({ logitsHash }) => logitsHash))], Object.values(run.referenceHashes));
    const slowest = (of: (sample: Sample) => number | null): number =>
      Math.max(...members.map((each) => of(each) ?? -1));
    if (group.pass === 'time') {
      t.is(
        group.ttftNs,
        slowest(({ ttftNs }) => ttftNs),
      );
      t.is(
        group.completeNs,
        slowest(({ completeNs }) => completeNs),
      );
      t.is(group.memory, null);
    } else {
      t.is(group.ttftNs, null);
      t.not(group.memory, null);
    }
    const speeds = members.map(({ tokensPerSecond }) => tokensPerSecond?.decode ?? 0);
    t.is(group.tokensPerSecond?.slowestDecode, Math.min(...speeds));
    t.true(Math.abs((group.tokensPerSecond?.decode ?? 0) / speeds.reduce((sum, speed) => sum + speed) - 1) < 1e-9);
  }
  const kinds = recordsOf(out).map((record) =>
    record.kind === 'sample' && record.group !== null ? 'member' : record.kind,
  );
  for (const [index, kind] of kinds.entries()) {
    if (kind === 'group') t.deepEqual(kinds.slice(index - 3, index), ['member', 'member', 'member']);
  }
  const { bytes, tensorBytes } = Object.values(run.models)[0]!;
  const footprint = (label: string, processes: number): number =>
    summary.cells.find(({ arm, state }) => arm.label === label && arm.processes === processes && state === 'warm')
      ?.footprint?.unreclaimable ?? -1;
  // A copy each, and of the map page tables alone. KV cache and the runtime are in neither.
  t.true(footprint('stdio', 3) > 2.8 * tensorBytes && footprint('stdio', 3) < 3.3 * bytes);
  t.true(footprint('mmap-shared', 3) < 0.3 * tensorBytes);
  const slope = (label: string): number =>
    summary.scaling.find((each) => each.label === label && each.state === 'warm')?.bytesPerProcess ?? -1;
  t.true(slope('stdio') > 0.9 * tensorBytes && slope('stdio') < 1.2 * tensorBytes);
  t.true(Math.abs(slope('mmap-shared')) < 0.15 * tensorBytes);
  // Each page is divided among all of its users only while all of them have it.
  for (const { arm, memory, state } of groups) {
    if (memory === null || arm.loader !== 'mmap-shared') continue;
    t.true((memory.sharedBytes ?? 0) > 0.9 * tensorBytes, state);
    const mapped = (memory.firstToken.pssFile ?? 0) - (memory.baseline.pssFile ?? 0);
    t.true(mapped > 0.9 * tensorBytes && mapped < 1.2 * bytes, `${state}: ${mapped} of ${bytes}`);
  }
  t.true(existsSync(join(out, 'groups.csv')));
});

test.serial('a process that dies takes its group with it, which names it, and the run goes on', async (t) => {
  const out = join(folder, 'struck');
  const run = start(
    ...runInto(out, '--loader read,mmap-shared --state warm --processes 3 --rounds 3 --memory-rounds 2'),
  );
  const ended = endOf(run);
  await until(() => groupsOf(out).length >= 2, 300, 'two groups');
  await until(() => strike(sampleProcesses()[1], 'SIGSEGV'), 60, 'a process to strike');
  const { code } = await ended;
  t.is(code, 1);
  const failed = groupsOf(out).filter(({ outcome }) => outcome === 'failed');
  t.is(failed.length, 1);
  t.is(failed[0]?.reason?.code, 'killed-by-signal');
  t.regex(failed[0]?.reason?.message ?? '', /SIGSEGV/);
  const members = recordsOf(out).filter((record) => record.kind === 'sample' && record.group === failed[0]?.id);
  const codes = members.map((record) => (record.kind === 'sample' ? record.reason?.code : null));
  t.is(codes.length, 3);
  t.is(codes.filter((each) => each === 'killed-by-signal').length, 1);
  t.true(codes.every((each) => each === 'killed-by-signal' || each === 'group-ended' || each === undefined));
  t.like(recordsOf(out).at(-1), { kind: 'end', stopped: 'complete' });
  t.deepEqual(sampleProcesses(), []);
});

test.serial('processes that hang at the barrier of the memory pass are ended by the time limit', async (t) => {
  const out = join(folder, 'hung');
  const what = '--loader read --state warm --processes 2 --rounds 1 --memory-rounds 20 --timeout 15';
  const run = start(...runInto(out, what));
  const ended = endOf(run);
  await until(() => groupsOf(out).some(({ pass }) => pass === 'memory'), 300, 'a group of the memory pass');
  await until(() => caught(sampleProcesses()[0]), 60, 'a process to stop');
  t.is((await ended).code, 1);
  const failed = groupsOf(out).filter(({ outcome }) => outcome === 'failed');
  t.deepEqual(
    failed.map(({ reason }) => reason?.code),
    ['timeout'],
  );
  t.like(recordsOf(out).at(-1), { kind: 'end', stopped: 'complete' });
  t.deepEqual(sampleProcesses(), []);
});

test.serial('Ctrl-C ends every process of a group, and a group without its line is weighed again', async (t) => {
  const out = join(folder, 'interrupted');
  const run = start(...runInto(out, '--loader read,mmap-shared --state warm --processes 2 --rounds 4'));
  const ended = endOf(run);
  await until(() => groupsOf(out).length >= 2 && sampleProcesses().length === 2, 300, 'processes of a later group');
  run.kill('SIGINT');
  t.is((await ended).code, 130);
  t.deepEqual(sampleProcesses(), []);
  // As if the power had gone between a group's samples and the group.
  const path = join(out, 'ledger.jsonl');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const last = lines.findLastIndex((line) => line.startsWith('{"kind":"group"'));
  const { id } = JSON.parse(lines[last] ?? '') as Group;
  writeFileSync(path, `${lines.slice(0, last).join('\n')}\n`);
  const resumed = await weighbridge(['run', '--resume', out, '--json', '--lock-wait', '1100']);
  t.is(resumed.code, 0, resumed.stderr);
  const { groups, summary } = JSON.parse(resumed.stdout) as Output;
  t.false(groups.some((group) => group.id === id));
  for (const cell of summary.cells) t.true(cell.outcomes.ok >= 4, cell.arm.label);
  t.is(summary.stopped, 'complete');
});

test.serial('more processes than there is memory for are not tried', async (t) => {
  const what = '--loader read,mmap-shared --state warm --processes 1024 --rounds 1 --memory-rounds 0 --json';
  const { stdout } = await weighbridge(runInto(join(folder, 'crowd'), what));
  const { samples, groups } = JSON.parse(stdout) as Output;
  t.is(groups.length, 2);
  t.deepEqual(samples, []);
  for (const { outcome, reason, processes } of groups) {
    t.is(processes, 1024);
    t.is(outcome, 'unsupported');
    t.is(reason?.code, 'memory-short');
    t.regex(reason?.message ?? '', /^needs [\d.]+ GiB of memory for 1024 processes.*, [\d.]+ [GM]iB available$/);
  }
});
