/** The ledger of one shard, read once from end to end: whose it is, whether it is complete, and where its records lie. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { UsageError } from '../failure.js';
import { allBlocks, type Block } from '../plan/blocks.js';
import { blockKey, isComplete, type BlockEntry } from './completion.js';
import { LEDGER_FILE, noLedgerAt } from './ledger.js';
import { recordOf } from './ledger-record.js';
import { linesOfFile, type LedgerLine } from './ledger-lines.js';
import type { EndRecord, Group, MergedShard, RunRecord, Sample } from './record.js';

export interface ShardFile {
  readonly directory: string;
  readonly path: string;
  readonly number: number;
  readonly of: number;
  readonly digest: string;
  readonly tool: string;
  readonly fingerprint: string;
  /** Equal where one ledger may hold both: machine, build, arms and models are the same, the shard aside. */
  readonly kin: string;
  /** Whether it weighs anything. */
  readonly isEmpty: boolean;
  readonly startedAt: string;
  /** Null where it has no end: it was killed, or goes on. */
  readonly end: EndRecord | null;
  /** In its file, from and up to: all records but header and ends. */
  readonly records: readonly (readonly [begin: number, end: number])[];
  /** Of its header. */
  readonly merged: MergedShard;
}

/** Throws UsageError where there is no ledger, it is damaged, or it is not of a shard. */
export function readShard(directory: string): ShardFile {
  const path = join(directory, LEDGER_FILE);
  let reading: Reading | null = null;
  for (const [index, line] of numbered(path)) {
    const where = `${path}: line ${index + 1}`;
    const record = recordOf(line.text, path, index + 1);
    if (record.kind === 'run') reading = new Reading(directory, path, shardHeader(record, directory));
    else if (reading === null) break;
    else if (record.kind === 'sample' || record.kind === 'group') reading.take(record, line, where);
    else if (record.kind === 'end') reading.ends(record);
    else reading.keep(line);
  }
  if (reading === null) throw new UsageError(`${path}: the ledger is empty; run the shard again`);
  return reading.shard();
}

/** The header of a shard's ledger, read again: only that of one is wanted whole. */
export function shardRun({ path }: Pick<ShardFile, 'path'>): RunRecord {
  for (const { text } of linesOfFile(path)) {
    const record = recordOf(text, path, 1);
    if (record.kind === 'run') return record;
  }
  throw new UsageError(`${path}: the ledger is empty; run the shard again`);
}

function* numbered(path: string): Generator<readonly [number, LedgerLine], void, void> {
  let index = 0;
  try {
    for (const line of linesOfFile(path)) yield [index++, line];
  } catch (error) {
    throw error instanceof UsageError ? error : noLedgerAt(path, error);
  }
}

type ShardHeader = RunRecord & { readonly plan: { readonly shard: NonNullable<RunRecord['plan']['shard']> } };

function shardHeader(run: RunRecord, directory: string): ShardHeader {
  const { shard = null } = run.plan;
  if (run.merged != null) {
    throw new UsageError(`${directory}: it was merged already; name the directories of the shards themselves`);
  }
  if (shard === null) {
    throw new UsageError(`${directory}: a whole run, no shard of one; weighbridge run --shard i/n makes them`);
  }
  if (shard.numbers.length !== 1) {
    throw new UsageError(`${directory}: its header does not tell which shard it is; the ledger was damaged`);
  }
  return { ...run, plan: { ...run.plan, shard } };
}

class Reading {
  readonly #directory: string;
  readonly #path: string;
  readonly #run: ShardHeader;
  readonly #blocks: ReadonlyMap<string, Block>;
  /** What has been seen of blocks that are not complete. */
  readonly #pending: Map<string, BlockEntry[]>;
  readonly #records: [number, number][] = [];
  #end: EndRecord | null = null;

  constructor(directory: string, path: string, run: ShardHeader) {
    this.#directory = directory;
    this.#path = path;
    this.#run = run;
    this.#blocks = new Map(allBlocks(run.plan, run.arms).map((block) => [blockKey(block), block]));
    this.#pending = new Map([...this.#blocks.keys()].map((key) => [key, []]));
  }

  take(record: Sample | Group, line: LedgerLine, where: string): void {
    const key = blockKey({ pass: record.pass, round: record.round, index: record.block });
    const block = this.#blocks.get(key);
    if (block === undefined) {
      const { numbers, of } = this.#run.plan.shard;
      throw new UsageError(
        `${where}: block ${key} is none of shard ${numbers.join(', ')} of ${of}; the ledger was damaged`,
      );
    }
    const had = this.#pending.get(key);
    had?.push(entryOf(record));
    if (had !== undefined && isComplete(this.#run, block, had)) this.#pending.delete(key);
    this.keep(line);
  }

  ends(record: EndRecord): void {
    this.#end = record;
  }

  /** Lines that follow each other are one range. */
  keep({ begin, end }: LedgerLine): void {
    this.#end = null;
    const last = this.#records.at(-1);
    if (last?.[1] === begin) last[1] = end;
    else this.#records.push([begin, end]);
  }

  shard(): ShardFile {
    const { plan, arms, models, machine, runtime, ceilings, limits, command, startedAt, tool } = this.#run;
    const { numbers, of, digest, parts } = plan.shard;
    const number = numbers[0] ?? 0;
    const complete = this.#end?.stopped === 'complete' && this.#pending.size === 0;
    return {
      ...{ directory: this.#directory, path: this.#path, number, of, digest, tool, startedAt, end: this.#end },
      fingerprint: machine.fingerprint,
      kin: kinOf({ plan, arms, models, machine, runtime }),
      isEmpty: parts.length === 0,
      records: this.#records,
      merged: { number, complete, startedAt, machine, runtime, ceilings, limits, command },
    };
  }
}

function entryOf(record: Sample | Group): BlockEntry {
  const { arm, outcome, load, attempt, position } = record;
  const place = { arm, outcome, load, attempt, position };
  return record.kind === 'group' ? { kind: 'group', ...place } : { kind: 'sample', group: record.group, ...place };
}

/** Devices are numbered anew at each mount, and each container has mounts of its own. */
function kinOf({
  plan,
  arms,
  models,
  machine,
  runtime,
}: Pick<RunRecord, 'plan' | 'arms' | 'models' | 'machine' | 'runtime'>): string {
  const files = Object.entries(models).map(([id, { path, parts, bytes, headerDigest, fileSystem }]) => [
    ...[id, path, parts, bytes, headerDigest, fileSystem],
  ]);
  const whole = { ...plan, shard: null };
  const same = [machine.fingerprint, runtime.addon, runtime.isas, whole, arms, files];
  return createHash('sha256').update(JSON.stringify(same)).digest('hex');
}
