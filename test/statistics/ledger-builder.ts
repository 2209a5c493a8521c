/** Ledgers made by hand: valid records, of which a test states only what it is about. */
import type {
  Arm,
  Debt,
  Ledger,
  Memory,
  MemoryState,
  ModelRecord,
  Pass,
  PeakMemory,
  Phase,
  Reason,
  RunRecord,
  Sample,
  State,
} from '../../src/samples/record.js';
import type { OkSample } from '../../src/statistics/pairs.js';

export const MODEL = 'model-a';

export function model(overrides: Partial<ModelRecord> = {}): ModelRecord {
  return {
    path: '/models/a.gguf',
    parts: [{ path: '/models/a.gguf', bytes: 1_000_500 }],
    bytes: 1_000_500,
    tensorBytes: 1_000_000,
    headerBytes: 500,
    headerDigest: '0123456789abcdef',
    name: null,
    fileSystem: 'ext4',
    device: '/dev/vda',
    ...overrides,
  };
}

export function arm(loader: string, overrides: Partial<Arm> = {}): Arm {
  return {
    id: `${overrides.model ?? MODEL} ${loader}`,
    kind: 'loader',
    origin: 'built-in',
    module: null,
    moduleDigest: null,
    loader,
    label: loader,
    mechanism: loader,
    options: {},
    model: MODEL,
    work: 'infer',
    threads: 2,
    loadThreads: null,
    processes: 1,
    memoryLimit: null,
    context: 64,
    prompt: 16,
    generate: 8,
    isa: 'avx2',
    numa: null,
    pressure: null,
    build: 'weighbridge 0.1.0 0123',
    ...overrides,
  };
}

export const nullArm = (): Arm => arm('null', { work: 'none' });
export const deviceCeiling = (): Arm => arm('device', { kind: 'ceiling', work: 'read' });
export const homeCeiling = (): Arm => arm('home', { kind: 'ceiling', work: 'read' });
export const memoryCeiling = (): Arm => arm('memory', { kind: 'ceiling', work: 'read' });

export function memory(overrides: Partial<Memory> = {}): Memory {
  return {
    rss: 50_000_000,
    pss: 40_000_000,
    pssAnonymous: 30_000_000,
    pssShmem: 0,
    pssFile: 10_000_000,
    anonymous: 30_000_000,
    file: 20_000_000,
    shmem: 0,
    hugetlb: 0,
    swap: 0,
    locked: 0,
    hugeAnonymous: 0,
    hugeFile: 0,
    pageTables: 400_000,
    ...overrides,
  };
}

export function peak(unreclaimable: number | null, overrides: Partial<Memory> = {}): PeakMemory {
  return { ...memory(overrides), unreclaimable };
}

export function phase(ns: number, overrides: Partial<Phase> = {}): Phase {
  return { ns, minorFaults: 10, majorFaults: 0, readBytes: 0, userNs: ns, systemNs: 0, ...overrides };
}

/** What load left unpaid, half of it explained. */
export function debt(ns: number, overrides: Partial<Debt> = {}): Debt {
  const explainedNs = Math.max(0, ns) / 2;
  return {
    ...{ ns, explainedNs, unexplainedNs: ns - explainedNs, waitedNs: 0 },
    ...{ minorFaults: 10, majorFaults: 0, readBytes: 0 },
    ...overrides,
  };
}

export interface Position {
  readonly arm: Arm;
  readonly round?: number;
  readonly block?: number;
  readonly attempt?: number;
  readonly pass?: Pass;
  readonly state?: State;
  readonly memoryState?: MemoryState;
  readonly load?: number;
}

function base({
  arm: of,
  round = 1,
  block = 1,
  attempt = 0,
  pass = 'time',
  state = 'warm',
  memoryState = 'backed',
  load = 1,
}: Position) {
  return {
    kind: 'sample',
    round,
    block,
    position: 0,
    attempt,
    pass,
    startedAt: '2026-01-02T03:04:05.000Z',
    arm: { id: of.id, loader: of.loader, model: of.model },
    state,
    memoryState,
    load,
    group: null,
    process: { index: 0, of: 1, spawnToStartNs: 50_000_000, exitCode: 0, signal: null },
    warnings: [] as readonly string[],
  } as const;
}

export interface Times {
  /** open + acquire; a tenth of it is open. */
  readonly loadNs?: number;
  readonly ttftNs?: number | null;
  readonly completeNs?: number | null;
}

/** An ok sample. In the memory pass without times, as a child reports it. */
export function ok(position: Position, times: Times = {}, overrides: Partial<OkSample> = {}): OkSample {
  const timed = position.pass !== 'memory';
  const ceiling = position.arm.kind === 'ceiling';
  const { loadNs = 10_000_000, ttftNs = 20_000_000, completeNs = 25_000_000 } = times;
  return {
    ...base(position),
    outcome: 'ok',
    reason: null,
    ttftNs: timed && position.arm.work === 'infer' ? ttftNs : null,
    completeNs: timed ? completeNs : null,
    settledNs: timed && !ceiling ? loadNs : null,
    phases: ceiling
      ? null
      : {
          setup: phase(1_000_000),
          open: phase(loadNs / 10),
          acquire: phase(loadNs - loadNs / 10),
          firstToken: phase(10_000_000),
          complete: phase(5_000_000),
          prefill: phase(20_000_000),
          decode: phase(40_000_000),
          release: phase(500_000),
        },
    bytesNeeded: 990_000,
    debt: null,
    traffic: null,
    untouchedBytes: 10_000,
    memory: ceiling
      ? null
      : {
          baseline: memory(),
          loaded: timed ? null : memory(),
          firstToken: timed ? null : memory(),
          end: memory(),
          peak: peak(timed ? null : 30_400_000),
          kvCacheBytes: 100_000,
          scratchBytes: 50_000,
        },
    residency: { before: 1_000_500, opened: null, loaded: null, firstToken: null, after: 1_000_500, size: 1_000_500 },
    tokens: ceiling ? null : { prompt: 16, generated: 8, perTokenNs: [20_000_000, 5_000_000] },
    tokensPerSecond: position.arm.work === 'infer' ? { prefill: 80, decode: 12 } : null,
    isa: ceiling ? null : 'avx2',
    logitsHash: position.arm.work === 'infer' ? 'cafe' : null,
    contentHash: null,
    effective: {},
    noise: {
      stealNs: 0,
      voluntarySwitches: 1,
      involuntarySwitches: 0,
      spinBeforeNs: 10_000_000,
      spinAfterNs: 10_000_000,
      firstTouchNs: 8_000_000,
      pressureNs: { cpu: 0, io: 0, memory: 0 },
      loadAverage: 0.5,
    },
    ...overrides,
  };
}

export function reason(code: string, overrides: Partial<Reason> = {}): Reason {
  return {
    code,
    operation: 'open',
    path: null,
    errno: null,
    message: `because of ${code}`,
    remedy: null,
    ...overrides,
  };
}

/** An invalid or mismatched sample, with what it measured. */
export function excluded(outcome: 'invalid' | 'mismatch', position: Position, times: Times, why: Reason): Sample {
  return { ...ok(position, times), outcome, reason: why };
}

/** A sample without measurements. */
export function without(outcome: 'invalid' | 'unsupported' | 'failed', position: Position, why: Reason): Sample {
  return {
    ...base(position),
    outcome,
    reason: why,
    ttftNs: null,
    completeNs: null,
    settledNs: null,
    phases: null,
    bytesNeeded: null,
    debt: null,
    traffic: null,
    untouchedBytes: null,
    memory: null,
    residency: null,
    tokens: null,
    tokensPerSecond: null,
    isa: null,
    logitsHash: null,
    contentHash: null,
    effective: null,
    noise: null,
  };
}

export interface Contents {
  /** The first arm of a model that is no ceiling and not null is its reference. */
  readonly arms: readonly Arm[];
  readonly samples: readonly Sample[];
  readonly states?: readonly State[];
  readonly memoryStates?: readonly MemoryState[];
  readonly models?: Readonly<Record<string, ModelRecord>>;
  readonly run?: Partial<RunRecord>;
  readonly ledger?: Partial<Ledger>;
}

export function ledger(contents: Contents): Ledger {
  const { arms, samples, states = ['warm'], memoryStates = ['backed'], models = { [MODEL]: model() } } = contents;
  const loaders = arms.filter(({ kind }) => kind === 'loader');
  const ids = Object.keys(models);
  const ceilingsOf = (id: string): Partial<Record<State, string>> => {
    const named = (loader: string): string | undefined =>
      arms.find((each) => each.kind === 'ceiling' && each.model === id && each.loader === loader)?.id;
    const device = named('device');
    const ofMemory = named('memory');
    return { ...(device === undefined ? {} : { cold: device }), ...(ofMemory === undefined ? {} : { warm: ofMemory }) };
  };
  return {
    run: {
      kind: 'run',
      schema: 1,
      tool: 'weighbridge 0.1.0',
      startedAt: '2026-01-02T03:04:05.678Z',
      seed: 1,
      plan: {
        models: ids,
        arms: arms.filter(({ kind }) => kind !== 'ceiling').map(({ id }) => id),
        reference: Object.fromEntries(
          ids.flatMap((id) => {
            const first = loaders.find((each) => each.model === id && each.work === 'infer');
            return first === undefined ? [] : [[id, first.id]];
          }),
        ),
        ceilings: Object.fromEntries(ids.map((id) => [id, ceilingsOf(id)])),
        homes: Object.fromEntries(
          arms
            .filter(({ loader, kind }) => loader === 'home' && kind === 'ceiling')
            .map(({ id, model: of }) => [of, id]),
        ),
        states,
        memoryStates,
        rounds: 5,
        memoryRounds: 2,
        seed: 1,
        timeoutNs: 60_000_000_000,
        timeBudgetNs: null,
        loadersNamed: false,
      },
      arms: Object.fromEntries(arms.map((each) => [each.id, each])),
      models,
      machine: { fingerprint: 'feedfacecafebeef', memory: { pageReporting: false } },
      runtime: { node: '20.20.0', v8: '11', addon: '0123', isas: ['scalar', 'avx2'] },
      ceilings: { device: {}, firstTouch: { backedNs: 8_000_000, returnedNs: null, limitNs: null } },
      limits: [],
      referenceHashes: {},
      command: ['weighbridge', 'run'],
      ...contents.run,
    },
    samples,
    groups: [],
    resumes: [],
    waits: [],
    end: { kind: 'end', endedAt: '2026-01-02T03:09:05.000Z', stopped: 'complete', message: null },
    warnings: [],
    ...contents.ledger,
  };
}
