/**
 * What surrounds the processes of a sample and is there for it alone: a group that limits their memory, a companion that
 * works against them, a node that they are bound to. Opened before they start, closed when all have ended.
 */
import { refuseUncached } from './bystander.js';
import type { GroupCounters } from './cgroup-counters.js';
import { native } from '../native.js';
import { size } from '../size.js';
import { startCompanion, type Companion, type CompanionReport, type CompanionWork } from './companion.js';
import { direct, type Launcher } from './launch.js';
import { outOfMemory, refuseUncharged } from './memory-limit-verdict.js';
import type { LimitInForce, Limited, MemoryLimits } from './memory-limits.js';
import type { EffectiveValue, Pressure, Reason } from './record.js';
import type { ChildEnd } from './spawn.js';
import type { Refusal } from './states.js';

/** What the processes must have been charged for, where all of them have a measurement. */
export interface Charge {
  /** Anonymous memory and huge pages that one of them held at its end. Others may have ended before it took them. */
  readonly anonymousBytes: number;
  /** Of the model, that came into the page cache meanwhile. */
  readonly cachedBytes: number;
}

/** Null where one of the processes has no measurement. A program's own memory at its end is not known. */
export function chargeOf(ends: readonly ChildEnd[], before: number | null, after: number | null): Charge | null {
  const own = ends.map((end) => {
    if (end.kind !== 'answered' || end.answer.kind === 'failed') return null;
    if (end.answer.kind === 'command') return end.answer.command.exitCode === 0 ? 0 : null;
    if (end.answer.kind === 'ceiling') return 0;
    const { anonymous, hugetlb } = end.answer.sample.memory.end;
    return (anonymous ?? 0) + (hugetlb ?? 0);
  });
  const known = own.filter((bytes) => bytes !== null);
  if (known.length < own.length) return null;
  return { anonymousBytes: Math.max(0, ...known), cachedBytes: Math.max(0, (after ?? 0) - (before ?? 0)) };
}

/** What the surroundings saw of a sample. */
export interface Surrounded {
  /** For the samples' effective values. */
  readonly effective: Readonly<Record<string, EffectiveValue>>;
  readonly warnings: readonly string[];
  /** Why samples that were measured do not count: what should have been around them was not. */
  readonly refusal: Refusal | null;
}

export interface Surroundings {
  readonly launcher: Launcher;
  /** Of our own processes that are there until it is closed: what they use is not what others do. */
  readonly pids: readonly (number | undefined)[];
  /** To be called when the processes are released. */
  begin(): void;
  /** Ends them, when all processes have ended. To be called once. */
  close(charge: Charge | null): Promise<Surrounded>;
  /** Why a child ended, where the surroundings know better than its exit: out of memory. To be asked after `close`. */
  explain(end: ChildEnd): Reason | null;
}

/** The sample, and how many loads in a row its chain has. */
export type Asked = Omit<Limited, 'limitBytes'>;

/** Opens what the arm asks for, or says why it cannot be had. Throws AbortError when the run is interrupted. */
export async function openSurroundings(
  asked: Asked,
  limits: MemoryLimits,
  signal: AbortSignal,
): Promise<Surroundings | Refusal> {
  signal.throwIfAborted();
  const { memoryLimit, pressure, numa } = asked.arm;
  if (numa !== null) {
    const reason = native().nodeUnsupported(numa);
    if (reason !== null) return { outcome: 'unsupported', reason };
  }
  const limited = memoryLimit === null ? null : { ...asked, limitBytes: memoryLimit };
  const limit = limited === null ? null : await limits.open(limited);
  if (limit !== null && 'outcome' in limit) return limit;
  const group = limited === null || limit === null ? null : new LimitAround(limited, limit, limits);
  try {
    // A bystander shares the limit, and came with it.
    const apart = pressure === null || pressure.kind === 'bystander';
    const companion = apart ? null : await startCompanion(workOf(pressure), signal);
    if (companion !== null && 'outcome' in companion) {
      await group?.close(null);
      return companion;
    }
    return around(group, companion);
  } catch (error) {
    await group?.close(null);
    throw error;
  }
}

const nothing: Surrounded = { effective: {}, warnings: [], refusal: null };

function around(group: LimitAround | null, companion: Companion | null): Surroundings {
  return {
    launcher: group?.launcher ?? direct,
    // What starts the processes under a limit is the one whose children they are.
    pids: [...(group === null ? [] : [group.launcher.parent]), ...(companion === null ? [] : [companion.pid])],
    begin: () => {
      group?.begin();
      companion?.begin();
    },
    close: async (charge) => {
      const report = (await companion?.end()) ?? null;
      const beside = report === null ? nothing : seenOf(report);
      const within = (await group?.close(charge)) ?? nothing;
      return {
        effective: { ...within.effective, ...beside.effective },
        warnings: [...within.warnings, ...beside.warnings],
        refusal: within.refusal ?? beside.refusal,
      };
    },
    explain: (end) => group?.explain(end) ?? null,
  };
}

function workOf({ kind, bytes, path }: Pressure): CompanionWork {
  return kind === 'stream' ? { kind, path: path ?? '' } : { kind: 'hold', bytes };
}

/** A held amount of which less was resident was taken away by the kernel: less pressure than it is called. */
const HELD_SHARE = 0.98;

function seenOf(report: CompanionReport | Refusal): Surrounded {
  if ('outcome' in report) return { ...nothing, refusal: { ...report, outcome: 'invalid' } };
  if (report.kind === 'stream') {
    const { streamedBytes, issuedBytes, passes } = report;
    const effective = {
      pressureStreamedBytes: streamedBytes,
      pressureIssuedBytes: issuedBytes,
      pressurePasses: passes,
    };
    return { ...nothing, effective: present(effective) };
  }
  if (report.kind === 'cache') return nothing;
  const { bytes, leastResidentBytes, mostSwappedBytes, passes } = report;
  const short = leastResidentBytes !== null && leastResidentBytes < HELD_SHARE * bytes;
  return {
    effective: present({
      pressureHeldBytes: leastResidentBytes,
      pressureSwappedBytes: mostSwappedBytes,
      pressurePasses: passes,
    }),
    warnings: short
      ? [`the companion held ${size(leastResidentBytes)} of ${size(bytes)} in memory: the rest was taken away`]
      : [],
    refusal: null,
  };
}

/** A limit around one sample. Its group may have seen earlier loads: what it counted since it was opened is this one's. */
class LimitAround {
  readonly launcher: Launcher;
  readonly #limited: Limited;
  readonly #limit: LimitInForce;
  readonly #limits: MemoryLimits;
  readonly #before: GroupCounters;
  /** Of a bystander's file, when the processes were released. */
  #cachedBefore: number | null = null;
  #killed: Refusal | null = null;

  constructor(limited: Limited, limit: LimitInForce, limits: MemoryLimits) {
    this.launcher = limit.launcher;
    this.#limited = limited;
    this.#limit = limit;
    this.#limits = limits;
    this.#before = limit.counters();
  }

  begin(): void {
    this.#cachedBefore = this.#limit.bystanderCached();
  }

  async close(charge: Charge | null): Promise<Surrounded> {
    const now = this.#limit.counters();
    const counters = grown(now, this.#before);
    const bystanderCachedBytes = this.#limit.bystanderCached();
    const { limitBytes } = this.#limited;
    this.#killed = outOfMemory(counters, limitBytes);
    const refused = charge === null ? null : (refuseUncharged(counters, { limitBytes, ...charge }) ?? this.#alone());
    const ended = await this.#limits.finish(this.#limited, this.#limit, charge !== null && refused === null);
    const { held } = ended;
    const unattended: Refusal | null = ended.refusal === null ? null : { ...ended.refusal, outcome: 'invalid' };
    return {
      effective: {
        ...effectiveOf(counters, this.#limited.load),
        ...present({ bystanderCachedBefore: this.#cachedBefore, bystanderCachedBytes }),
      },
      warnings: [
        ...(held === null ? [] : [`the group ${this.#limit.path} is still there: ${held}`]),
        // Of a program it may be one of its own that it got on without.
        ...((counters.oomKills ?? 0) > 0
          ? [`the kernel killed ${counters.oomKills ?? 0} of the group's processes for want of memory`]
          : []),
        ...(now.swapAllowedBytes === 0 ? [] : ['swap could not be limited: the kernel does not account for it']),
      ],
      refusal: refused ?? unattended,
    };
  }

  /** What the load before it left of the file is what a later one is about. */
  #alone(): Refusal | null {
    const { arm, load } = this.#limited;
    return load === 1 ? refuseUncached(this.#cachedBefore, arm.pressure?.bytes ?? 0) : null;
  }

  explain(end: ChildEnd): Reason | null {
    const killed = end.kind === 'died' && end.signal === 'SIGKILL';
    // Of a program it is one of its own processes that is killed, and ours lives to tell.
    const command = end.kind === 'answered' && end.answer.kind === 'command';
    return killed || command ? (this.#killed?.reason ?? null) : null;
  }
}

function grown(now: GroupCounters, before: GroupCounters): GroupCounters {
  const difference = (name: 'limitHits' | 'oomKills' | 'majorFaults' | 'fileRefaults'): number | null => {
    const [after, earlier] = [now[name], before[name]];
    return after === null || earlier === null ? null : after - earlier;
  };
  return {
    ...now,
    limitHits: difference('limitHits'),
    oomKills: difference('oomKills'),
    majorFaults: difference('majorFaults'),
    fileRefaults: difference('fileRefaults'),
  };
}

/** The peak is the group's: of a later load it may be one that an earlier load reached, and is called so. */
function effectiveOf(counters: GroupCounters, load: number): Surrounded['effective'] {
  const { limitBytes, peakBytes, limitHits, oomKills, fileBytes, majorFaults, fileRefaults, swapAllowedBytes } =
    counters;
  return present({
    limitBytes,
    [load === 1 ? 'limitPeakBytes' : 'limitPeakSinceFirstLoadBytes']: peakBytes,
    limitHits,
    limitOomKills: oomKills,
    limitFileBytes: fileBytes,
    limitMajorFaults: majorFaults,
    limitFileRefaults: fileRefaults,
    limitSwapBytes: swapAllowedBytes,
  });
}

function present(values: Readonly<Record<string, EffectiveValue | null>>): Surrounded['effective'] {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, EffectiveValue] => entry[1] !== null),
  );
}
