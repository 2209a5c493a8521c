/**
 * Which physical limit holds an arm: the time that each limit alone would take, and the largest of them as a share of the
 * time measured. Where a loader overlaps its work (pipelined) the largest is what it cannot beat; where it does one thing
 * after the other its time is their sum. So the largest is a lower bound of the time in both cases, and the one that needs
 * no assumption about overlap: its share is at most what it explains, and what is below half is called unexplained.
 */
import type { Limit, LimitName } from '../samples/limit-types.js';
import type { Arm, MemoryState, Phase } from '../samples/record.js';
import { median } from './order.js';
import type { OkSample, Pair } from './pairs.js';
import type { Binding, BindingName } from './summary-types.js';

type LimitKind = Exclude<BindingName, 'unexplained'>;

/** Below this share of the measured time a limit does not explain it. */
const LEAST_SHARE = 0.5;

const HUGE_PAGE = 2 * 2 ** 20;
const SMALL_PAGE = 4096;

export interface BindingInput {
  readonly arm: Arm;
  readonly memoryState: MemoryState;
  /** Of the model. */
  readonly tensorBytes: number;
  /** ok, of the time pass. */
  readonly timed: readonly OkSample[];
  /** Of these samples with the device ceiling of their blocks; empty where the state has none. */
  readonly ceilingPairs: readonly Pair[];
  readonly limits: readonly Limit[];
}

/** Null without a sample whose time is known, and in a run that measured no limits: nothing could be explained then. */
export function bindingOf(input: BindingInput): Binding | null {
  const rates = deviceRates(input.ceilingPairs);
  const samples = input.timed.flatMap((sample) =>
    sample.completeNs === null || sample.completeNs <= 0
      ? []
      : [{ measuredNs: sample.completeNs, alone: aloneTimes(input, sample, rates.get(sample) ?? null) }],
  );
  if (samples.length === 0 || input.limits.length === 0) return null;
  const limits = KINDS.flatMap((name) => {
    const times = samples.flatMap(({ measuredNs, alone }) => {
      const ns = alone[name];
      return ns === null ? [] : [{ ns, share: ns / measuredNs }];
    });
    if (times.length === 0) return [];
    return [{ name, ns: median(times.map(({ ns }) => ns)), share: median(times.map(({ share }) => share)) }];
  }).sort((a, b) => b.ns - a.ns);
  const [largest] = limits;
  const bound = largest !== undefined && largest.share >= LEAST_SHARE ? largest : null;
  return {
    name: bound?.name ?? 'unexplained',
    share: bound?.share ?? null,
    limits: limits.map(({ name, ns }) => ({ name, ns })),
  };
}

const KINDS: readonly LimitKind[] = ['device', 'copy', 'first-touch', 'fault', 'compute'];

/** Nanoseconds of each limit alone; null where it does not apply or is not known, 0 left out with it. */
function aloneTimes(
  { arm, memoryState, tensorBytes, limits }: BindingInput,
  sample: OkSample,
  deviceRate: number | null,
): Readonly<Record<LimitKind, number | null>> {
  const positive = (ns: number | null): number | null => (ns !== null && ns > 0 ? ns : null);
  const issued = issuedBytes(sample);
  return {
    device: positive(issued === null || deviceRate === null ? null : issued / deviceRate),
    copy: positive(copyNs(arm, tensorBytes, sample, limits)),
    'first-touch': positive(firstTouchNs(arm, memoryState, sample, limits)),
    fault: positive(faultNs(arm, sample, limits)),
    compute: positive(computeNs(arm, sample, limits)),
  };
}

/** Bytes per nanosecond of the device in each sample's own block. */
function deviceRates(pairs: readonly Pair[]): ReadonlyMap<OkSample, number> {
  const rates = new Map<OkSample, number>();
  for (const { head, base } of pairs) {
    if (base.arm.loader !== 'device' || base.completeNs === null || base.completeNs <= 0) continue;
    rates.set(head, base.bytesNeeded / base.completeNs);
  }
  return rates;
}

const loadPhases = ({ phases }: OkSample): readonly Phase[] =>
  phases === null ? [] : [phases.open, phases.acquire, phases.firstToken, phases.complete];

/** From storage, until every byte was read. */
function issuedBytes(sample: OkSample): number | null {
  const phases = loadPhases(sample);
  if (phases.length === 0) return null;
  let sum = 0;
  for (const { readBytes } of phases) {
    if (readBytes === null) return null;
    sum += readBytes;
  }
  return sum;
}

/** Mechanisms whose every byte passes from the page cache through a copy. */
const COPYING = new Set(['read', 'stdio', 'cxx-stream', 'pread', 'callback']);

/** Bytes ÷ the speed of copying; a loader that tells its own number (`copiedBytes`) is believed. */
function copyNs(arm: Arm, tensorBytes: number, { effective }: OkSample, limits: readonly Limit[]): number | null {
  const { mechanism, options } = arm;
  const told = effective['copiedBytes'];
  const copies =
    COPYING.has(mechanism) ||
    (mechanism === 'uring' && options['direct'] === false) ||
    (mechanism === 'mmap' && (options['dirtied'] === true || options['bring'] === 'read'));
  const bytes = typeof told === 'number' ? told : copies ? tensorBytes : null;
  const speed = valueOf(limits, 'copy', { threads: loadThreads(arm) });
  return bytes === null || speed === null ? null : (bytes * 1e9) / speed;
}

/** Anonymous memory that the sample gained, each page size at the speed of its own first touch. */
function firstTouchNs(arm: Arm, state: MemoryState, { memory }: OkSample, limits: readonly Limit[]): number | null {
  if (memory === null) return null;
  const grown = (of: 'anonymous' | 'hugeAnonymous' | 'hugetlb'): number =>
    Math.max(0, (memory.end[of] ?? 0) - (memory.baseline[of] ?? 0));
  const huge = Math.min(grown('hugeAnonymous'), grown('anonymous'));
  const small = grown('anonymous') - huge;
  const speedOf = (pageBytes: number): number | null =>
    valueOf(limits, 'first-touch', {
      threads: loadThreads(arm),
      pageBytes,
      // Of memory as it was only the faster state is sure: a lower bound.
      memoryState: state === 'returned' ? 'returned' : 'backed',
    });
  const time = (bytes: number, pageBytes: number): number | null => {
    if (bytes === 0) return 0;
    const speed = speedOf(pageBytes);
    return speed === null ? null : (bytes * 1e9) / speed;
  };
  // A reserved pool keeps its memory whatever happens to free memory; clearing its pages is left, as in backed memory.
  const pool = grown('hugetlb');
  const poolSpeed = valueOf(limits, 'first-touch', {
    threads: loadThreads(arm),
    pageBytes: HUGE_PAGE,
    memoryState: 'backed',
  });
  const parts = [
    time(small, SMALL_PAGE),
    time(huge, HUGE_PAGE),
    pool === 0 ? 0 : poolSpeed === null ? null : (pool * 1e9) / poolSpeed,
  ];
  const known = parts.filter((ns) => ns !== null);
  return known.length < parts.length ? null : known.reduce((sum, ns) => sum + ns, 0);
}

/** Faults × their cost: those of load by the threads that bring, the rest by those that compute. */
function faultNs(arm: Arm, { phases }: OkSample, limits: readonly Limit[]): number | null {
  const cost = valueOf(limits, 'minor-fault', {});
  if (phases === null || cost === null) return null;
  const faults = (...each: readonly Phase[]): number =>
    each.reduce((sum, { minorFaults, majorFaults }) => sum + minorFaults + majorFaults, 0);
  const loading = faults(phases.open, phases.acquire) / loadThreads(arm);
  const computing = faults(phases.firstToken, phases.complete) / arm.threads;
  return (loading + computing) * cost;
}

/** The forward pass over weights that are there, and reading what it leaves. */
function computeNs(arm: Arm, { tokens, untouchedBytes }: OkSample, limits: readonly Limit[]): number | null {
  const steps = tokens?.perTokenNs.slice(1) ?? [];
  if (steps.length === 0) return null;
  if (untouchedBytes === 0) return median(steps);
  const speed =
    valueOf(limits, 'memory-read-mapping', { threads: arm.threads }) ??
    valueOf(limits, 'memory-read', { threads: arm.threads });
  return speed === null ? median(steps) : median(steps) + (untouchedBytes * 1e9) / speed;
}

/** Threads that bring bytes, as the arm's options say. */
function loadThreads({ options, loadThreads: own }: Arm): number {
  const { threads } = options;
  return Math.max(1, own ?? (typeof threads === 'number' ? threads : 1));
}

/** Of several thread counts the one asked for, else the next lower; null where the limit was not measured. */
function valueOf(
  limits: readonly Limit[],
  name: LimitName,
  wanted: { readonly threads?: number; readonly pageBytes?: number; readonly memoryState?: MemoryState },
): number | null {
  const { threads = 1, pageBytes = null, memoryState = null } = wanted;
  const found = limits
    .filter((limit) => limit.name === name && limit.pageBytes === pageBytes && limit.memoryState === memoryState)
    .filter((limit) => limit.value !== null && limit.threads <= threads)
    .toSorted((a, b) => b.threads - a.threads);
  return found[0]?.value ?? null;
}
