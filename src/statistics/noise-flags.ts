/**
 * Which samples were disturbed, and by what. Pure; over the whole ledger, since what is slow or much is known only beside
 * the other samples of the run. So the marks are no part of the samples, which stay as they were taken: earlier ledgers get
 * marks too, and a better threshold needs no new run. A mark takes nothing away: disturbed samples stay in all figures, since
 * leaving out what a disturbance made slow would leave out what was slow for other reasons as well.
 */
import { cellKey } from '../plan/blocks.js';
import { settingKeyOf } from '../plan/settings.js';
import type { Ledger, Noise, Sample } from '../samples/record.js';
import { median } from './order.js';
import type { NoiseCounts, NoiseFlag } from './summary-types.js';

/**
 * From where on a sample counts as disturbed. The shares are those that shift a time by as much as the differences that
 * ratios are read for.
 */
const threshold = {
  /** Of the CPU time that was asked for. Counted in ticks of 10 ms, so that less than two may be a rounding. */
  stealShare: 0.05,
  stealNs: 2e7,
  /** Of the time of all CPUs; and four ticks, since busy time is sampled by them and the run's own is not. */
  otherCpuShare: 0.05,
  otherCpuNs: 4e7,
  /** Of what the sample itself read; and 4 MiB, some milliseconds of a disk: logs and journals write less. */
  trafficShare: 0.02,
  trafficBytes: 4 * 2 ** 20,
  /** The spin is a chain of multiplications: only a slower clock or theft of the core lengthens it. Turbo steps reach 15 %. */
  spin: 1.25,
  /** First touch of equally prepared memory varies by a few hundredths, memory that a host took back is 3 to 36 times slower. */
  firstTouch: 1.5,
  /** Share of the time that tasks were stalled, and how long, beyond what is usual in the cell: a process that begins and ends
   * stalls some milliseconds by itself. */
  stallShare: 0.1,
  stallNs: 1e7,
  /** Involuntary switches: so many times what is usual in the cell, and so many more, since the usual may be none. */
  switches: 3,
  moreSwitches: 100,
} as const;

/** Fewer values than this have no usual one. */
const LEAST_FOR_USUAL = 5;

type Resource = keyof Noise['pressureNs'];
const RESOURCES: readonly Resource[] = ['cpu', 'io', 'memory'];

/**
 * What is usual: medians, which a few disturbed samples do not move; null from fewer than five values. Of the spins those of
 * the same setting (several processes, and a companion, take the CPUs from each other), of first touch those of the same
 * memory state. An arm's own threads preempt each other, a cold load waits
 * for its own reads, and one that needs more memory than there is stalls itself: of switches and stalls only that is
 * noise which other samples of the same cell do not have.
 */
export interface Usual {
  readonly spinNs: number | null;
  readonly firstTouchNs: number | null;
  readonly involuntarySwitches: number | null;
  /** Stalled share of the time. */
  readonly stalled: Readonly<Record<Resource, number | null>>;
}

const tests: Readonly<Record<NoiseFlag, (noise: Noise, usual: Usual) => boolean>> = {
  steal: wasStolen,
  'other-cpu': othersUsedCpu,
  'other-traffic': othersUsedDevice,
  'slow-spin': ({ spinBeforeNs, spinAfterNs }, { spinNs }) =>
    exceeds(Math.max(spinBeforeNs ?? 0, spinAfterNs ?? 0), spinNs, threshold.spin),
  throttled: ({ machine }) => (machine?.throttleEvents ?? 0) > 0,
  pressure: wasStalled,
  'context-switches': ({ involuntarySwitches: count }, { involuntarySwitches: common }) =>
    exceeds(count, common, threshold.switches) && (count ?? 0) - (common ?? 0) >= threshold.moreSwitches,
  'first-touch': ({ firstTouchNs }, { firstTouchNs: common }) => exceeds(firstTouchNs, common, threshold.firstTouch),
};

/** What could not be read, or has no usual value, gives no mark. */
export function flagsOf(noise: Noise, usual: Usual): readonly NoiseFlag[] {
  return shared(NAMES.filter((flag) => tests[flag](noise, usual)));
}

const NAMES = Object.keys(tests) as readonly NoiseFlag[];
const sets = new Map<string, readonly NoiseFlag[]>();

/** One list for all samples that are marked alike, which may be a million. */
function shared(flags: readonly NoiseFlag[]): readonly NoiseFlag[] {
  const key = flags.join();
  const known = sets.get(key);
  if (known === undefined) sets.set(key, flags);
  return known ?? flags;
}

function exceeds(value: number | null, common: number | null, times: number): boolean {
  return value !== null && common !== null && value > times * common;
}

function wasStolen({ stealNs, machine }: Noise): boolean {
  const busyNs = machine?.busyNs ?? null;
  if (stealNs === null || busyNs === null || stealNs < threshold.stealNs) return false;
  return stealNs > threshold.stealShare * (stealNs + busyNs);
}

function othersUsedCpu({ machine }: Noise): boolean {
  const { otherCpuNs = null, cpus = null, lastedNs = 0 } = machine ?? {};
  if (otherCpuNs === null || cpus === null) return false;
  return otherCpuNs > Math.max(threshold.otherCpuNs, threshold.otherCpuShare * cpus * lastedNs);
}

function othersUsedDevice({ machine }: Noise): boolean {
  const { otherReadBytes = null, writtenBytes = null, ownReadBytes = null } = machine ?? {};
  const bytes = (otherReadBytes ?? 0) + (writtenBytes ?? 0);
  return bytes > Math.max(threshold.trafficBytes, threshold.trafficShare * (ownReadBytes ?? 0));
}

function wasStalled(noise: Noise, { stalled }: Usual): boolean {
  return RESOURCES.some((resource) => {
    const share = stalledShare(noise, resource);
    const common = stalled[resource];
    if (share === null || common === null) return false;
    const more = share - common;
    return more > threshold.stallShare && more * (noise.machine?.lastedNs ?? 0) > threshold.stallNs;
  });
}

function stalledShare({ pressureNs, machine }: Noise, resource: Resource): number | null {
  const stalled = pressureNs[resource];
  return stalled === null || machine === undefined ? null : stalled / machine.lastedNs;
}

/** The marks of a sample; none for one that measured nothing. */
export type Flagger = (sample: Sample) => readonly NoiseFlag[];

/** For samples of this ledger: each process's own, where several were one group. */
export function noiseFlagger({ run, samples }: Pick<Ledger, 'run' | 'samples'>): Flagger {
  const spins = new ByKey(() => new Values());
  const touches = new ByKey(() => new Values());
  const cells = new ByKey(() => new CellNoise());
  const spinsOfArm = new Map<string, Values>();
  const spinsOf = ({ id, model }: Sample['arm']): Values => {
    const known = spinsOfArm.get(id);
    if (known !== undefined) return known;
    const made = spins.of(settingKeyOf(run.arms[id] ?? { model }));
    spinsOfArm.set(id, made);
    return made;
  };
  for (const sample of samples) {
    const { noise, memoryState, arm } = sample;
    if (noise === null) continue;
    for (const ns of [noise.spinBeforeNs, noise.spinAfterNs]) spinsOf(arm).add(ns);
    touches.of(memoryState).add(noise.firstTouchNs);
    const cell = cells.of(cellOf(sample));
    cell.switches.add(noise.involuntarySwitches);
    for (const resource of RESOURCES) cell.stalls[resource].add(stalledShare(noise, resource));
  }
  return (sample) => {
    const { noise, memoryState, arm } = sample;
    if (noise === null) return [];
    // All samples of a cell are of one arm and one state of memory.
    const usual = cells.of(cellOf(sample)).usual((cell) => ({
      spinNs: spinsOf(arm).usual(),
      firstTouchNs: touches.of(memoryState).usual(),
      ...cell,
    }));
    return flagsOf(noise, usual);
  };
}

/** The passes differ in what they do: a cell of each is usual in its own way. */
function cellOf({ arm, state, memoryState, load, pass }: Sample): string {
  return `${pass} ${cellKey({ arm: arm.id, state, memoryState, load })}`;
}

/** Known values, and the usual one, reckoned when it is first asked for: nothing may be added afterwards. */
class Values {
  readonly #values: number[] = [];
  #usual: number | null | undefined;

  add(value: number | null): void {
    if (value !== null) this.#values.push(value);
  }

  usual(): number | null {
    return (this.#usual ??= this.#values.length < LEAST_FOR_USUAL ? null : median(this.#values));
  }
}

class CellNoise {
  readonly switches = new Values();
  readonly stalls: Readonly<Record<Resource, Values>> = { cpu: new Values(), io: new Values(), memory: new Values() };
  #usual: Usual | null = null;

  /** Made once, by `whole` of what the cell itself knows. */
  usual(whole: (own: Pick<Usual, 'involuntarySwitches' | 'stalled'>) => Usual): Usual {
    const { cpu, io, memory } = this.stalls;
    return (this.#usual ??= whole({
      involuntarySwitches: this.switches.usual(),
      stalled: { cpu: cpu.usual(), io: io.usual(), memory: memory.usual() },
    }));
  }
}

/** What stands under a key, made when it is first asked for: a ledger may have a million samples. */
class ByKey<T> {
  readonly #made = new Map<string, T>();
  readonly #make: (key: string) => T;

  constructor(make: (key: string) => T) {
    this.#make = make;
  }

  of(key: string): T {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#make(key);
    this.#made.set(key, made);
    return made;
  }
}

/** For units of statistics: a group has the marks of all of its processes, since it is there when its slowest is. */
export function unitFlagger(samples: readonly Sample[], flagger: Flagger): Flagger {
  const together = new Map<string, Set<NoiseFlag>>();
  for (const sample of samples) {
    if (sample.group === null) continue;
    const flags = together.get(sample.group) ?? new Set();
    for (const flag of flagger(sample)) flags.add(flag);
    together.set(sample.group, flags);
  }
  return (unit) => (unit.group === null ? flagger(unit) : [...(together.get(unit.group) ?? [])]);
}

/** Of ok units of the time pass: those whose times are used. */
export function noiseCounts(units: readonly Sample[], flagger: Flagger): NoiseCounts {
  const timed = units.filter(({ outcome, pass }) => outcome === 'ok' && pass === 'time');
  const counts = new Map<NoiseFlag, number>();
  let disturbed = 0;
  for (const unit of timed) {
    const flags = flagger(unit);
    if (flags.length > 0) disturbed += 1;
    for (const flag of flags) counts.set(flag, (counts.get(flag) ?? 0) + 1);
  }
  const by = [...counts].map(([flag, count]) => ({ flag, samples: count }));
  return { samples: timed.length, disturbed, by: by.sort((a, b) => b.samples - a.samples) };
}

export function noiseMarks(
  samples: readonly Sample[],
  flagger: Flagger,
): readonly { readonly sample: number; readonly flags: readonly NoiseFlag[] }[] {
  return samples.flatMap((sample, index) => {
    const flags = flagger(sample);
    return flags.length === 0 ? [] : [{ sample: index, flags }];
  });
}
