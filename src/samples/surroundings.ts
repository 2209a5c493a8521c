/**
 * What surrounds the processes of a sample and is there for it alone: a group that limits their memory, a companion that
 * works against them, a node that they are bound to. Opened before they start, closed when all have ended.
 */
import type { Arm, EffectiveValue, ModelRecord, Reason } from './record.js';
import type { ChildEnd } from './spawn.js';
import { refusal, type Refusal } from './states.js';

export interface Surroundings {
  /** Program with arguments that becomes a child once it has put itself into the surroundings; empty for none. */
  readonly launch: readonly string[];
  /**
   * Why a child ended, where the surroundings know better than its exit: out of memory. Null where they do not. Asked
   * when they are closed.
   */
  explain(end: ChildEnd): Reason | null;
  /** Ends them; tells what they saw, for the samples' effective values. To be called once. */
  close(): Promise<Readonly<Record<string, EffectiveValue>>>;
}

const nothing: Surroundings = { launch: [], explain: () => null, close: () => Promise.resolve({}) };

/** Opens what the arm asks for, or says why it cannot be had. Throws AbortError when the run is interrupted. */
export function openSurroundings(arm: Arm, _model: ModelRecord, signal: AbortSignal): Promise<Surroundings | Refusal> {
  signal.throwIfAborted();
  const asked = [
    arm.memoryLimit === null ? '' : 'a memory limit',
    arm.pressure === null ? '' : 'pressure',
    arm.numa === null ? '' : 'a NUMA node',
  ].filter((word) => word !== '');
  const [first] = asked;
  if (first === undefined) return Promise.resolve(nothing);
  return Promise.resolve(
    refusal('unsupported', 'not-built-yet', 'surroundings', `${first} cannot be put around a sample yet`),
  );
}
