/** The memory limits of one run: opened for a sample, kept for the loads that follow it, swept and closed. */
import type { Shape } from '../native.js';
import { openSharedLimit } from './bystander.js';
import type { GroupCounters } from './cgroup-counters.js';
import type { Launcher } from './launch.js';
import { openLimit, sweepLimits } from './memory-limit.js';
import { refuseBelowBystander, refuseBelowRuntime } from './memory-limit-verdict.js';
import type { Arm, CeilingChoices, ModelRecord } from './record.js';
import { spawnChild } from './spawn.js';
import { refusal, type Refusal } from './states.js';
import { sessionBytes, taskOf } from './task.js';

/** Of one sample under a limit. */
export interface Limited {
  readonly arm: Arm;
  readonly model: ModelRecord;
  readonly shape: Shape | null;
  readonly limitBytes: number;
  /** 1 for the first after the state was prepared; those that follow it stay in its group. */
  readonly load: number;
  /** Loads in a row. */
  readonly loads: number;
}

/** A limit that is in force, around a sample's processes alone or around them and a bystander. */
export interface LimitInForce {
  readonly path: string;
  /** Of the sample's processes, as the two below are; the limit and what hit it are of all together. */
  readonly launcher: Launcher;
  counters(): GroupCounters;
  /** Of the bystander's file, in the page cache now. Null where nobody stands by, and where it may not be known. */
  bystanderCached(): number | null;
  close(): Promise<LimitEnd>;
}

export interface LimitEnd {
  /** Why the group is still there. */
  readonly held: string | null;
  /** Why what was weighed had no bystander beside it. */
  readonly refusal: Refusal | null;
}

/** Descriptors of a supervisor that are left to lanes, by far: the usual limit is 1024. */
const MOST_PROCESSES = 256;

export class MemoryLimits {
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  #swept = false;
  #runtimeBytes: number | null = null;
  /** Of a load that another follows: what it left in the page cache is charged to it. */
  #kept: { readonly arm: string; readonly nextLoad: number; readonly limit: LimitInForce } | null = null;

  constructor(timeoutMs: number, signal: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  /** A fresh group, or the one of the load before. Throws AbortError when the run is interrupted. */
  async open(limited: Limited): Promise<LimitInForce | Refusal> {
    const kept = this.#kept;
    if (kept !== null && kept.arm === limited.arm.id && kept.nextLoad === limited.load) {
      this.#kept = null;
      return kept.limit;
    }
    await this.close();
    if (!this.#swept) await sweepLimits();
    this.#swept = true;
    const { arm, limitBytes, loads } = limited;
    const processes = arm.processes * loads;
    const blind = refuseBlind(arm) ?? refuseMany(processes) ?? (await this.#refuseSmall(limited));
    if (blind !== null) return blind;
    const file = arm.pressure?.kind === 'bystander' ? arm.pressure.path : null;
    return file === null ? alone(limitBytes, processes) : shared(limitBytes, processes, file, this.#signal);
  }

  /** To be called when the sample has ended: the limit stays for the load that follows, or is closed. */
  async finish({ arm, load, loads }: Limited, limit: LimitInForce, wentOn: boolean): Promise<LimitEnd> {
    if (!wentOn || load >= loads) return limit.close();
    this.#kept = { arm: arm.id, nextLoad: load + 1, limit };
    return { held: null, refusal: null };
  }

  async close(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    await kept?.limit.close();
  }

  /** Bytes that the arm's processes hold without any weights: runtime, key-value caches and scratch memory. */
  async runtimeNeed({ arm, model, shape }: Pick<Limited, 'arm' | 'model' | 'shape'>): Promise<number> {
    const runtime = (this.#runtimeBytes ??= await this.#measureRuntime(arm, model, shape));
    return arm.processes * (runtime + sessionBytes(arm, model));
  }

  async #refuseSmall(limited: Limited): Promise<Refusal | null> {
    if (limited.arm.kind === 'command') return null;
    const { arm, limitBytes } = limited;
    const need = await this.runtimeNeed(limited);
    const file = arm.pressure?.kind === 'bystander' ? arm.pressure.bytes : null;
    return file === null ? refuseBelowRuntime(limitBytes, need) : refuseBelowBystander(limitBytes, need, file);
  }

  /** The peak of a group without a limit in which a child loads nothing; 0 where a kernel does not keep peaks. */
  async #measureRuntime(arm: Arm, model: ModelRecord, shape: Shape | null): Promise<number> {
    const limit = await openLimit({ bytes: null, processes: 1 });
    // What keeps it from opening keeps the sample's own from it, which says so.
    if ('outcome' in limit) return 0;
    try {
      const idle: Arm = { ...arm, mechanism: 'null', options: {}, work: 'none', processes: 1, module: null };
      const child = spawnChild(taskOf(idle, model, shape, 'time', NO_CEILINGS), this.#timeoutMs, limit.launcher());
      const kill = (): void => {
        child.kill();
      };
      this.#signal.addEventListener('abort', kill, { once: true });
      if (this.#signal.aborted) kill();
      child.release();
      await child.ended;
      this.#signal.removeEventListener('abort', kill);
      return limit.counters().peakBytes ?? 0;
    } finally {
      await limit.close();
      this.#signal.throwIfAborted();
    }
  }
}

async function alone(bytes: number, processes: number): Promise<LimitInForce | Refusal> {
  const limit = await openLimit({ bytes, processes });
  if ('outcome' in limit) return limit;
  return {
    path: limit.path,
    launcher: limit.launcher(),
    counters: () => limit.counters(),
    bystanderCached: () => null,
    close: async () => ({ held: await limit.close(), refusal: null }),
  };
}

async function shared(
  bytes: number,
  processes: number,
  file: string,
  signal: AbortSignal,
): Promise<LimitInForce | Refusal> {
  const limit = await openSharedLimit({ bytes, file, processes }, signal);
  if ('outcome' in limit) return limit;
  return {
    path: limit.path,
    launcher: limit.model,
    counters: () => {
      const { limitBytes, swapAllowedBytes, limitHits, oomKills } = limit.counters();
      return { ...limit.counters('model'), limitBytes, swapAllowedBytes, limitHits, oomKills };
    },
    bystanderCached: () => limit.cachedBytes(),
    close: async () => {
      const { bystander, held } = await limit.close();
      return { held, refusal: 'outcome' in bystander ? bystander : null };
    },
  };
}

const NO_CEILINGS: CeilingChoices = { device: {}, firstTouch: { backedNs: 0, returnedNs: null, limitNs: null } };

/** Huge pages of the reserved pool are charged to nobody: a limit does not see weights that lie there. */
function refuseBlind({ loader, options }: Arm): Refusal | null {
  if (options['arena'] !== 'hugetlb' && options['road'] !== 'pool') return null;
  return refusal(
    'unsupported',
    'limit-blind',
    'memory limit',
    `${loader} puts the weights into reserved huge pages, which no memory limit counts`,
    'weigh it without a limit',
  );
}

function refuseMany(processes: number): Refusal | null {
  if (processes <= MOST_PROCESSES) return null;
  const told = `${processes} processes one after another in one limited group are more than ${MOST_PROCESSES}`;
  return refusal('unsupported', 'too-many-processes', 'memory limit', told, 'ask for fewer --processes or --loads');
}
