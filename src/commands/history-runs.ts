/** The runs under a directory, each once: a run that was copied, or whose samples a merged one holds too, is no second day. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { baselineOf } from '../baseline-store.js';
import { UsageError } from '../failure.js';
import type { BaselineFile } from '../gate/baseline-types.js';
import { LEDGER_FILE, readLedger } from '../samples/ledger.js';
import type { RunRecord } from '../samples/record.js';

/** Levels of folders below the one that is named. */
const DEEPEST = 6;

export interface RunsFound {
  readonly runs: readonly BaselineFile[];
  /** What lies there and is not among them, with the reason. */
  readonly leftOut: readonly string[];
}

export function runsIn(root: string): RunsFound {
  const leftOut: string[] = [];
  const read = directoriesUnder(root, DEEPEST).flatMap((path) => {
    try {
      const { ledger } = readLedger(path, 'columns');
      return [{ path, run: headOf(ledger.run), baseline: baselineOf(ledger, path, null) }];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      leftOut.push(error.message);
      return [];
    }
  });
  const runs = read.flatMap(({ path, run, baseline }, index) => {
    const whole = run.shard === null ? undefined : read.find((other) => other.run.holds.has(run.shard ?? ''));
    const twin = read.slice(0, index).find((other) => other.run.identity === run.identity);
    const other = whole ?? twin;
    if (other === undefined) return [baseline];
    leftOut.push(`${path}: its samples are those of ${other.path}`);
    return [];
  });
  return { runs, leftOut };
}

interface Head {
  /** Equal for copies of a run. */
  readonly identity: string;
  /** Null for what is no shard of its own. */
  readonly shard: string | null;
  /** The shards that it was merged of. */
  readonly holds: ReadonlySet<string>;
}

/** All that is kept of a header: a ledger may be long, and many may lie there. */
function headOf({ startedAt, machine: { fingerprint }, seed, plan, merged = null }: RunRecord): Head {
  const keyOf = (digest: string, number: number, began: string): string => JSON.stringify([digest, number, began]);
  const [number] = merged === null ? (plan.shard?.numbers ?? []) : [];
  const shards = merged?.shards.map((shard) => keyOf(merged.digest, shard.number, shard.startedAt)) ?? [];
  return {
    identity: JSON.stringify([startedAt, fingerprint, seed, number ?? shards]),
    shard: number === undefined ? null : keyOf(plan.shard?.digest ?? '', number, startedAt),
    holds: new Set(shards),
  };
}

/** Directories of runs, a run's own folders left out, links not followed. */
function directoriesUnder(directory: string, depth: number): readonly string[] {
  if (existsSync(join(directory, LEDGER_FILE))) return [directory];
  if (depth === 0) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => name)
    .sort()
    .flatMap((name) => directoriesUnder(join(directory, name), depth - 1));
}
