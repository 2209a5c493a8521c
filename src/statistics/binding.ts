/**
 * Which physical limit holds an arm: the time that each limit alone would take, and the largest credible of them as a
 * share of the time measured. Where a loader overlaps its work (pipelined) the largest is what it cannot beat; where it
 * does one thing after the other its time is their sum. So the largest is the one that needs no assumption about overlap:
 * its share is at most what it explains. Where none takes half, the sum still tells whether they are several or unknown:
 * two arms with the same faults may so have different names. Direct I/O fills fresh memory and does little else, and first
 * touch is nearly all of its time; a copy through the page cache touches as much, and reads and copies beside it.
 *
 * Only the device's speed is measured beside the sample, in its own block. The speeds of copying, first touch, faults and
 * mappings are measured once a run, over other bytes and at another moment; a decode step is the sample's own, but comes
 * after the load. So these times are estimates, not lower bounds: small models lie in the CPU's cache, host and
 * neighbours change. A limit that would alone take longer than was measured did not hold, and names nothing; where it would
 * take much longer, also not of others in the run that are held against the same speed.
 */
import { decodesFromMemory } from '../samples/debt.js';
import { issuedBytes } from '../samples/judge.js';
import type { Limit, LimitName } from '../samples/limit-types.js';
import type { Arm, MemoryState, ModelRecord, Phase, Phases } from '../samples/record.js';
import { median } from './order.js';
import type { OkSample, Pair } from './pairs.js';
import type { Binding, BindingName } from './summary-types.js';

type LimitKind = Exclude<BindingName, 'several' | 'unexplained'>;

/** Below this share of the measured time a limit does not explain it. */
const LEAST_SHARE = 0.5;

/** Above this share of the measured time a limit cannot have held: the sample beat it, by more than two medians scatter. */
const MOST_SHARE = 1.1;

/** Above this share its speed is believed of no other arm either: of many cells one may by scatter lie above the other. */
const BEATEN = 1.5;

const HUGE_PAGE = 2 * 2 ** 20;
const SMALL_PAGE = 4096;

export interface BindingInput {
  readonly arm: Arm;
  readonly memoryState: MemoryState;
  readonly model: ModelRecord;
  /** ok, of the time pass. */
  readonly timed: readonly OkSample[];
  /** Of these samples with the device ceiling of their blocks; empty where the state has none. */
  readonly ceilingPairs: readonly Pair[];
  /** Of the run. Those of another model's file say nothing here and are left out. */
  readonly limits: readonly Limit[];
}

/** Null without a sample whose time is known, and in a run that measured no limits: nothing could be explained then. */
export function bindingOf(input: BindingInput): Binding | null {
  const { model, limits: measured } = input;
  const rates = deviceRates(input.ceilingPairs);
  const alone = aloneTimes({ ...input, limits: measured.filter(({ path }) => isOf(model, path)) });
  const times = KINDS.map((name) => ({ name, ns: [] as number[], shares: [] as number[] }));
  let samples = 0;
  for (const sample of input.timed) {
    const { completeNs } = sample;
    if (completeNs === null || completeNs <= 0) continue;
    samples += 1;
    const own = alone(sample, rates.get(sample) ?? null);
    for (const { name, ns, shares } of times) {
      const limitNs = own[name];
      if (limitNs === null) continue;
      ns.push(limitNs);
      shares.push(limitNs / completeNs);
    }
  }
  if (samples === 0 || measured.length === 0) return null;
  const limits = times
    .filter(({ ns }) => ns.length > 0)
    .map(({ name, ns, shares }) => {
      const share = median(shares);
      return { name, ns: median(ns), share, credible: share <= MOST_SHARE };
    })
    .sort((x, y) => y.ns - x.ns);
  return named(limits);
}

/** The largest credible limit, or that there is none. */
function named(limits: Binding['limits']): Binding {
  const [largest] = limits.filter(({ credible }) => credible).toSorted((x, y) => y.share - x.share);
  const bound = largest !== undefined && largest.share >= LEAST_SHARE ? largest : null;
  const together = limits.reduce((sum, { share, credible }) => sum + (credible ? share : 0), 0);
  return {
    name: bound?.name ?? (together >= LEAST_SHARE ? 'several' : 'unexplained'),
    share: bound?.share ?? null,
    limits,
  };
}

interface Bound {
  readonly arm: Arm;
  readonly memoryState: MemoryState;
  readonly binding: Binding | null;
}

/**
 * The cells of a run, where a speed that one of them has clearly beaten is believed of none: what direct I/O does in 0.1 s cannot be
 * 0.2 s of a copy that touches as much. The device's speed is each block's own, and a decode step each sample's.
 */
export function withoutBeaten<Cell extends Bound>(cells: readonly Cell[]): readonly Cell[] {
  const beaten = new Set(
    cells.flatMap((cell) =>
      (cell.binding?.limits ?? []).flatMap(({ name, share }) => (share > BEATEN ? [speedKey(cell, name)] : [])),
    ),
  );
  return cells.map((cell) => {
    const { binding } = cell;
    if (binding === null || !binding.limits.some(({ name }) => beaten.has(speedKey(cell, name)))) return cell;
    const limits = binding.limits.map((limit) =>
      beaten.has(speedKey(cell, limit.name)) ? { ...limit, credible: false } : limit,
    );
    return { ...cell, binding: named(limits) };
  });
}

/** Equal for cells that are held against the same measured speed. */
function speedKey({ arm, memoryState }: Bound, name: LimitKind): string {
  if (name === 'device' || name === 'compute') return `${name} ${arm.id}`;
  const { arena } = arm.options;
  const pages = name === 'first-touch' ? [memoryState, typeof arena === 'string' ? arena : ''] : [];
  return JSON.stringify([name, arm.model, ...pages, name === 'fault' ? 1 : loadThreads(arm)]);
}

/** Limits without a file are of memory alone, and hold for every model. */
function isOf({ parts }: ModelRecord, path: string | null): boolean {
  return path === null || parts.some((part) => part.path === path);
}

const KINDS: readonly LimitKind[] = ['device', 'copy', 'first-touch', 'fault', 'compute'];

type Alone = Readonly<Record<LimitKind, number | null>>;

/**
 * Nanoseconds of each limit alone; null where it does not apply or is not known, 0 left out with it. What is the same for
 * all samples of an arm is looked up once: there may be a million.
 */
function aloneTimes({
  arm,
  memoryState,
  model,
  limits,
}: BindingInput): (sample: OkSample, deviceRate: number | null) => Alone {
  const positive = (ns: number | null): number | null => (ns !== null && ns > 0 ? ns : null);
  const copy = positive(copyNs(arm, model.tensorBytes, limits));
  const touch = touchSpeeds(arm, memoryState, limits);
  const faultCost = valueOf(limits, 'minor-fault', {});
  const readSpeed =
    valueOf(limits, 'memory-read-mapping', { threads: arm.threads }) ??
    valueOf(limits, 'memory-read', { threads: arm.threads });
  return (sample, deviceRate) => {
    const { phases } = sample;
    const issued = phases === null ? null : issuedBytes(sample, phases);
    const grown = grownMemory(sample);
    return {
      device: positive(issued === null || deviceRate === null ? null : issued / deviceRate),
      copy,
      'first-touch': positive(grown === null ? null : firstTouchNs(grown, touch)),
      fault: positive(
        phases === null || grown === null || faultCost === null ? null : faultNs(arm, phases, grown) * faultCost,
      ),
      compute: positive(computeNs(arm, sample, phases, readSpeed)),
    };
  };
}

/** Bytes per nanosecond of the device in each sample's own block. */
function deviceRates(pairs: readonly Pair[]): ReadonlyMap<OkSample, number> {
  const rates = new Map<OkSample, number>();
  for (const { head, base } of pairs) {
    const { arm, bytesNeeded, completeNs } = base;
    if (arm.loader !== 'device' || bytesNeeded === null || completeNs === null || completeNs <= 0) continue;
    rates.set(head, bytesNeeded / completeNs);
  }
  return rates;
}

/** Mechanisms that always read through the page cache into memory of their own, so that every byte is copied. */
export const READS_THROUGH_PAGE_CACHE: ReadonlySet<string> = new Set(['stdio', 'cxx-stream', 'read', 'pread']);

/** Bytes ÷ the speed of copying, where every byte passes from the page cache through a copy that somebody waits for. */
function copyNs(arm: Arm, tensorBytes: number, limits: readonly Limit[]): number | null {
  const speed = valueOf(limits, 'copy', { threads: loadThreads(arm) });
  return !copies(arm) || speed === null ? null : (tensorBytes * 1e9) / speed;
}

/**
 * A hybrid maps, or reads past the page cache, on each of its roads. What loaders of users do is not known. A pipelined
 * map has its pages read by threads for which nobody waits.
 */
function copies({ mechanism, options, origin }: Arm): boolean {
  switch (mechanism) {
    case 'callback':
      return origin === 'built-in';
    case 'uring':
      return options['direct'] === false;
    case 'mmap':
      return options['pipelined'] !== true && (options['dirtied'] === true || options['bring'] === 'read');
    default:
      return READS_THROUGH_PAGE_CACHE.has(mechanism);
  }
}

/** Bytes that a sample gained, by what touching them first costs; null where they are not known. */
interface Grown {
  readonly small: number;
  readonly huge: number;
  /** Of the reserved pool. */
  readonly pool: number;
}

function grownMemory({ memory }: OkSample): Grown | null {
  if (memory === null) return null;
  const { baseline, end } = memory;
  const grown = (of: 'anonymous' | 'hugeAnonymous' | 'hugetlb'): number | null => {
    const [before, after] = [baseline[of], end[of]];
    return before === null || after === null ? null : Math.max(0, after - before);
  };
  const anonymous = grown('anonymous');
  const hugeAnonymous = grown('hugeAnonymous');
  if (anonymous === null || hugeAnonymous === null) return null;
  const huge = Math.min(hugeAnonymous, anonymous);
  // A kernel without a pool reports none.
  return { small: anonymous - huge, huge, pool: grown('hugetlb') ?? 0 };
}

/** Bytes per second of first touch; null where it was not measured. */
type TouchSpeeds = Readonly<Record<keyof Grown, number | null>>;

function touchSpeeds(arm: Arm, state: MemoryState, limits: readonly Limit[]): TouchSpeeds {
  const speed = (pageBytes: number, memoryState: MemoryState): number | null =>
    valueOf(limits, 'first-touch', { threads: loadThreads(arm), pageBytes, memoryState });
  // Of memory as it was only the faster state is sure.
  const memoryState = state === 'returned' ? 'returned' : 'backed';
  return {
    small: speed(SMALL_PAGE, memoryState),
    huge: speed(HUGE_PAGE, memoryState),
    // A reserved pool keeps its memory whatever happens to free memory; clearing its pages is left, as in backed memory.
    pool: speed(HUGE_PAGE, 'backed'),
  };
}

const GROWN = ['small', 'huge', 'pool'] as const;

/** Anonymous memory that the sample gained, each page size at the speed of its own first touch. */
function firstTouchNs(grown: Grown, speeds: TouchSpeeds): number | null {
  let sum = 0;
  for (const of of GROWN) {
    if (grown[of] === 0) continue;
    const speed = speeds[of];
    if (speed === null) return null;
    sum += (grown[of] * 1e9) / speed;
  }
  return sum;
}

/**
 * Faults of a file's mapping, as the time of one: those of load by the threads that bring, the rest by those that compute.
 * Faults that gave new memory are paid in first touch, and most are of load: they are taken off there first.
 */
function faultNs(arm: Arm, { open, acquire, firstToken, complete }: Phases, { small, huge, pool }: Grown): number {
  const faults = ({ minorFaults, majorFaults }: Phase): number => minorFaults + majorFaults;
  const ofMemory = small / SMALL_PAGE + (huge + pool) / HUGE_PAGE;
  const loading = faults(open) + faults(acquire);
  const computing = faults(firstToken) + faults(complete);
  const later = Math.max(0, ofMemory - loading);
  return Math.max(0, loading - ofMemory) / loadThreads(arm) + Math.max(0, computing - later) / arm.threads;
}

/**
 * The forward pass over weights that are there, and reading what it leaves; where they are touched, reading all. Null where decode steps read storage too: the
 * model did not stay in memory, and their time is not of computing.
 */
function computeNs(
  arm: Arm,
  { tokens, bytesNeeded, untouchedBytes }: OkSample,
  phases: Phases | null,
  readSpeed: number | null,
): number | null {
  if (arm.work === 'touch') {
    return readSpeed === null ? null : (((bytesNeeded ?? 0) + (untouchedBytes ?? 0)) * 1e9) / readSpeed;
  }
  const steps = tokens?.perTokenNs.slice(1) ?? [];
  const decode = phases?.decode ?? null;
  if (steps.length === 0 || (decode !== null && !decodesFromMemory(decode))) return null;
  const step = median(steps);
  return untouchedBytes === null || untouchedBytes === 0 || readSpeed === null
    ? step
    : step + (untouchedBytes * 1e9) / readSpeed;
}

/** Threads that bring bytes, as the arm's options say. */
function loadThreads({ options, loadThreads: own }: Arm): number {
  const { threads } = options;
  return Math.max(1, own ?? (typeof threads === 'number' ? threads : 1));
}

interface Wanted {
  readonly threads?: number;
  readonly pageBytes?: number;
  readonly memoryState?: MemoryState;
}

/**
 * The value of as many threads as are asked for. Where that was not measured, the fastest of more threads, so that nothing
 * is held for slower than it is; where there are none, that of the most threads. Null where the limit was not measured.
 */
function valueOf(limits: readonly Limit[], name: LimitName, wanted: Wanted): number | null {
  const { threads = 1, pageBytes = null, memoryState = null } = wanted;
  const found = limits.flatMap((limit) =>
    limit.name === name && limit.pageBytes === pageBytes && limit.memoryState === memoryState && limit.value !== null
      ? [{ threads: limit.threads, value: limit.value }]
      : [],
  );
  const exact = found.find((limit) => limit.threads === threads);
  if (exact !== undefined) return exact.value;
  const above = found.filter((limit) => limit.threads > threads);
  if (above.length > 0) return Math.max(...above.map(({ value }) => value));
  return found.toSorted((a, b) => b.threads - a.threads)[0]?.value ?? null;
}
