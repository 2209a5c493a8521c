/** Waits, for a bounded time, until nothing else is at work on the machine. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Block } from '../plan/blocks.js';
import { machineCounters, since, type Meanwhile } from './noise.js';
import type { Disturbance, WaitRecord } from './record.js';
import type { WeighingContext } from './prepare.js';

/** Long enough for fifty of the kernel's ticks of 10 ms on each CPU, short enough to be spent before every block. */
const WINDOW_MS = 500;
/** A shorter rest of the time tells too little to be worth it. */
const LEAST_WINDOW_MS = 100;

/** What a run that weighs nothing at the moment sees of others. `amount` is in CPUs, a share, or bytes per second. */
export interface Disturbed {
  readonly kind: Disturbance;
  readonly amount: number;
}

/**
 * What a quiet machine stays below. Other programs: a tenth of a CPU, or of many CPUs a twentieth; what systems do by
 * themselves when idle is a few hundredths. Steal: a twentieth of the CPU time asked for, and two ticks, since the hypervisor
 * counts in ticks. The device: 8 MiB/s, which slows a load at gigabytes a second by less than a hundredth. Stalls: a tenth
 * of the time; nobody waits for CPU, disk or memory on a machine with nothing to do.
 */
const quiet = {
  otherCpus: 0.1,
  otherShare: 0.05,
  stealShare: 0.05,
  stealNs: 2e7,
  deviceBytesPerSecond: 8 * 2 ** 20,
  stallShare: 0.1,
} as const;

/** Pure. What could not be read does not disturb. */
export function disturbancesOf({ stealNs, pressureNs, machine }: Omit<Meanwhile, 'loadAverage'>): readonly Disturbed[] {
  const { lastedNs, cpus, busyNs, otherCpuNs, otherReadBytes, writtenBytes } = machine;
  const found: Disturbed[] = [];
  const add = (kind: Disturbance, amount: number, limit: number): void => {
    if (amount > limit) found.push({ kind, amount });
  };
  add('other-cpu', (otherCpuNs ?? 0) / lastedNs, Math.max(quiet.otherCpus, quiet.otherShare * (cpus ?? 1)));
  if (stealNs !== null && stealNs >= quiet.stealNs) {
    add('steal', stealNs / (stealNs + (busyNs ?? 0)), quiet.stealShare);
  }
  const bytes = (otherReadBytes ?? 0) + (writtenBytes ?? 0);
  add('device-traffic', Math.round((bytes * 1e9) / lastedNs), quiet.deviceBytesPerSecond);
  for (const resource of ['cpu', 'io', 'memory'] as const) {
    add(`${resource}-stall`, (pressureNs[resource] ?? 0) / lastedNs, quiet.stallShare);
  }
  return found;
}

export interface QuietOptions {
  /** Files whose devices are watched. */
  readonly paths: readonly string[];
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** Called when the machine is not quiet, and again when other things disturb. */
  readonly onWait: (disturbed: readonly Disturbed[]) => void;
}

type Waited = Omit<WaitRecord, 'kind' | 'pass' | 'round' | 'block'>;

/** At least one window, however little time there is. Throws AbortError when the run is interrupted. */
export async function waitUntilQuiet({ paths, limitMs, signal, onWait }: QuietOptions): Promise<Waited> {
  const startedAt = new Date().toISOString();
  const beganAt = performance.now();
  const seen = new Map<Disturbance, { windows: number; most: number }>();
  let told = '';
  for (let windows = 1; ; windows++) {
    const left = limitMs - (performance.now() - beganAt);
    const before = machineCounters({ paths, waiting: [] });
    await delay(Math.min(WINDOW_MS, Math.max(LEAST_WINDOW_MS, left)), undefined, { signal });
    const disturbed = disturbancesOf(since(before));
    for (const { kind, amount } of disturbed) {
      const own = seen.get(kind);
      seen.set(kind, { windows: (own?.windows ?? 0) + 1, most: Math.max(own?.most ?? 0, amount) });
    }
    const waitedMs = performance.now() - beganAt;
    if (disturbed.length === 0 || limitMs - waitedMs < LEAST_WINDOW_MS) {
      return {
        startedAt,
        limitNs: Math.round(limitMs * 1e6),
        waitedNs: Math.round(waitedMs * 1e6),
        windows,
        quiet: disturbed.length === 0,
        disturbances: [...seen].map(([kind, own]) => ({ kind, ...own })),
      };
    }
    const kinds = disturbed.map(({ kind }) => kind).join(' ');
    if (kinds !== told) onWait(disturbed);
    told = kinds;
  }
}

/** Null where the plan asks for no wait, or the time budget leaves no time for one. */
export async function quietBefore(
  { plan, models, signal }: Pick<WeighingContext, 'plan' | 'models' | 'signal'>,
  { pass, round, index }: Block,
  leftMs: number,
  onWait: (why: string) => void,
): Promise<WaitRecord | null> {
  const limitMs = Math.min((plan.waitQuietNs ?? 0) / 1e6, leftMs);
  if (limitMs <= 0) return null;
  const waited = await waitUntilQuiet({
    paths: Object.values(models).flatMap(({ parts }) => parts.map(({ path }) => path)),
    limitMs,
    signal,
    onWait: (disturbed) => {
      const most = Math.ceil(limitMs / 1000);
      onWait(`waiting at most ${most} s until the machine is quiet: ${disturbedInWords(disturbed)}`);
    },
  });
  return { kind: 'wait', pass, round, block: index, ...waited };
}

/** "other programs use 1.3 CPUs, the device moves 210 MiB/s". */
function disturbedInWords(disturbed: readonly Disturbed[]): string {
  return disturbed.map(({ kind, amount }) => words[kind](amount)).join(', ');
}

const percent = (share: number): string => `${Math.round(share * 100)}%`;

const words: Readonly<Record<Disturbance, (amount: number) => string>> = {
  'other-cpu': (cpus) => `other programs use ${cpus.toFixed(1)} CPUs`,
  steal: (share) => `the host takes ${percent(share)} of the CPU time`,
  'device-traffic': (bytes) => `the model's device moves ${(bytes / 2 ** 20).toFixed(0)} MiB/s for others`,
  'cpu-stall': (share) => `programs wait for a CPU ${percent(share)} of the time`,
  'io-stall': (share) => `programs wait for a disk ${percent(share)} of the time`,
  'memory-stall': (share) => `programs wait for memory ${percent(share)} of the time`,
};
