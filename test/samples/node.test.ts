import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { native } from '../../src/native.js';
import { spawnChild } from '../../src/samples/spawn.js';
import type { ChildAnswer } from '../../src/samples/protocol.js';
import type { ModelRecord } from '../../src/samples/record.js';
import { taskOf } from '../../src/samples/task.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { arm } from '../statistics/ledger-builder.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const path = copyOfFixture('tiny-Q8_0.gguf', folder);
const NODES = '/sys/devices/system/node';
const MISSING_NODE = 1022;

async function answerOf(numa: number | null): Promise<ChildAnswer> {
  const parts = [{ path, bytes: readFileSync(path).length }];
  const model: ModelRecord = {
    ...{ path, parts, bytes: parts[0]?.bytes ?? 0, tensorBytes: 1, headerBytes: 1, headerDigest: '' },
    ...{ name: null, fileSystem: 'ext4', device: '' },
  };
  const of = arm('mine', { mechanism: 'read', options: {}, isa: 'scalar', threads: 1, prompt: 4, generate: 2, numa });
  const { shape } = native().kernelPlan(path, { context: 8, batch: 4, threads: 1 });
  const ceilings = { device: {}, firstTouch: { backedNs: 0, returnedNs: null, limitNs: null } };
  const child = spawnChild(taskOf({ ...of, context: 8 }, model, shape, 'memory', ceilings), 60_000);
  await child.ready;
  child.release();
  const end = await child.ended;
  if (end.kind !== 'answered') throw new Error(JSON.stringify(end));
  return end.answer;
}

test('a child that is bound to a node has its memory there, and tells how much', async (t) => {
  if (!existsSync(`${NODES}/node0`) || !existsSync('/proc/self/numa_maps')) {
    t.log('skipped: this kernel knows no NUMA nodes');
    t.pass();
    return;
  }
  const answer = await answerOf(0);
  if (answer.kind === 'failed' && answer.reason.code === 'not-permitted') {
    t.log(`skipped: ${answer.reason.message}`);
    t.pass();
    return;
  }
  if (answer.kind !== 'sample') {
    t.fail(JSON.stringify(answer));
    return;
  }
  const { boundNode, boundCpus, boundNodeBytes, otherNodeBytes } = answer.sample.effective;
  t.is(boundNode, 0);
  t.true(Number(boundCpus) >= 1, String(boundCpus));
  t.true(Number(boundNodeBytes) > 10 * 2 ** 20, String(boundNodeBytes));
  t.is(typeof otherNodeBytes, 'number');
  if (readFileSync(`${NODES}/online`, 'utf8').trim() === '0') t.is(otherNodeBytes, 0);
});

test('a child that is bound to nothing says nothing of nodes', async (t) => {
  const answer = await answerOf(null);
  t.is(answer.kind, 'sample');
  if (answer.kind === 'sample')
    t.is(
      Object.keys(answer.sample.effective).find((key) => /node/i.test(key)),
      undefined,
    );
});

test('a node that is not there is an error of the child, with its number', async (t) => {
  const answer = await answerOf(MISSING_NODE);
  t.is(answer.kind, 'failed');
  if (answer.kind === 'failed') t.regex(answer.reason.code, /^(numa-unsupported|not-permitted)$/);
});

test('a run that asks for a node is weighed on it, or told why not', async (t) => {
  const asked = (node: number) =>
    weighbridge([
      ...['run', path, '--loader', 'read', '--state', 'warm', '--memory-state', 'as-is', '--rounds', '1'],
      ...['--memory-rounds', '1', '--prompt', '2', '--generate', '1', '--lock-wait', '600', '--json'],
      ...['--numa', String(node), '--out', `${folder}/run-${node}`],
    ]);
  const missing = await asked(MISSING_NODE);
  t.is(missing.code, 2);
  t.regex(missing.stderr, new RegExp(`^weighbridge: --numa ${MISSING_NODE}: [^\n]+\n$`));
  const reason = native().nodeUnsupported(0);
  if (reason?.code === 'numa-unsupported') {
    t.is((await asked(0)).code, 2);
    return;
  }
  const { stdout } = await asked(0);
  const { samples } = JSON.parse(stdout) as { samples: { outcome: string; reason: { code: string } | null }[] };
  for (const sample of samples) {
    t.is(sample.outcome, reason === null ? 'ok' : 'unsupported');
    t.is(sample.reason?.code, reason?.code);
  }
});
