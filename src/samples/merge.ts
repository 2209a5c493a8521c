/**
 * Ledgers of shards as one: their records as they are, shard after shard in the order in which they began, behind one
 * header. What was weighed on different machines, or by different builds or arms, stays in ledgers of its own. Of their
 * records no more than a line or a piece of a file is held at once, however long the ledgers are.
 */
import { UsageError } from '../failure.js';
import { partKey, partsOf } from '../plan/parts.js';
import { commandOfShard, weighedOf } from '../plan/shard.js';
import { piecesOfFile } from './ledger-lines.js';
import type { EndRecord, MergeRecord, RunRecord } from './record.js';
import { readShard, shardRun, type ShardFile } from './shard-file.js';

/** One of the ledgers that a merge gives. */
export interface MergedLedger {
  readonly fingerprint: string;
  /** Ascending. */
  readonly numbers: readonly number[];
  /** Directories of its shards, in that order. */
  readonly directories: readonly string[];
  /** Null where all that was asked for is in it. */
  readonly lacks: string | null;
  readonly chunks: () => Iterable<string | Uint8Array>;
}

/**
 * Reads the shards and says what their ledgers become; nothing is written. Throws UsageError where they are not of one plan
 * and tool, where one is there twice, and, unless `partial`, where one is missing or incomplete.
 */
export function mergeShards(directories: readonly string[], partial: boolean): readonly MergedLedger[] {
  const shards = directories.map(readShard);
  const [first] = shards;
  if (first === undefined) throw new UsageError('name the directories of the shards');
  for (const shard of shards) refuseStranger(first, shard);
  refuseDoubles(shards);
  const missing = Array.from({ length: first.of }, (_, index) => index + 1).filter(
    (number) => !shards.some((shard) => shard.number === number),
  );
  const incomplete = shards.filter(({ merged }) => !merged.complete).toSorted(byNumber);
  if (!partial) refuseGaps(first.of, missing, incomplete);
  const families = familiesOf(shards);
  return families.map((family) => mergedLedger(family, families, missing));
}

function refuseStranger(first: ShardFile, { directory, of, digest, tool }: ShardFile): void {
  const differs = (what: string, own: string, others: string): UsageError =>
    new UsageError(`${directory}: ${what} ${own}, and ${first.directory} is of ${others}; merge shards of one run`);
  if (tool !== first.tool) throw differs('weighed by', tool, first.tool);
  if (digest !== first.digest) throw differs('a shard of plan', digest, first.digest);
  if (of !== first.of) throw differs('a shard of', `${of}`, `${first.of}`);
}

function refuseDoubles(shards: readonly ShardFile[]): void {
  for (const [at, { number, of, directory }] of shards.entries()) {
    const twin = shards.slice(0, at).find((other) => other.number === number);
    if (twin === undefined) continue;
    throw new UsageError(`shard ${number} of ${of} is there twice: ${twin.directory}, ${directory}; name one of them`);
  }
}

function refuseGaps(of: number, missing: readonly number[], incomplete: readonly ShardFile[]): void {
  if (missing.length > 0) {
    const which = missing.length > 20 ? `${missing.slice(0, 20).join(', ')} …` : missing.join(', ');
    throw new UsageError(`of ${of} shards these are missing: ${which}; name them all, or give --partial`);
  }
  const [broken] = incomplete;
  if (broken === undefined) return;
  throw new UsageError(
    `${broken.directory}: shard ${broken.number} of ${of} is not complete (${endOf(broken)}); continue it with weighbridge run --resume, or give --partial`,
  );
}

function endOf({ end }: ShardFile): string {
  if (end === null) return 'it has no end: it was killed, or still goes on';
  return end.stopped === 'complete' ? 'samples are missing' : end.stopped;
}

const byNumber = (a: ShardFile, b: ShardFile): number => a.number - b.number;

/** Shards that one ledger can hold, the first shard's first. One that weighed nothing goes with any of its machine, else of all. */
function familiesOf(shards: readonly ShardFile[]): readonly (readonly ShardFile[])[] {
  const families = new Map<string, ShardFile[]>();
  const ordered = shards.toSorted((a, b) => Number(a.isEmpty) - Number(b.isEmpty) || byNumber(a, b));
  for (const shard of ordered) {
    const all = [...families.values()];
    const family = shard.isEmpty
      ? (families.get(shard.kin) ?? all.find(([lead]) => lead?.fingerprint === shard.fingerprint) ?? all[0])
      : families.get(shard.kin);
    if (family === undefined) families.set(shard.kin, [shard]);
    else family.push(shard);
  }
  return [...families.values()];
}

function mergedLedger(
  family: readonly ShardFile[],
  families: readonly (readonly ShardFile[])[],
  missing: readonly number[],
): MergedLedger {
  const inOrder = family.toSorted((a, b) =>
    a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : byNumber(a, b),
  );
  const elsewhere = families
    .filter((other) => other !== family)
    .map((other) => ({ fingerprint: other[0]?.fingerprint ?? '', numbers: numbersOf(other) }));
  const incomplete = family.filter(({ merged }) => !merged.complete).toSorted(byNumber);
  const [lead] = inOrder;
  if (lead === undefined) throw new Error('a ledger of no shard');
  const gaps = [
    ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]),
    ...(incomplete.length === 0 ? [] : [`incomplete: ${numbersOf(incomplete).join(', ')}`]),
  ];
  return {
    fingerprint: lead.fingerprint,
    numbers: numbersOf(family),
    directories: family.toSorted(byNumber).map(({ directory }) => directory),
    lacks: gaps.length === 0 ? null : gaps.join('; '),
    *chunks() {
      yield `${JSON.stringify(headerOf(inOrder, { missing, elsewhere }))}\n`;
      for (const { path, records } of inOrder) {
        for (const [begin, end] of records) {
          for (const { bytes } of piecesOfFile(path, begin, end)) yield bytes;
        }
      }
      yield `${JSON.stringify(endRecord(inOrder))}\n`;
    },
  };
}

const numbersOf = (shards: readonly ShardFile[]): readonly number[] =>
  shards.map(({ number }) => number).sort((a, b) => a - b);

/**
 * The header of a whole run. Hashes and devices are those of all shards; what is measured of the machine itself is that of
 * the first shard that weighed the largest model, as it would be of the whole. Each shard's own stand beside it.
 */
function headerOf(inOrder: readonly ShardFile[], outside: Pick<MergeRecord, 'missing' | 'elsewhere'>): RunRecord {
  const headers = inOrder.map((shard) => ({ shard, run: shardRun(shard) }));
  const weighing = headers.filter(({ shard }) => !shard.isEmpty);
  const largest = (run: RunRecord): number =>
    Math.max(0, ...Object.values(weighedOf(run).models).map(({ bytes }) => bytes));
  const [lead] = (weighing.length === 0 ? headers : weighing).toSorted((a, b) => largest(b.run) - largest(a.run));
  const [earliest] = inOrder;
  if (lead === undefined || earliest === undefined) throw new Error('a ledger of no shard');
  const { run, shard } = lead;
  const { plan, ...rest } = run;
  return {
    ...rest,
    startedAt: earliest.startedAt,
    plan: planOf(
      plan,
      run,
      headers.map((each) => each.run),
    ),
    ceilings: {
      ...run.ceilings,
      device: Object.assign(
        {},
        ...headers.map((each) => each.run.ceilings.device).toReversed(),
      ) as RunRecord['ceilings']['device'],
    },
    referenceHashes: hashesOf(headers),
    command: commandOfShard(run.command, null),
    merged: { digest: shard.digest, of: shard.of, shards: inOrder.map(({ merged }) => merged), ...outside },
  };
}

/** That of the whole where all of it is here; else with the shards that are. */
function planOf(
  { shard = null, ...plan }: RunRecord['plan'],
  { arms }: RunRecord,
  runs: readonly RunRecord[],
): RunRecord['plan'] {
  if (shard === null) return plan;
  const shards = runs.flatMap((run) => run.plan.shard ?? []);
  const held = new Set(shards.flatMap(({ parts }) => parts.map(partKey)));
  const all = partsOf(plan, arms);
  const parts = all.filter((part) => held.has(partKey(part)));
  const numbers = shards.flatMap((each) => each.numbers).sort((a, b) => a - b);
  return parts.length === all.length ? plan : { ...plan, shard: { ...shard, numbers, parts } };
}

/** Throws UsageError where two shards were checked against different logits: then their models were not the same. */
function hashesOf(headers: readonly { readonly shard: ShardFile; readonly run: RunRecord }[]): Record<string, string> {
  const hashes: Record<string, { readonly hash: string; readonly directory: string }> = {};
  for (const { shard, run } of headers) {
    for (const [key, hash] of Object.entries(run.referenceHashes)) {
      const known = hashes[key];
      if (known !== undefined && known.hash !== hash) {
        throw new UsageError(
          `${shard.directory} and ${known.directory} were checked against other logits of ${key}; the model or the machine is not the same`,
        );
      }
      hashes[key] = { hash, directory: known?.directory ?? shard.directory };
    }
  }
  return Object.fromEntries(Object.entries(hashes).map(([key, { hash }]) => [key, hash]));
}

/** When the last shard ended, and whether all did. */
function endRecord(shards: readonly ShardFile[]): EndRecord {
  const ended = shards.flatMap(({ end }) => end ?? []).map(({ endedAt }) => endedAt);
  const complete = shards.every(({ merged }) => merged.complete);
  const endedAt =
    ended.toSorted().at(-1) ??
    shards
      .map(({ startedAt }) => startedAt)
      .toSorted()
      .at(-1) ??
    '';
  return { kind: 'end', endedAt, stopped: complete ? 'complete' : 'interrupted', message: null };
}
