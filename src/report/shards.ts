/** What is said of a ledger that holds a part of a plan, or was merged of several. */
import type { Ledger, MergeRecord } from '../samples/record.js';
import { enumeration } from './format.js';

/** "shard 2", "shards 1, 2 and 4" */
function shardsText(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'shard' : 'shards'} ${enumeration(numbers.map(String))}`;
}

/** What is not here, in sentences. */
export function shardNotes({ run }: Ledger): readonly string[] {
  const { shard = null } = run.plan;
  const { merged = null } = run;
  if (merged !== null) return mergeNotes(merged);
  return shard === null
    ? []
    : [`This is ${shardsText(shard.numbers)} of ${shard.of} of a plan; weighbridge merge puts them together.`];
}

function mergeNotes({ of, shards, missing, elsewhere }: MergeRecord): readonly string[] {
  const incomplete = shards.filter(({ complete }) => !complete).map(({ number }) => number);
  const others = elsewhere.map(({ fingerprint, numbers }) => `${shardsText(numbers)} on ${fingerprint}`);
  return [
    missing.length === 0
      ? ''
      : `Of ${of} shards ${shardsText(missing)} ${verb(missing)} missing: the plan is not all here.`,
    incomplete.length === 0 ? '' : `Of ${of} shards ${shardsText(incomplete)} ${verb(incomplete)} incomplete.`,
    others.length === 0
      ? ''
      : `The rest of the plan was weighed elsewhere (${others.join('; ')}): other machines, or other builds and paths, have ledgers of their own and are never pooled.`,
  ].filter((note) => note !== '');
}

const verb = (numbers: readonly number[]): string => (numbers.length === 1 ? 'is' : 'are');

/** One line for the environment; empty for a whole run of its own. */
export function shardFact({ run }: Ledger): string {
  const { shard = null } = run.plan;
  const { merged = null } = run;
  if (merged === null) return shard === null ? '' : `${shardsText(shard.numbers)} of ${shard.of}, plan ${shard.digest}`;
  const numbers = merged.shards.map(({ number }) => number).toSorted((a, b) => a - b);
  return `merged: ${shardsText(numbers)} of ${merged.of}, plan ${merged.digest}`;
}
