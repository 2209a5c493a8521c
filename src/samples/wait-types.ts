/** What was waited for before a block. */
import type { Pass } from './record.js';

export type Disturbance = 'other-cpu' | 'steal' | 'device-traffic' | 'cpu-stall' | 'io-stall' | 'memory-stall';

/** One wait for a quiet machine: watched in short windows until one of them was quiet, or the time was up. */
export interface WaitRecord {
  readonly kind: 'wait';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The block that it came before. */
  readonly pass: Pass;
  readonly round: number;
  readonly block: number;
  /** Longest that it might take: what the plan says, or less where the time budget leaves less. */
  readonly limitNs: number;
  readonly waitedNs: number;
  readonly windows: number;
  /** Whether the last window was quiet; the block was weighed either way. */
  readonly quiet: boolean;
  /** What disturbed, in how many of the windows, and the most of it: CPUs, shares, or bytes per second. */
  readonly disturbances: readonly { readonly kind: Disturbance; readonly windows: number; readonly most: number }[];
}
