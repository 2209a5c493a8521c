import test from 'ava';
import { shardOf } from '../../src/commands/shard-option.js';

type Variables = Readonly<Record<string, string>>;

const slurm = (id: number, least: number, most: number, count: number, step = 1): Variables => ({
  SLURM_ARRAY_TASK_ID: `${id}`,
  SLURM_ARRAY_TASK_MIN: `${least}`,
  SLURM_ARRAY_TASK_MAX: `${most}`,
  SLURM_ARRAY_TASK_COUNT: `${count}`,
  SLURM_ARRAY_TASK_STEP: `${step}`,
});

test('a shard is what the option says, or what the engine tells of its task', (t) => {
  const cases: readonly (readonly [string, Variables, number, number])[] = [
    ['2/4', {}, 2, 4],
    ['1/1', {}, 1, 1],
    ['2/4', slurm(3, 1, 4, 4), 2, 4],
    ['auto', slurm(1, 1, 4, 4), 1, 4],
    ['auto', slurm(4, 1, 4, 4), 4, 4],
    ['auto', slurm(0, 0, 3, 4), 1, 4],
    ['auto', slurm(1, 1, 1, 1), 1, 1],
    ['auto', slurm(0, 0, 0, 1), 1, 1],
    ['auto', slurm(30, 10, 30, 3, 10), 3, 3],
    ['auto/4', slurm(2, 1, 4, 4), 2, 4],
    ['auto/4', { JOB_COMPLETION_INDEX: '0' }, 1, 4],
    ['auto/4', { JOB_COMPLETION_INDEX: '3' }, 4, 4],
    ['auto', { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '5' }, 2, 5],
    ['auto', { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '5', JOB_COMPLETION_INDEX: '' }, 2, 5],
    ['auto', { BUILDKITE_PARALLEL_JOB: '0', BUILDKITE_PARALLEL_JOB_COUNT: '3' }, 1, 3],
    // GitLab tells of one job in total where nothing is parallel.
    ['auto/2', { JOB_COMPLETION_INDEX: '1', CI_NODE_TOTAL: '1' }, 2, 2],
  ];
  for (const [text, env, number, of] of cases) {
    t.deepEqual(shardOf(text, env), { number, of }, `${text} ${JSON.stringify(env)}`);
  }
  t.is(shardOf(undefined, slurm(1, 1, 4, 4)), null);
});

test('what cannot be a shard is one line that says why', (t) => {
  const cases: readonly (readonly [string, Variables, RegExp])[] = [
    ['', {}, /takes i\/n/],
    ['2', {}, /takes i\/n/],
    ['2/', {}, /takes i\/n/],
    ['-1/4', {}, /takes i\/n/],
    ['a/b', {}, /takes i\/n/],
    ['0/4', {}, /shard 0, and there are 1 to 4/],
    ['5/4', {}, /shard 5, and there are 1 to 4/],
    ['1/0', {}, /1 to 10000 shards, not 0/],
    ['1/10001', {}, /not 10001/],
    ['auto', {}, /none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, CI_NODE_INDEX, BUILDKITE_PARALLEL_JOB is set/],
    ['auto', { CI_NODE_TOTAL: '1' }, /none of/],
    ['auto', { JOB_COMPLETION_INDEX: '1' }, /does not tell how many.*auto\/n/],
    ['auto', { CI_NODE_INDEX: '1' }, /CI_NODE_TOTAL is not set/],
    ['auto', { CI_NODE_INDEX: 'one', CI_NODE_TOTAL: '2' }, /CI_NODE_INDEX is "one"/],
    ['auto', { BUILDKITE_PARALLEL_JOB: '1' }, /BUILDKITE_PARALLEL_JOB_COUNT is not set/],
    ['auto', { SLURM_ARRAY_TASK_ID: '1' }, /SLURM_ARRAY_TASK_MIN is not set/],
    ['auto', slurm(7, 1, 7, 3), /no range/],
    ['auto', slurm(2, 1, 3, 2, 2), /no range/],
    ['auto', slurm(9, 1, 4, 4), /shard 9/],
    ['auto', slurm(3, 3, 3, 1), /the Slurm array is task 3 alone.*give --shard 3\/n/],
    ['auto/4', { JOB_COMPLETION_INDEX: '4' }, /shard 5.*1 to 4/],
    ['auto/3', slurm(2, 1, 4, 4), /tells of 4 tasks/],
    ['auto', { ...slurm(2, 1, 4, 4), CI_NODE_INDEX: '1', CI_NODE_TOTAL: '2' }, /are both set/],
  ];
  for (const [text, env, complaint] of cases) {
    const error = t.throws(() => shardOf(text, env), { name: 'UsageError' }, `${text} ${JSON.stringify(env)}`);
    t.regex(error?.message ?? '', complaint);
    t.false((error?.message ?? '').includes('\n'));
  }
});
