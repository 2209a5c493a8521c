/** The typed surface of the addon. The only file that loads it. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadFunction } from './loader.js';
import type { NativeLimits } from './native-limits.js';
import type { CommandMeasurement, Measurement, MemoryPoints, Pass, Phases, Reason } from './samples/record.js';

/** Hyperparameters of a LLaMA-like model, all counts. */
export interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly ropeDimensions: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly contextTrained: number;
  readonly ropeBase: number;
  readonly normEpsilon: number;
}

export type MetadataValue =
  | number
  | bigint
  | boolean
  | string
  | {
      readonly arrayOf: string;
      readonly count: number;
      /** null where the array was skipped (vocabularies, unless asked for). */
      readonly elements: readonly MetadataValue[] | null;
    };

export interface ModelPart {
  readonly path: string;
  readonly bytes: number;
  readonly dataOffset: number;
}

export interface ModelTensor {
  readonly name: string;
  /** As llama.cpp names it: "Q4_0". */
  readonly type: string;
  /** Fastest-varying dimension first. */
  readonly shape: readonly number[];
  readonly part: number;
  /** From the start of the part's file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface ModelInfo {
  readonly version: number;
  readonly alignment: number;
  readonly parts: readonly ModelPart[];
  readonly metadata: readonly { readonly key: string; readonly type: string; readonly value: MetadataValue }[];
  readonly tensors: readonly ModelTensor[];
  /** 16 hex digits over all header bytes, or '' where not asked for. */
  readonly headerDigest: string;
}

export interface KernelPlan {
  readonly shape: Shape;
  readonly kvCacheBytes: number;
  readonly scratchBytes: number;
  /** What the forward pass of one BOS token reads of the weights. */
  readonly bytesNeeded: number;
  /** All tensor bytes. */
  readonly tensorBytes: number;
}

export type NativeOptions = Readonly<Record<string, boolean | number | string | readonly string[]>>;

/** Of the mechanism `callback`: the function that brings the weights, called once, inside the call that it is given to. */
export interface Callback {
  readonly load?: LoadFunction;
}

export interface SessionOptions extends Callback {
  readonly path: string;
  readonly mechanism: string;
  readonly options: NativeOptions;
  readonly isa: string;
  readonly threads: number;
  readonly context: number;
  readonly batch: number;
}

/** A model loaded and ready to run in this process, for `logits` and `generate`. */
export interface ModelSession {
  readonly isa: string;
  readonly shape: Shape;
  /** Nanoseconds from the start of opening the header to valid tensor addresses. */
  readonly loadNs: number;
  /** Feeds tokens at `position`…; returns rows × vocabulary logits of the last `rows` tokens. */
  forward(tokens: readonly number[], position: number, rows: number): Float32Array;
  clear(): void;
  close(): void;
}

/** The types that the kernel computes with. */
export type SynthesisType =
  | ('F32' | 'F16' | 'BF16')
  | ('Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'IQ4_NL')
  | ('Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K' | 'IQ4_XS');

export interface SynthesisTensor {
  readonly offset: number;
  readonly bytes: number;
  readonly type: SynthesisType;
  /** 'ones': every element 1 (norms). 'normal': zero mean, standard deviation `deviation`. */
  readonly fill: 'ones' | 'normal';
  readonly deviation: number;
  /** The random stream: tensors of equal seed and stream have equal content, in whichever file they lie. */
  readonly stream: number;
}

export interface SynthesisFile {
  readonly path: string;
  readonly header: Buffer;
  readonly bytes: number;
  readonly tensors: readonly SynthesisTensor[];
  readonly seed: number;
}

export interface ResidencyReading {
  readonly resident: number;
  readonly size: number;
  /** 'none': not permitted to know; resident means nothing then. */
  readonly source: 'cachestat' | 'mincore' | 'none';
}

export interface FileFacts {
  readonly fileSystem: string;
  readonly device: string;
  readonly mayVerify: boolean;
  readonly directIo: boolean;
  readonly directMemoryAlignment: number | null;
  readonly directOffsetAlignment: number | null;
}

export interface Capability {
  readonly supported: boolean;
  readonly reason: Reason | null;
}

export interface DeviceRecipe {
  readonly engine: 'io_uring' | 'threads';
  readonly blockBytes: number;
  readonly depth: number;
}

/** Spec of one sample, for the child. */
export interface NativeSampleSpec {
  readonly path: string;
  /** With the mechanism 'null' nothing is inferred. */
  readonly mechanism: string;
  readonly options: NativeOptions;
  /** What is done with weights that stay: the forward pass, or every tensor byte read once and summed. */
  readonly work: 'infer' | 'touch';
  /** The model's shape as the parent read it: setup allocates for it before the clock starts. Null where weights are touched. */
  readonly shape: Shape | null;
  readonly isa: string;
  readonly threads: number;
  readonly context: number;
  readonly batch: number;
  readonly prompt: number;
  readonly generate: number;
  readonly pass: Pass;
  /** Whether it waits for the others of its group around each reading of memory: 'P' to readyFd, one byte from releaseFd. */
  readonly held: boolean;
  /** NUMA node that the process is bound to: the memory pass looks where its memory lies. */
  readonly node: number | null;
  /** Descriptors of the start barrier: one byte is written to readyFd, one read from releaseFd. */
  readonly readyFd: number;
  readonly releaseFd: number;
}

/** What the child returns; the parent adds residency before and after, and the noise that it saw itself. */
export interface NativeSample extends Omit<
  Measurement,
  'noise' | 'residency' | 'debt' | 'traffic' | 'bytesNeeded' | 'untouchedBytes'
> {
  readonly bytesNeeded: number;
  readonly untouchedBytes: number;
  readonly phases: Phases;
  readonly memory: MemoryPoints;
  readonly residency: {
    readonly opened: number | null;
    readonly loaded: number | null;
    readonly firstToken: number | null;
  };
  readonly noise: {
    readonly voluntarySwitches: number;
    readonly involuntarySwitches: number;
    readonly spinBeforeNs: number;
    readonly spinAfterNs: number;
  };
  /** CLOCK_MONOTONIC at ready and at start. */
  readonly readyAtNs: number;
  readonly releasedAtNs: number;
  readonly startAtNs: number;
  /** Read from storage from start to complete, also between phases by a loader that still worked. */
  readonly issuedBytes: number | null;
  /** Of the first token, in the loader's ready(). */
  readonly waitedNs: number;
  /** Of the trace pass, where weights were used. */
  readonly trace: NativeTrace | null;
  readonly warnings: readonly string[];
}

/** Where bytes of a model lie. */
export interface NativeRange {
  readonly part: number;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * One turn of weights: from the moment at which the forward pass asks for a range until it asks for the next one, or the
 * phase ends. Counters are the process's; reading them costs some 100 µs a turn.
 */
export interface NativeAccess extends NativeRange {
  /** CLOCK_MONOTONIC */
  readonly beginNs: number;
  readonly endNs: number;
  /** When the loader's ready() was called, and how long it took. */
  readonly askedNs: number;
  readonly waitNs: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  readonly readBytes: number | null;
  /** Of the process, at the beginning. */
  readonly rss: number | null;
}

/** The timeline of a sample of the trace pass. */
export interface NativeTrace {
  readonly phases: readonly { readonly name: string; readonly beginNs: number; readonly endNs: number }[];
  /** Bytes in pages that are present (of a map: in the page cache) when load returned and after the first token. */
  readonly tensors: readonly (NativeRange & {
    readonly name: string;
    readonly residentLoaded: number | null;
    readonly residentFirstToken: number | null;
  })[];
  readonly firstToken: readonly NativeAccess[];
  readonly complete: readonly NativeAccess[];
}

export interface NativeCeilingSpec {
  readonly path: string;
  readonly ceiling: 'device' | 'home' | 'memory';
  readonly recipe: DeviceRecipe | null;
  readonly threads: number;
  readonly readyFd: number;
  readonly releaseFd: number;
}

export interface NativeCeiling {
  readonly bytes: number;
  readonly ns: number;
  readonly hugePages: boolean;
  /** Issued to storage while it was measured; null if unreadable. */
  readonly readBytes: number | null;
  readonly readyAtNs: number;
  readonly releasedAtNs: number;
}

/** Spec of one command sample, for the child. */
export interface NativeCommandSpec {
  /** Words, no shell; the program is looked up in PATH unless its name holds a slash. */
  readonly argv: readonly string[];
  readonly output: 'discard' | 'first-byte';
  /** Whether head and tail of what goes through the pipe of 'first-byte' are kept. */
  readonly keepOutput: boolean;
  readonly pass: Pass;
  readonly readyFd: number;
  readonly releaseFd: number;
}

export interface NativeCommand extends Omit<CommandMeasurement, 'matched'> {
  /** Whether peakRss was watched while the program ran, rather than told by the kernel at its end. */
  readonly peakRssWatched: boolean;
  /** Capacity of the pipe; null without one. */
  readonly pipeBytes: number | null;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  readonly spinBeforeNs: number;
  readonly spinAfterNs: number;
  readonly readyAtNs: number;
  readonly releasedAtNs: number;
  readonly startAtNs: number;
  /** Kept of standard output and of standard error, at most 64 KiB each; cut at line breaks in the middle. */
  readonly output: Buffer;
  readonly errors: Buffer;
}

export interface AbsorbedMemory {
  /** Whether the last three chunks were slow: the next memory that anybody gets was given back to the host. */
  readonly found: boolean;
  /** Of each chunk, in the order in which they were taken. */
  readonly chunkNs: readonly number[];
  release(): void;
}

export interface Native extends NativeLimits {
  // bindings/format.cc
  inspect(path: string, options: { readonly arrays: boolean; readonly digest: boolean }): ModelInfo;
  /**
   * Writes the file at disk speed off the event loop. `progress` gets the bytes written so far; when it returns false the
   * promise is rejected with code `interrupted`. A file that fails is removed.
   */
  synthesize(file: SynthesisFile, progress: (bytes: number) => boolean): Promise<void>;

  // bindings/kernel.cc
  isas(): string[];
  kernelPlan(
    path: string,
    need: { readonly context: number; readonly batch: number; readonly threads: number },
  ): KernelPlan;
  openSession(options: SessionOptions): ModelSession;

  // bindings/probes.cc
  mechanisms(): string[];
  unsupported(mechanism: string, paths: readonly string[], options: NativeOptions): Reason | null;
  residency(paths: readonly string[]): ResidencyReading;
  evict(paths: readonly string[]): Promise<void>;
  warm(paths: readonly string[]): Promise<void>;
  hold(paths: readonly string[]): Promise<{ release(): void }>;
  backFreeMemory(bytes: number, threads: number): Promise<void>;
  firstTouchNs(bytes: number): Promise<number>;
  /** Takes and holds free memory until three chunks in a row are slow to touch, or `mostBytes` are taken. */
  absorbBackedMemory(chunkBytes: number, slowNs: number, mostBytes: number): Promise<AbsorbedMemory>;
  spinNs(): number;
  nowNs(): number;
  bindToParent(parentPid: number, firstToDie: boolean): boolean;
  /** Why nothing can be bound to a NUMA node here, or why it would change nothing. */
  nodeUnsupported(node: number): Reason | null;
  /** Binds the calling thread and those that it starts later, memory and CPUs; how many CPUs the node leaves it. */
  bindToNode(node: number): number;
  fileFacts(path: string): FileFacts;
  capabilities(): {
    readonly cachestat: Capability;
    readonly ioUring: Capability;
    readonly populateRead: Capability;
    readonly lockedMemoryLimit: number | null;
  };
  deviceCeilingUnsupported(path: string): Reason | null;
  chooseDeviceRecipe(path: string, bytesEach: number): Promise<DeviceRecipe>;

  // bindings/sample.cc and ceilings.cc; synchronous, for the child alone
  runSample(spec: NativeSampleSpec & Callback): NativeSample;
  runCeiling(spec: NativeCeilingSpec): NativeCeiling;
  // bindings/command.cc; so too
  runCommand(spec: NativeCommandSpec): NativeCommand;
}

/** The addon is not there. `message` is one line that names the remedy. */
export class AddonMissing extends Error {
  readonly code = 'addon-missing';
}

let loaded: Native | undefined;

/** The addon; loads it on first use. Throws AddonMissing. */
export function native(): Native {
  if (loaded === undefined) {
    const path = addonPath();
    if (!existsSync(path)) {
      throw new AddonMissing('the native addon is not built; run: weighbridge setup');
    }
    try {
      loaded = createRequire(import.meta.url)(path) as Native;
    } catch (error) {
      const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
      throw new AddonMissing(`the native addon does not load here (${detail}); run: weighbridge setup`);
    }
  }
  return loaded;
}

/** WEIGHBRIDGE_ADDON names another build, for comparing two of them. */
export function addonPath(): string {
  return process.env['WEIGHBRIDGE_ADDON'] ?? addonIn(fileURLToPath(new URL('../..', import.meta.url)));
}

/** The addon of the build in a directory. */
export function addonIn(directory: string): string {
  return join(directory, 'native', 'build', 'Release', 'weighbridge.node');
}
