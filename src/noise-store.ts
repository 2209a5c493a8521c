/** Noise of this machine on disk: written by `aa`, read by whatever judges a difference. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './failure.js';
import { METRICS, type Metric } from './statistics/metrics.js';
import { LEAST_FOR_FLOOR, noiseFloor } from './statistics/noise-floor.js';
import { NOISE_SCHEMA, type NoiseKey, type NoiseRecord } from './statistics/noise.js';
import { writeWhole } from './whole-file.js';

export const NOISE_FILE = 'noise.json';

/** $XDG_DATA_HOME, or ~/.local/share where it is not set to an absolute path (XDG Base Directory Specification). */
export function noiseDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['XDG_DATA_HOME'];
  const data = named?.startsWith('/') === true ? named : join(homedir(), '.local', 'share');
  return join(data, 'weighbridge', 'noise');
}

/** Where the noise of a key lies. The machine's fingerprint leads, so that a shared home keeps machines apart. */
export function noisePath(key: NoiseKey, directory = noiseDirectory()): string {
  const { fingerprint, model, arm, state, memoryState } = key;
  const digest = createHash('sha256')
    .update(JSON.stringify([model, arm]))
    .digest('hex')
    .slice(0, 16);
  return join(directory, `${fingerprint}-${digest}-${state}-${memoryState}.json`);
}

export interface StoredNoise {
  /** Beside the ledger: all records. */
  readonly beside: string;
  /** In the user's data directory, for a gate to find: a path a record, null for one without a noise floor. */
  readonly forGate: readonly { readonly record: NoiseRecord; readonly path: string | null }[];
}

/**
 * Writes all records beside the ledger, and those with a noise floor each into the user's data directory. Every file
 * appears whole or not at all.
 */
export function storeNoise(runDirectory: string, records: readonly NoiseRecord[]): StoredNoise {
  const beside = join(runDirectory, NOISE_FILE);
  write(beside, records);
  return {
    beside,
    forGate: records.map((record) => {
      if (!METRICS.some((metric) => hasFloor(record, metric))) return { record, path: null };
      const path = noisePath(record.key);
      write(path, record);
      return { record, path };
    }),
  };
}

/** Whether a gate could take its noise floor from the record. */
export function hasFloor({ metrics }: NoiseRecord, metric: Metric): boolean {
  return metrics[metric].pairs >= LEAST_FOR_FLOOR;
}

function write(path: string, value: unknown): void {
  try {
    writeWhole(path, [`${JSON.stringify(value, null, 1)}\n`]);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be written (${detail}); what was measured is whole in the run's ledger`, {
      cause: error,
    });
  }
}

export type NoiseFloor =
  | { readonly kind: 'known'; readonly floor: number; readonly pairs: number; readonly record: NoiseRecord }
  /** `remedy` is what would make it known. */
  | { readonly kind: 'unknown'; readonly message: string; readonly remedy: string };

/**
 * The noise floor of a metric for n pairs (relative), from what `aa` stored for this very machine, model, arm and state.
 * Throws UsageError where the file is damaged: to judge without a floor that was measured would cry wolf.
 */
export function noiseFloorFor(key: NoiseKey, metric: Metric, n: number, directory?: string): NoiseFloor {
  const path = noisePath(key, directory);
  const record = readNoise(path);
  const remedy = `weighbridge aa MODEL --state ${key.state} --memory-state ${key.memoryState} measures it`;
  if (record === null) return { kind: 'unknown', message: 'this arm was never weighed against itself here', remedy };
  const mine = record.key;
  const fields = ['fingerprint', 'model', 'arm', 'state', 'memoryState'] as const;
  const other = fields.find((field) => mine[field] !== key[field]);
  if (other !== undefined) throw damaged(path, `it is of another ${other}`);
  const { pairs, logRatios } = record.metrics[metric];
  const floor = noiseFloor(logRatios, n, { seed: record.provenance.seed });
  if (floor === null) {
    const message = `a noise floor of ${metric} needs ${LEAST_FOR_FLOOR} pairs of an arm with itself, ${pairs} are stored`;
    return { kind: 'unknown', message, remedy };
  }
  return { kind: 'known', floor, pairs, record };
}

/**
 * How far a metric of equals comes out apart on this machine, of runs that are no neighbours: what `noiseFloorFor` knows of
 * neighbours, and how far those of one run moved from its first third to its last, whichever is more. Relative; null where
 * the arm was never weighed against itself.
 */
export function noiseBetweenRuns(key: NoiseKey, metric: Metric, n: number): number | null {
  const floor = noiseFloorFor(key, metric, n);
  if (floor.kind === 'unknown') return null;
  const moved = readNoise(noisePath(key))?.metrics[metric].lastToFirst ?? null;
  return Math.max(floor.floor, moved !== null && moved > 0 ? Math.expm1(Math.abs(Math.log(moved))) : 0);
}

/** Null where there is no such file. Throws UsageError, in one line, where it is not what `aa` writes. */
export function readNoise(path: string): NoiseRecord | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw damaged(path, `it cannot be read (${code ?? String(error)})`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(path, 'it is not JSON');
  }
  const wrong = complaintOf(value);
  if (wrong !== null) throw damaged(path, wrong);
  return value as NoiseRecord;
}

function damaged(path: string, why: string): UsageError {
  return new UsageError(`${path}: ${why}; remove it, and let weighbridge aa measure the noise again`);
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with a noise record as read; null for nothing. Figures that follow from the log ratios are not read. */
function complaintOf(value: unknown): string | null {
  if (!isFields(value) || value['kind'] !== 'noise') return 'it is no record of noise';
  if (value['schema'] !== NOISE_SCHEMA) {
    return `its schema is ${String(value['schema'])}, this version reads ${NOISE_SCHEMA}`;
  }
  const { key, provenance, metrics } = value;
  const named = ['fingerprint', 'model', 'arm', 'state', 'memoryState'];
  if (!isFields(key) || !named.every((name) => typeof key[name] === 'string')) return 'its key is incomplete';
  if (!isFields(provenance) || !Number.isSafeInteger(provenance['seed'])) return 'its provenance is incomplete';
  if (!isFields(metrics)) return 'it has no metrics';
  for (const name of METRICS) {
    const metric = metrics[name];
    const ratios = isFields(metric) ? metric['logRatios'] : null;
    if (!isFields(metric) || !Array.isArray(ratios) || !ratios.every((ratio) => Number.isFinite(ratio))) {
      return `its log ratios of ${name} are no numbers`;
    }
    if (metric['pairs'] !== ratios.length) return `its log ratios of ${name} are not as many as it has pairs`;
  }
  return null;
}
