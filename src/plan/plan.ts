/** From what the user asked for to a plan: which arms, which cells, in which order, how often. */
import { basename } from 'node:path';
import { UsageError } from '../failure.js';
import { roleOf, type ChosenLoader } from '../loader.js';
import type { KernelPlan, ModelInfo, Shape } from '../native.js';
import type { Arm, MemoryState, ModelRecord, Plan, State } from '../samples/record.js';

/** A model as the planner needs it: its header read, and what the kernel will do with it. */
export interface PlannedModel {
  /** The file behind all links: the same one named twice is a mistake. */
  readonly identity: string;
  readonly info: ModelInfo;
  readonly kernel: KernelPlan;
  readonly fileSystem: string;
  readonly device: string;
  /** Whether its bytes can be read past the page cache: only then there is a device ceiling. */
  readonly deviceCeiling: boolean;
}

export interface PlanRequest {
  readonly models: readonly PlannedModel[];
  /** In the order named; one named twice is weighed against itself. */
  readonly loaders: readonly ChosenLoader[];
  readonly loadersNamed: boolean;
  readonly reference: string | null;
  readonly states: readonly State[];
  readonly memoryStates: readonly MemoryState[];
  readonly threads: number;
  readonly rounds: number;
  readonly memoryRounds: number;
  /** Also one traced sample of each loader and state. */
  readonly trace?: boolean;
  readonly prompt: number;
  readonly generate: number;
  readonly context: number | null;
  readonly isa: string;
  readonly seed: number;
  readonly timeoutSeconds: number | null;
  readonly timeBudgetSeconds: number | null;
  /** Relative half width of intervals that is enough; then `rounds` is the most. */
  readonly precision?: number | null;
  /** Longest wait for a quiet machine before each block. */
  readonly waitQuietSeconds?: number | null;
  readonly build: string;
}

export interface Planned {
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

const PREFERRED_REFERENCE = 'stdio';
const DEFAULT_CONTEXT = 512;

/** The model's file name without its ending and part number, and the start of its header digest. */
export function modelId(info: ModelInfo): string {
  const path = info.parts[0]?.path ?? 'model';
  const base = basename(path)
    .replace(/\.gguf$/i, '')
    .replace(/-\d{5}-of-\d{5}$/, '');
  return `${base}-${info.headerDigest.slice(0, 8)}`;
}

/** Throws UsageError where the request contradicts itself. */
export function makePlan(request: PlanRequest): Planned {
  const arms: Record<string, Arm> = {};
  const models: Record<string, ModelRecord> = {};
  const shapes: Record<string, Shape> = {};
  const order: string[] = [];
  const reference: Record<string, string> = {};
  const ceilings: Record<string, Partial<Record<State, string>>> = {};
  const homes: Record<string, string> = {};

  for (const model of request.models) {
    const record = modelRecord(model);
    if (request.models.some((other) => other !== model && other.identity === model.identity)) {
      throw new UsageError(`${record.path}: the same model is named twice`);
    }
    const id = freeId(modelId(model.info), models);
    models[id] = record;
    shapes[id] = model.kernel.shape;
    const context = contextFor(request, model, id);
    const add = (definition: ChosenLoader, copy: number): string => {
      const arm = loaderArm(definition, copy, id, context, request);
      arms[arm.id] = arm;
      order.push(arm.id);
      return arm.id;
    };

    const chosen = chooseReference(request);
    const copies = new Map<string, number>();
    const first = request.loaders.indexOf(chosen);
    const rest = request.loaders.filter((_, index) => index !== first);
    reference[id] = add(chosen, 1);
    copies.set(chosen.name, 1);
    for (const definition of rest) {
      const copy = (copies.get(definition.name) ?? 0) + 1;
      copies.set(definition.name, copy);
      add(definition, copy);
    }

    const limits: Partial<Record<State, string>> = {};
    for (const state of request.states) {
      const loader = state === 'warm' ? 'memory' : 'device';
      if (loader === 'device' && !model.deviceCeiling) continue;
      const arm = ceilingArm(loader, id, request);
      arms[arm.id] = arm;
      limits[state] = arm.id;
    }
    ceilings[id] = limits;
    if (limits.cold !== undefined) {
      const home = ceilingArm('home', id, request);
      arms[home.id] = home;
      homes[id] = home.id;
    }
  }

  const largest = Math.max(...Object.values(models).map((model) => model.bytes));
  return {
    plan: {
      models: Object.keys(models),
      arms: order,
      reference,
      ceilings,
      homes,
      states: request.states,
      memoryStates: request.memoryStates,
      rounds: request.rounds,
      memoryRounds: request.memoryRounds,
      trace: request.trace ?? false,
      seed: request.seed,
      timeoutNs: Math.round((request.timeoutSeconds ?? 120 + largest / 20e6) * 1e9),
      timeBudgetNs: request.timeBudgetSeconds === null ? null : Math.round(request.timeBudgetSeconds * 1e9),
      precision: request.precision ?? null,
      waitQuietNs: Math.round((request.waitQuietSeconds ?? 0) * 1e9) || null,
      loadersNamed: request.loadersNamed,
    },
    arms,
    models,
    shapes,
  };
}

/** The same model on two disks is two models, the second with #2. */
function freeId(id: string, taken: Readonly<Record<string, unknown>>): string {
  let free = id;
  for (let copy = 2; free in taken; copy++) free = `${id}#${copy}`;
  return free;
}

function modelRecord({ info, kernel, fileSystem, device }: PlannedModel): ModelRecord {
  const name = info.metadata.find(({ key }) => key === 'general.name')?.value;
  return {
    path: info.parts[0]?.path ?? '',
    parts: info.parts.map(({ path, bytes }) => ({ path, bytes })),
    bytes: info.parts.reduce((sum, part) => sum + part.bytes, 0),
    tensorBytes: kernel.tensorBytes,
    headerBytes: info.parts.reduce((sum, part) => sum + part.dataOffset, 0),
    headerDigest: info.headerDigest,
    name: typeof name === 'string' ? name : null,
    fileSystem,
    device,
  };
}

function contextFor(request: PlanRequest, model: PlannedModel, id: string): number {
  const needed = Math.max(1, request.prompt + request.generate);
  const trained = model.kernel.shape.contextTrained;
  const context = request.context ?? Math.max(needed, Math.min(DEFAULT_CONTEXT, trained));
  if (context < needed) {
    throw new UsageError(
      `--context ${context} is too short for --prompt ${request.prompt} and --generate ${request.generate}; they need ${needed}`,
    );
  }
  if (context > trained) {
    throw new UsageError(
      `${id} was trained for a context of ${trained}, ${context} is asked; lower --context, --prompt or --generate`,
    );
  }
  return context;
}

function chooseReference(request: PlanRequest): ChosenLoader {
  const comparable = request.loaders.filter(({ mechanism }) => roleOf(mechanism) === 'loader');
  if (request.reference !== null) {
    const named = comparable.find((loader) => loader.name === request.reference);
    if (named === undefined) {
      throw new UsageError(
        `--reference ${request.reference} is not among the loaders of this run (the null loader cannot be it)`,
      );
    }
    return named;
  }
  const chosen =
    comparable.find((loader) => loader.name === PREFERRED_REFERENCE) ?? comparable[0] ?? request.loaders[0];
  if (chosen === undefined) throw new UsageError('no loader is named; weighbridge loaders lists them');
  return chosen;
}

function loaderArm(definition: ChosenLoader, copy: number, model: string, context: number, request: PlanRequest): Arm {
  const { threads, prompt, generate, isa } = request;
  const role = roleOf(definition.mechanism);
  const infers = role === 'loader';
  const label = copy === 1 ? definition.name : `${definition.name}#${copy}`;
  const idle = role === 'bound' ? 'read' : 'none';
  const work = infers ? `infer t${threads} c${context} p${prompt} g${generate} ${isa}` : idle;
  const id = `${label} ${model} ${work}`;
  return {
    id: definition.moduleDigest === undefined ? id : `${id} ${definition.moduleDigest}`,
    kind: role === 'bound' ? 'bound' : 'loader',
    origin: definition.module === undefined ? 'built-in' : 'external',
    module: definition.module ?? null,
    moduleDigest: definition.moduleDigest ?? null,
    loader: definition.name,
    label,
    mechanism: definition.mechanism,
    options: definition.options ?? {},
    model,
    work: infers ? 'infer' : idle,
    threads,
    loadThreads: null,
    processes: 1,
    memoryLimit: null,
    context,
    prompt,
    generate,
    isa,
    numa: null,
    pressure: null,
    build: request.build,
  };
}

function ceilingArm(loader: 'device' | 'home' | 'memory', model: string, request: PlanRequest): Arm {
  return {
    id: `ceiling:${loader} ${model} t${request.threads}`,
    kind: 'ceiling',
    origin: 'built-in',
    module: null,
    moduleDigest: null,
    loader,
    label: loader,
    mechanism: 'ceiling',
    options: {},
    model,
    work: 'read',
    threads: request.threads,
    loadThreads: null,
    processes: 1,
    memoryLimit: null,
    context: 0,
    prompt: 0,
    generate: 0,
    isa: request.isa,
    numa: null,
    pressure: null,
    build: request.build,
  };
}
