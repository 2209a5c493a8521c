/** What a sample proves about itself. Times are integer nanoseconds, sizes integer bytes; what could not be read is null. */

export interface Phase {
  readonly ns: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Issued by this process to storage (/proc/self/io read_bytes). */
  readonly readBytes: number | null;
  readonly userNs: number;
  readonly systemNs: number;
}

export interface Phases {
  readonly setup: Phase;
  readonly open: Phase;
  readonly acquire: Phase;
  readonly firstToken: Phase;
  readonly complete: Phase;
  readonly prefill: Phase | null;
  readonly decode: Phase | null;
  readonly release: Phase;
}

/** Memory of the child at one moment. anonymous, file and shmem are Rss; pss… come from smaps_rollup. */
export interface Memory {
  readonly rss: number | null;
  readonly pss: number | null;
  readonly pssAnonymous: number | null;
  readonly pssShmem: number | null;
  readonly pssFile: number | null;
  readonly anonymous: number | null;
  readonly file: number | null;
  readonly shmem: number | null;
  readonly hugetlb: number | null;
  readonly swap: number | null;
  readonly locked: number | null;
  readonly hugeAnonymous: number | null;
  readonly hugeFile: number | null;
  readonly pageTables: number | null;
}

/** Highest values over the sample. In the memory pass sampled every 2 ms; in the time pass only rss (VmHWM) is known. */
export interface PeakMemory extends Memory {
  /** Highest anonymous + shmem + hugetlb + swap + page tables seen at one instant. */
  readonly unreclaimable: number | null;
}

export interface MemoryPoints {
  readonly baseline: Memory;
  /** Only in the memory pass. */
  readonly loaded: Memory | null;
  readonly firstToken: Memory | null;
  readonly end: Memory;
  readonly peak: PeakMemory;
  /** Of this plan's context: held by the runtime whatever the loader, and kept out of the footprint. */
  readonly kvCacheBytes: number;
  readonly scratchBytes: number;
}

export interface Residency {
  /** Bytes of the model in the page cache: before the child started its load, and at later moments. */
  readonly before: number | null;
  readonly opened: number | null;
  readonly loaded: number | null;
  readonly firstToken: number | null;
  readonly after: number | null;
  /** Bytes of the model's files. */
  readonly size: number;
}

/**
 * The whole machine from the certification of a sample's states to the end of its processes, the same for all of a group:
 * what others did is what is not this run's, its processes' nor that of what it put beside them. What marks a sample as disturbed is decided later, over the whole ledger.
 */
export interface MachineActivity {
  readonly lastedNs: number;
  /** CPUs online, over which times are added up. */
  readonly cpus: number | null;
  /** CPU time in use, interrupts included; time that the hypervisor stole is not. */
  readonly busyNs: number | null;
  /** Of it, by other programs and by interrupts that met none of ours. Sampled by the kernel's ticks. */
  readonly otherCpuNs: number | null;
  /** Issued to storage by the run and its processes, whatever the device. */
  readonly ownReadBytes: number | null;
  /** Read from the model's devices by others. */
  readonly otherReadBytes: number | null;
  /** Written to the model's devices by anybody: a sample writes nothing there. */
  readonly writtenBytes: number | null;
  /** Times that a CPU was slowed down for its heat: more than 0 has a meaning, how many more has none. */
  readonly throttleEvents: number | null;
  /** At the end, when CPUs may idle already: for the record. A slow clock during the sample shows in the spins. */
  readonly clock: { readonly lowHz: number; readonly highHz: number } | null;
}

export interface Noise {
  /** CPU time stolen by the hypervisor between start and end of the sample, all CPUs. */
  readonly stealNs: number | null;
  /** Of the child; null for ceilings, as the spins are. */
  readonly voluntarySwitches: number | null;
  readonly involuntarySwitches: number | null;
  /** A fixed piece of arithmetic, before and after. */
  readonly spinBeforeNs: number | null;
  readonly spinAfterNs: number | null;
  /** First touch of 32 MiB by the parent just before the start. */
  readonly firstTouchNs: number | null;
  /** Stall totals of PSI ("some") that grew during the sample. */
  readonly pressureNs: { readonly cpu: number | null; readonly io: number | null; readonly memory: number | null };
  readonly loadAverage: number;
  /** Absent in earlier ledgers. */
  readonly machine?: MachineActivity;
}

/** What a loader left unpaid when it returned, seen at the first token. A warm map pays here, a filled arena hardly. */
export interface Debt {
  /** First-token time − median decode step; below 0 where the first token was the faster. */
  readonly ns: number;
  /**
   * Part of it that the guest can see: time in the kernel (page faults and the reads in them) and time off the CPU,
   * shared over the threads, beyond that of a decode step; at most `ns`. debt.ts states how it is computed.
   */
  readonly explainedNs: number;
  /** The rest. In a virtual machine it holds second-stage faults, which no guest counter sees: never call it compute. */
  readonly unexplainedNs: number;
  /** Of `ns`, waiting in a loader that still worked. */
  readonly waitedNs: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Issued to storage after load returned, until the first token. */
  readonly readBytes: number | null;
}

/** What the model's block devices did between the release of the child and its end; other programs' traffic included. */
export interface DeviceTraffic {
  readonly reads: number;
  readonly readBytes: number;
  /** readBytes ÷ reads, rounded; null without reads. */
  readonly meanRequestBytes: number | null;
}

/** What an external program cost, from just before it was spawned until it had ended. */
export interface CommandMeasurement {
  readonly wallNs: number;
  /** To the first byte on its standard output; null where that is discarded, and where nothing was written. */
  readonly firstByteNs: number | null;
  /** These four are of the program and of those of its children that it waited for, as is readBytes. */
  readonly userNs: number;
  readonly systemNs: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Issued to storage (/proc/PID/io). */
  readonly readBytes: number | null;
  /**
   * Highest resident memory of any one of its processes. The kernel tells it at the program's end if it is above that of
   * the process that started it (some 50 MB); below it is watched (effective.peakRssWatched), every 16 ms, and what is
   * allocated just before the end may be missed.
   */
  readonly peakRss: number | null;
  /** Highest sum of Pss over its processes seen at once, looked at every few ms; null outside the memory pass. */
  readonly peakPss: number | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Tokens per second, as the pattern picked them out of what it wrote; null without a pattern or a match. */
  readonly matched: number | null;
}

export type EffectiveValue = boolean | number | string;

/** What a child measured. Present in full in an `ok` sample; in `invalid` and `mismatch` ones too, for the record. */
export interface Measurement {
  /**
   * start → first logits, or where weights are touched → the last byte that a first token reads (of a model that the kernel
   * does not run: the last byte), one uninterrupted interval. Null outside the time pass (probes lie in between), for bounds and
   * ceilings.
   */
  readonly ttftNs: number | null;
  /**
   * start → every tensor byte read. Null outside the time pass. A bound's: start → its load returned. A ceiling's: its time
   * to read the same bytes.
   */
  readonly completeNs: number | null;
  /** start → the loader had nothing left to do. Null outside the time pass and for ceilings. */
  readonly settledNs: number | null;
  /** Null for ceilings and commands. */
  readonly phases: Phases | null;
  /** Of the weights, by the first token's forward pass, or by the touch in its place. Null for commands, of which it is not known. */
  readonly bytesNeeded: number | null;
  /** Null outside the time pass, without decode steps or where these read storage, and where nothing is inferred. */
  readonly debt: Debt | null;
  /** Null where no block device's counters can be read. */
  readonly traffic: DeviceTraffic | null;
  /** Read by `complete` because the first token did not. Null for commands. */
  readonly untouchedBytes: number | null;
  /** Null for ceilings and commands. */
  readonly memory: MemoryPoints | null;
  readonly residency: Residency;
  readonly tokens: {
    readonly prompt: number;
    readonly generated: number;
    readonly perTokenNs: readonly number[];
  } | null;
  readonly tokensPerSecond: { readonly prefill: number | null; readonly decode: number | null } | null;
  /** Null where no kernel ran. */
  readonly isa: string | null;
  readonly logitsHash: string | null;
  /** Checksum of every tensor byte, where weights are touched: whatever the loader and the number of threads. */
  readonly contentHash: string | null;
  readonly effective: Readonly<Record<string, EffectiveValue>>;
  readonly noise: Noise;
}
