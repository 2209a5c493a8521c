/** --shard: which part of a plan this process weighs, as people give it or as the engine that started it tells. */
import { UsageError } from '../failure.js';
import type { ShardNumber } from '../plan/shard.js';

const MOST_SHARDS = 10_000;

type Variables = Readonly<Record<string, string | undefined>>;

/** What an engine tells each of the tasks that it starts. */
interface Engine {
  readonly name: string;
  /** Set in each task, and only there. */
  readonly index: string;
  /** From 1, and of how many; null where the engine does not tell how many there are. */
  readonly read: (numbers: Numbers) => { readonly number: number; readonly of: number | null };
}

/** Variables that must be whole numbers. */
type Numbers = (name: string) => number;

const ENGINES: readonly Engine[] = [
  {
    name: 'a Slurm array',
    index: 'SLURM_ARRAY_TASK_ID',
    read: (numbers) => {
      const [id, least, most] = [
        numbers('SLURM_ARRAY_TASK_ID'),
        numbers('SLURM_ARRAY_TASK_MIN'),
        numbers('SLURM_ARRAY_TASK_MAX'),
      ];
      const [of, step] = [numbers('SLURM_ARRAY_TASK_COUNT'), numbers('SLURM_ARRAY_TASK_STEP')];
      const number = (id - least) / step + 1;
      if (of < 1 || step < 1 || least + (of - 1) * step !== most || !Number.isInteger(number)) {
        throw new UsageError(
          `--shard auto: the Slurm array of ${of} tasks from ${least} to ${most} is no range with a step of ${step}; submit --array=1-${of}, or give --shard i/n`,
        );
      }
      if (of === 1 && id > 1) {
        throw new UsageError(
          `--shard auto: the Slurm array is task ${id} alone, of how many it does not tell; give --shard ${id}/n`,
        );
      }
      return { number, of };
    },
  },
  {
    name: 'a Kubernetes Indexed Job',
    index: 'JOB_COMPLETION_INDEX',
    read: (numbers) => ({ number: numbers('JOB_COMPLETION_INDEX') + 1, of: null }),
  },
  {
    name: 'GitLab',
    index: 'CI_NODE_INDEX',
    read: (numbers) => ({ number: numbers('CI_NODE_INDEX'), of: numbers('CI_NODE_TOTAL') }),
  },
  {
    name: 'Buildkite',
    index: 'BUILDKITE_PARALLEL_JOB',
    read: (numbers) => ({ number: numbers('BUILDKITE_PARALLEL_JOB') + 1, of: numbers('BUILDKITE_PARALLEL_JOB_COUNT') }),
  },
];

/** "2/4"; "auto", or "auto/4" for an engine that does not tell how many there are. Null where nothing is asked. Throws UsageError. */
export function shardOf(text: string | undefined, env: Variables): ShardNumber | null {
  if (text === undefined) return null;
  const [, word = '', , count] = /^(auto|\d{1,9})(\/(\d{1,9}))?$/.exec(text.trim()) ?? [];
  const of = count === undefined ? null : Number(count);
  if (word === '' || (word !== 'auto' && of === null)) {
    throw new UsageError(`--shard takes i/n (2/4), auto or auto/n, not ${JSON.stringify(text)}`);
  }
  if (word !== 'auto') return checked(Number(word), of, `--shard ${text.trim()}`);
  const engine = engineOf(env);
  const told = engine.read((name) => numberOf(name, env));
  if (of !== null && told.of !== null && told.of !== of) {
    throw new UsageError(
      `--shard auto/${of}: ${engine.name} tells of ${told.of} tasks; give --shard i/n where they are not the same`,
    );
  }
  if (of === null && told.of === null) {
    throw new UsageError(`--shard auto: ${engine.name} does not tell how many tasks there are; give --shard auto/n`);
  }
  return checked(told.number, of ?? told.of, `--shard ${text.trim()} (${engine.index}=${env[engine.index] ?? ''})`);
}

function checked(number: number, of: number | null, where: string): ShardNumber {
  if (of === null || of < 1 || of > MOST_SHARDS) {
    throw new UsageError(`${where}: a plan can be split into 1 to ${MOST_SHARDS} shards, not ${of}`);
  }
  if (number < 1 || number > of) throw new UsageError(`${where}: that is shard ${number}, and there are 1 to ${of}`);
  return { number, of };
}

/** The one engine that tells. Inside of another one a task would be two things at once. */
function engineOf(env: Variables): Engine {
  const found = ENGINES.filter(({ index }) => (env[index] ?? '') !== '');
  const [engine, other] = found;
  if (engine === undefined) {
    const names = ENGINES.map(({ index }) => index).join(', ');
    throw new UsageError(`--shard auto: none of ${names} is set; give --shard i/n`);
  }
  if (other !== undefined) {
    throw new UsageError(`--shard auto: ${engine.index} and ${other.index} are both set; give --shard i/n`);
  }
  return engine;
}

function numberOf(name: string, env: Variables): number {
  const text = env[name] ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const what = text === '' ? 'is not set' : `is ${JSON.stringify(text)}, no whole number`;
  throw new UsageError(`--shard auto: ${name} ${what}; give --shard i/n`);
}
