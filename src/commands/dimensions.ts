/** The dimensions of a run as people give them: lists, of which every combination is weighed. */
import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError, describe } from '../failure.js';
import { native } from '../native.js';
import { PRESSURE_OF_FILE, type Dimensions, type SizeSpec } from '../plan/settings.js';
import { counted, size } from '../report/format.js';
import { limitSupport } from '../samples/cgroup-place.js';
import { refuseShort } from '../samples/companion.js';
import type { Pressure } from '../samples/record.js';
import { percentOf, whole, wholes } from './arguments.js';

export const dimensionOptions = {
  loads: {
    type: 'string',
    describe: 'Loads in a row after a cold start (warm, where that is the only state): what is paid once (default: 1)',
  },
  processes: { type: 'string', describe: 'Processes that hold the model at once, a list: 1,2,4 (default: 1)' },
  'memory-limit': {
    type: 'string',
    describe: 'Memory that all processes of a cold sample may take, a list: 60%,2GiB,none (percent of the model)',
  },
  threads: { type: 'string', describe: 'Compute threads, a list (default: every CPU there is)' },
  'load-threads': {
    type: 'string',
    describe: 'Threads that load, a list; for loaders that have such an option, in place of their own',
  },
  context: { type: 'string', describe: 'Positions of the KV cache, a list (default: 512 or what is needed)' },
  numa: { type: 'string', describe: 'NUMA nodes that a sample is bound to, a list' },
  pressure: {
    type: 'string',
    describe:
      'What works against a sample, a list: memory held by a companion (4GiB), a file that it reads (stream:FILE), or one that it has cached under the same --memory-limit (bystander:FILE)',
  },
} as const;

export interface DimensionArguments {
  readonly loads: string | undefined;
  readonly processes: string | undefined;
  readonly memoryLimit: string | undefined;
  readonly threads: string | undefined;
  readonly loadThreads: string | undefined;
  readonly context: string | undefined;
  readonly numa: string | undefined;
  readonly pressure: string | undefined;
}

export interface AskedDimensions extends Dimensions {
  readonly loads: number;
  readonly loadThreads: readonly number[];
}

const MOST_THREADS = 1024;
const MOST_PROCESSES = 1024;
const MOST_CONTEXT = 10_000_000;
const MOST_LOADS = 1000;
const MOST_NODES = 1023;

/** Throws UsageError, one line each. */
export function dimensionsOf(args: DimensionArguments): AskedDimensions {
  const numbers = (name: string, text: string | undefined, least: number, most: number): readonly number[] =>
    text === undefined ? [] : wholes(name, text, least, most);
  const contexts = numbers('--context', args.context, 1, MOST_CONTEXT);
  const processes = numbers('--processes', args.processes, 1, MOST_PROCESSES);
  return {
    loads: whole('--loads', args.loads ?? '1', 1, MOST_LOADS),
    threads: numbers('--threads', args.threads, 1, MOST_THREADS),
    loadThreads: numbers('--load-threads', args.loadThreads, 1, MOST_THREADS),
    ...(contexts.length === 0 ? {} : { contexts }),
    ...(processes.length === 0 ? {} : { processes }),
    memoryLimits: listOf(args.memoryLimit, limitOf),
    numa: listOf(args.numa, (word) => whole('--numa', word, 0, MOST_NODES)),
    pressure: listOf(args.pressure, pressureOf),
  };
}

/** Throws UsageError where this machine has no such node, not so much memory now, or no limits: no sample could be weighed. */
export function refuseImpossible({ numa = [], pressure = [], memoryLimits = [] }: Dimensions): void {
  const limits = memoryLimits.length > 0 && !memoryLimits.includes(null) ? limitSupport().reason : null;
  if (limits !== null) throw new UsageError(`--memory-limit cannot be set here: ${describe(limits)}`);
  for (const node of numa) {
    const reason = node === null ? null : native().nodeUnsupported(node);
    // Where binding is not permitted at all, samples say so.
    if (reason?.code === 'numa-unsupported') throw new UsageError(`--numa ${node ?? ''}: ${describe(reason)}`);
  }
  for (const each of pressure) {
    const short = each?.kind === 'memory' ? refuseShort(each.bytes) : null;
    if (short !== null) throw new UsageError(`--pressure ${size(each?.bytes ?? 0)}: ${describe(short.reason)}`);
  }
}

/** One for each word, distinct whatever the words; null for `none`, and for nothing asked. */
function listOf<T>(text: string | undefined, read: (word: string) => T): readonly (T | null)[] {
  const words = text === undefined ? ['none'] : text.split(',').map((word) => word.trim());
  const values = words.map((word) => (word === 'none' ? null : read(word)));
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  ...{ kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** Bytes of "2GiB", "600MB", "4096"; null where the text is none. */
export function bytesOf(text: string): number | null {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit.toLowerCase()];
  const bytes = digits === '' || factor === undefined ? Number.NaN : Math.round(Number(digits) * factor);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

function limitOf(text: string): SizeSpec {
  const percent = percentOf(text);
  if (percent !== null && percent > 0) return { kind: 'percent', text: `${percent}%`, percent };
  if (percent === 0) throw new UsageError(`--memory-limit must be above 0 %, not ${JSON.stringify(text)}`);
  const bytes = bytesOf(text);
  refuseSlip('--memory-limit', text, bytes, `${text}% of the model, ${text}MiB or ${text}GiB`);
  if (bytes === null) {
    throw new UsageError(
      `--memory-limit takes sizes (600MB, 2GiB), percent of the model (60%) and none, comma-separated, not ${JSON.stringify(text)}`,
    );
  }
  return { kind: 'bytes', text, bytes };
}

/** Of numbers without a unit, which are bytes: nobody means so few. */
const LEAST_BARE_BYTES = 2 ** 20;

function refuseSlip(option: string, text: string, bytes: number | null, forms: string): void {
  if (bytes === null || bytes >= LEAST_BARE_BYTES || /[^\d.]/.test(text)) return;
  throw new UsageError(`${option} ${text} would be ${counted(bytes, 'byte')}; write ${forms}`);
}

function pressureOf(text: string): Pressure {
  const kind = PRESSURE_OF_FILE.find((each) => text.startsWith(`${each}:`));
  if (kind !== undefined) return withFile(kind, resolve(text.slice(kind.length + 1)));
  const bytes = bytesOf(text);
  refuseSlip('--pressure', text, bytes, `${text}MiB or ${text}GiB`);
  if (bytes === null) {
    throw new UsageError(
      `--pressure takes sizes (4GiB), stream:FILE, bystander:FILE and none, comma-separated, not ${JSON.stringify(text)}`,
    );
  }
  return { kind: 'memory', bytes, path: null };
}

function withFile(kind: (typeof PRESSURE_OF_FILE)[number], path: string): Pressure {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isFile() !== true || status.size === 0) {
    throw new UsageError(
      `--pressure ${kind}:${path}: ${status === undefined ? 'there is no such file' : 'not a file with content'}`,
    );
  }
  return { kind, bytes: status.size, path: realpathSync(path) };
}
