/**
 * What passes between a run and the process of one sample: the task as JSON in argv[2]; on descriptor 3 the byte 'R' when
 * the child waits at its start barrier, then the answer as JSON; on descriptor 4 the byte that releases it. A child of a
 * group in the memory pass also writes 'P' wherever it waits for the others, and goes on at the next byte on descriptor 4.
 */
import type {
  NativeCeiling,
  NativeCeilingSpec,
  NativeCommand,
  NativeCommandSpec,
  NativeSample,
  NativeSampleSpec,
} from '../native.js';
import type { Reason } from './record.js';

/** Raised when a task or an answer changes its meaning: processes of builds that differ in it cannot be compared. */
export const PROTOCOL_VERSION = 2;

export const READY_FD = 3;
export const RELEASE_FD = 4;

/** Times that a held child waits for the others after its start: before and after each of two readings of memory. */
export const MEETINGS = 4;

/** What the child makes ready before it comes to its start barrier: the function of a `callback`, a user's library. */
export interface ChildLoader {
  readonly name: string;
  /** File that a user brought; null for a built-in one. */
  readonly module: string | null;
  /** What that file, and the library that it names, must still hold. */
  readonly moduleDigest: string | null;
  /** Of the model's parts. */
  readonly paths: readonly string[];
}

interface TaskBase {
  readonly parent: number;
  /** NUMA node that the child binds itself to before anything else, null for none. */
  readonly node: number | null;
  /** Directory of another build of weighbridge, whose process it is; null for this one's. */
  readonly build: string | null;
}

export interface CommandTask extends TaskBase {
  readonly kind: 'command';
  /** Applied in the child: a pattern that never ends is ended with it. */
  readonly pattern: string | null;
  readonly spec: NativeCommandSpec;
}

/** What a program cost, and what of its output is wanted. */
export interface CommandAnswer {
  readonly kind: 'command';
  readonly command: Omit<NativeCommand, 'output' | 'errors'>;
  /** The number that the pattern picked. */
  readonly matched: number | null;
  /** Last line on standard error, '' without one. */
  readonly lastLine: string;
}

export interface SampleTask extends TaskBase {
  readonly kind: 'sample';
  readonly loader: ChildLoader;
  readonly spec: NativeSampleSpec;
}

export interface CeilingTask extends TaskBase {
  readonly kind: 'ceiling';
  readonly spec: NativeCeilingSpec;
}

export type ChildTask = SampleTask | CeilingTask | CommandTask;

export type ChildAnswer =
  | { readonly kind: 'sample'; readonly sample: NativeSample }
  | { readonly kind: 'ceiling'; readonly ceiling: NativeCeiling }
  | CommandAnswer
  | { readonly kind: 'failed'; readonly reason: Reason };
