/** What a loader left unpaid when it returned, computed from one sample. */
import type { Debt, Phase, Phases } from './measurement-types.js';

/** What a debt is computed from. */
export interface Owed {
  readonly phases: Phases;
  /** The first token, then each decode step. */
  readonly perTokenNs: readonly number[];
  /** Of the first token, in the loader's ready(). */
  readonly waitedNs: number;
  /** From the release of the child to its end, the sum of all CPUs. */
  readonly stealNs: number | null;
}

/**
 * Null without a decode step to compare with, and where decode read storage: then the model did not stay in memory, a
 * later step pays again what the first token paid, and their difference is not what load left. `lanes` is how many
 * compute threads can run at once: the smaller of threads and CPUs. `cpus` is how many the machine has, of which the
 * steal counter is the sum.
 *
 *     ns        = first token − median decode step
 *     outside   = time − user time ÷ lanes                  of the first token; of a mean decode step
 *     stolen    = steal ÷ cpus × ns ÷ open … release
 *     explained = max(waited, outside(first) − outside(decode) − stolen), within 0 … max(0, ns)
 *
 * Each lane of the interval is in user mode, in the kernel (faults, and the reads in them) or off the CPU (waiting for
 * storage, for the loader, for another thread): what is not user time is what the guest can see. A decode step has some of
 * it too (serial parts, wake-ups), which no loader caused, so only the excess counts.
 *
 * Limits. Threads of a loader that works behind the first token add user time that no lane spent, so that too little is
 * explained; what the forward pass waited in ready() is known without that and is the least. More threads than CPUs wait
 * for each other: hence lanes. A hypervisor's theft looks like being off the CPU and is not the guest's I/O: it is known
 * for the whole sample and all CPUs together, and taken as spread evenly over both. Where other CPUs were idle, more of it
 * fell on the lanes, and that much too much is explained. Where the kernel divides CPU time by ticks, the division into
 * user and kernel time is rough below some 10 ms. Second-stage faults of a virtual machine are user time to the guest, and
 * stay unexplained.
 */
export function debtOf({ phases, perTokenNs, waitedNs, stealNs }: Owed, lanes: number, cpus: number): Debt | null {
  const steps = perTokenNs.slice(1);
  const { firstToken, decode } = phases;
  if (steps.length === 0 || decode === null || !decodesFromMemory(decode)) return null;
  const ns = Math.round(firstToken.ns - median(steps));
  const owed = Math.max(0, ns);
  const outside = Math.max(0, firstToken.ns - firstToken.userNs / lanes);
  const usual = Math.max(0, decode.ns - decode.userNs / lanes) / steps.length;
  const { open, acquire, complete, prefill, release } = phases;
  const whole = [open, acquire, firstToken, complete, prefill, decode, release].reduce(
    (sum, phase) => sum + (phase?.ns ?? 0),
    0,
  );
  const stolen = whole === 0 ? 0 : ((stealNs ?? 0) / cpus) * (owed / whole);
  const waited = Math.min(owed, waitedNs);
  const explainedNs = Math.round(Math.min(owed, Math.max(waited, outside - usual - stolen)));
  return {
    ns,
    explainedNs,
    unexplainedNs: ns - explainedNs,
    waitedNs: waited,
    minorFaults: firstToken.minorFaults,
    majorFaults: firstToken.majorFaults,
    readBytes: firstToken.readBytes,
  };
}

/** Whether decode steps had their weights in memory. Unreadable bytes are let pass: a major fault tells it alone. */
export function decodesFromMemory({ readBytes, majorFaults }: Phase): boolean {
  return (readBytes ?? 0) === 0 && majorFaults === 0;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[sorted.length / 2 - 1] ?? 0) + upper) / 2;
}
