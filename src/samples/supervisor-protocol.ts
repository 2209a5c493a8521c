/**
 * What passes between a run and the supervisor of one memory limit: a SupervisorTask as JSON in argv[2], orders as JSON
 * lines on its standard input, news as JSON lines on its standard output. The end of the input is the order to close.
 *
 * Each process that it may start has a lane: three descriptors that the run gave the supervisor, for the process's
 * standard error and its descriptors 3 and 4 (protocol.ts). The run holds their other ends, so that what passes between
 * run and process does not go through the supervisor.
 */
import type { GroupVersion } from './cgroup-counters.js';
import type { Reason } from './record.js';

export interface SupervisorTask {
  /** Group below which the limited one is made; null: the supervisor's own, which a systemd scope delegated to it. */
  readonly parent: string | null;
  readonly version: GroupVersion;
  readonly name: string;
  /** Null for no limit: a group that only counts. */
  readonly bytes: number | null;
  /** Names of groups to make in the limited one. */
  readonly below: readonly string[];
  readonly lanes: number;
}

export const laneDescriptors = (lane: number): readonly [stderr: number, answer: number, release: number] => [
  3 + 3 * lane,
  4 + 3 * lane,
  5 + 3 * lane,
];

export type SupervisorOrder =
  | {
      readonly kind: 'start';
      readonly lane: number;
      /** One of `below`; null for the limited group itself. */
      readonly group: string | null;
      readonly command: string;
      readonly args: readonly string[];
    }
  | { readonly kind: 'kill'; readonly lane: number };

export type SupervisorNews =
  | { readonly kind: 'opened'; readonly path: string }
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'started'; readonly lane: number; readonly pid: number }
  | {
      readonly kind: 'ended';
      readonly lane: number;
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly problem: string | null;
    }
  /** `held` tells why the group is still there. */
  | { readonly kind: 'closed'; readonly held: string | null };
