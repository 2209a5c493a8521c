/** From what the user asked for to a plan: which arms, which cells, in which order, how often. */
import { basename } from 'node:path';
import { UsageError } from '../failure.js';
import { roleOf, type ChosenLoader } from '../loader.js';
import { suggestion } from '../nearest.js';
import type { KernelPlan, ModelInfo, Shape } from '../native.js';
import type { Arm, MemoryState, ModelRecord, Plan, Setting, State } from '../samples/record.js';
import { ceilingArm, commandArm, loaderArms, type ChosenCommand } from './arms.js';
import { combine, hasCeilings, type Dimensions } from './settings.js';

/** A model as the planner needs it: its header read, and what the kernel will do with it. */
export interface PlannedModel {
  /** The file behind all links: the same one named twice is a mistake. */
  readonly identity: string;
  readonly info: ModelInfo;
  /** Null where the kernel does not run it: then its weights can only be touched. */
  readonly kernel: KernelPlan | null;
  readonly fileSystem: string;
  readonly device: string;
  /** Whether its bytes can be read past the page cache: only then there is a device ceiling. */
  readonly deviceCeiling: boolean;
}

export interface PlanRequest extends Dimensions {
  /** What is done with the weights; absent: inference. */
  readonly work?: 'infer' | 'touch';
  readonly models: readonly PlannedModel[];
  /** In the order named; one named twice is weighed against itself. */
  readonly loaders: readonly ChosenLoader[];
  readonly loadersNamed: boolean;
  /** Programs of the user's own beside them. */
  readonly commands?: readonly ChosenCommand[];
  readonly reference: string | null;
  readonly states: readonly State[];
  readonly memoryStates: readonly MemoryState[];
  /** Each loader that has an option `threads` once with each; absent or empty leaves them as they are. */
  readonly loadThreads?: readonly number[];
  /** Loads in a row; absent for one. */
  readonly loads?: number;
  readonly rounds: number;
  readonly memoryRounds: number;
  /** Also one traced sample of each loader and state. */
  readonly trace?: boolean;
  readonly prompt: number;
  readonly generate: number;
  readonly isa: string;
  readonly seed: number;
  readonly timeoutSeconds: number | null;
  readonly timeBudgetSeconds: number | null;
  /** Relative half width of intervals that is enough; then `rounds` is the most. */
  readonly precision?: number | null;
  /** Longest wait for a quiet machine before each block. */
  readonly waitQuietSeconds?: number | null;
  /** Absent: shuffled. */
  readonly order?: Plan['order'];
  /** False for pairs alone: no limit of device or memory beside them. Absent: true. */
  readonly ceilings?: boolean;
  readonly build: string;
}

export interface Planned {
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
  /** Null where weights are only touched. */
  readonly shapes: Readonly<Record<string, Shape | null>>;
  /** What the first token of each model reads of the weights; null where the kernel does not run it. */
  readonly bytesNeeded: Readonly<Record<string, number | null>>;
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
  refuseContradictions(request);
  const made = new Making(request);
  for (const model of request.models) made.add(model);
  return made.planned();
}

function refuseContradictions({ memoryLimits = [], pressure = [], states, models }: PlanRequest): void {
  const bystanders = pressure.filter((each) => each?.kind === 'bystander');
  if (bystanders.length > 0 && (memoryLimits.length === 0 || memoryLimits.includes(null))) {
    throw new UsageError(
      '--pressure bystander:FILE takes --memory-limit with a size, and not none: it shares the limit with the processes that load the model',
    );
  }
  if (memoryLimits.some((limit) => limit !== null) && states.includes('warm')) {
    throw new UsageError(
      '--memory-limit takes --state cold alone: a page cache that was filled before the limit began costs the limited processes nothing, so that a warm limit limits nothing',
    );
  }
  const parts = models.flatMap(({ identity, info }) => [identity, ...info.parts.map(({ path }) => path)]);
  const own = bystanders.find((each) => each?.path != null && parts.includes(each.path));
  if (own != null) {
    throw new UsageError(`--pressure bystander:${own.path}: that is the model itself; name a file of another program`);
  }
  for (const model of models) {
    if (models.some((other) => other !== model && other.identity === model.identity)) {
      throw new UsageError(`${model.info.parts[0]?.path ?? ''}: the same model is named twice`);
    }
  }
}

/** A plan while its models are added one by one. */
class Making {
  readonly #request: PlanRequest;
  readonly #arms: Record<string, Arm> = {};
  readonly #models: Record<string, ModelRecord> = {};
  readonly #shapes: Record<string, Shape | null> = {};
  readonly #bytesNeeded: Record<string, number | null> = {};
  readonly #settings: Setting[] = [];
  readonly #order: string[] = [];
  readonly #reference: Record<string, string> = {};
  readonly #ceilings: Record<string, Partial<Record<State, string>>> = {};
  readonly #homes: Record<string, string> = {};

  constructor(request: PlanRequest) {
    this.#request = request;
  }

  add(model: PlannedModel): void {
    const request = this.#request;
    const record = modelRecord(model);
    const id = freeId(modelId(model.info), this.#models);
    this.#models[id] = record;
    this.#shapes[id] = request.work === 'touch' ? null : kernelOf(model).shape;
    this.#bytesNeeded[id] = model.kernel?.bytesNeeded ?? null;
    const combined = combine(request, id, record.bytes, (asked) => contextFor(asked, request, model));
    const settings = combined.map((setting): Setting =>
      request.work === 'touch' ? { ...setting, work: 'touch' } : setting,
    );
    const [first] = settings;
    if (first === undefined) throw new UsageError(`${record.path}: no setting is left to weigh it in`);
    for (const setting of settings) {
      this.#addArms(setting, first);
      this.#addCeilings(setting, model.deviceCeiling);
    }
    this.#settings.push(...settings);
  }

  /** The reference first, then the others as they were named; one named again is weighed against itself. */
  #addArms(setting: Setting, first: Setting): void {
    const request = this.#request;
    const reference = chooseReference(request);
    const subjects: Subject[] = [
      ...request.loaders.map(loaderSubject),
      ...(request.commands ?? []).map(commandSubject),
    ];
    const at = subjects.findIndex(({ definition }) => definition === reference);
    const ordered = [...subjects.slice(at, at + 1), ...subjects.slice(0, at), ...subjects.slice(at + 1)];
    const copies = new Map<string, number>();
    for (const subject of ordered) {
      const { name } = subject.definition;
      const copy = (copies.get(name) ?? 0) + 1;
      copies.set(name, copy);
      const label = copy === 1 ? name : `${name}#${copy}`;
      const arms =
        subject.kind === 'loader'
          ? loaderArms(subject.definition, label, setting, first, request)
          : [commandArm(subject.definition, label, setting, request)];
      for (const arm of arms) {
        this.#arms[arm.id] = arm;
        this.#order.push(arm.id);
        this.#reference[setting.key] ??= arm.id;
      }
    }
  }

  #addCeilings(setting: Setting, deviceCeiling: boolean): void {
    const limits: Partial<Record<State, string>> = {};
    this.#ceilings[setting.key] = limits;
    // Of programs it is not known what they read.
    if (this.#request.ceilings === false || !hasCeilings(setting) || this.#request.loaders.length === 0) return;
    const put = (loader: 'device' | 'home' | 'memory'): string => {
      const arm = ceilingArm(loader, setting, this.#request);
      this.#arms[arm.id] = arm;
      return arm.id;
    };
    for (const state of this.#request.states) {
      const loader = state === 'warm' ? 'memory' : 'device';
      if (loader === 'memory' || deviceCeiling) limits[state] = put(loader);
    }
    if (limits.cold !== undefined) this.#homes[setting.key] = put('home');
  }

  planned(): Planned {
    const request = this.#request;
    const largest = Math.max(...Object.values(this.#models).map((model) => model.bytes));
    // Processes share the CPUs and the device: each may take as many times as long.
    const most = Math.max(...this.#settings.map(({ processes }) => processes));
    return {
      plan: {
        models: Object.keys(this.#models),
        settings: this.#settings,
        arms: this.#order,
        reference: this.#reference,
        ceilings: this.#ceilings,
        homes: this.#homes,
        states: request.states,
        memoryStates: request.memoryStates,
        loads: request.loads ?? 1,
        rounds: request.rounds,
        memoryRounds: request.memoryRounds,
        trace: request.trace ?? false,
        seed: request.seed,
        timeoutNs: Math.round((request.timeoutSeconds ?? most * (120 + largest / 20e6)) * 1e9),
        timeBudgetNs: request.timeBudgetSeconds === null ? null : Math.round(request.timeBudgetSeconds * 1e9),
        precision: request.precision ?? null,
        waitQuietNs: Math.round((request.waitQuietSeconds ?? 0) * 1e9) || null,
        ...(request.order === undefined ? {} : { order: request.order }),
        loadersNamed: request.loadersNamed,
      },
      arms: this.#arms,
      models: this.#models,
      shapes: this.#shapes,
      bytesNeeded: this.#bytesNeeded,
    };
  }
}

type Subject =
  | { readonly kind: 'loader'; readonly definition: ChosenLoader }
  | { readonly kind: 'command'; readonly definition: ChosenCommand };

const loaderSubject = (definition: ChosenLoader): Subject => ({ kind: 'loader', definition });
const commandSubject = (definition: ChosenCommand): Subject => ({ kind: 'command', definition });

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
    tensorBytes: kernel?.tensorBytes ?? info.tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    headerBytes: info.parts.reduce((sum, part) => sum + part.dataOffset, 0),
    headerDigest: info.headerDigest,
    name: typeof name === 'string' ? name : null,
    fileSystem,
    device,
  };
}

/** Of a model that is inferred. */
function kernelOf({ info, kernel }: PlannedModel): KernelPlan {
  if (kernel === null) throw new UsageError(`${info.parts[0]?.path ?? ''}: the kernel does not run this model`);
  return kernel;
}

function contextFor(asked: number | null, request: PlanRequest, model: PlannedModel): number {
  if (request.work === 'touch') return 0;
  const needed = Math.max(1, request.prompt + request.generate);
  const trained = kernelOf(model).shape.contextTrained;
  const context = asked ?? Math.max(needed, Math.min(DEFAULT_CONTEXT, trained));
  if (context < needed) {
    throw new UsageError(
      `--context ${context} is too short for --prompt ${request.prompt} and --generate ${request.generate}; they need ${needed}`,
    );
  }
  if (context > trained) {
    throw new UsageError(
      `${model.info.parts[0]?.path ?? 'the model'}: trained for a context of ${trained}, ${context} is asked; lower --context, --prompt or --generate`,
    );
  }
  return context;
}

/** The one named; else the usual one, the first that loads, the first of all. */
function chooseReference({ loaders, commands = [], reference }: PlanRequest): ChosenLoader | ChosenCommand {
  const comparable = loaders.filter(({ mechanism }) => roleOf(mechanism) === 'loader');
  if (reference !== null) {
    // A program has no first token that loaders could be compared with.
    const all = [...comparable, ...(loaders.length === 0 ? commands : [])];
    const named = all.find(({ name }) => name === reference);
    if (named === undefined) {
      const names = all.map(({ name }) => name);
      throw new UsageError(
        `--reference ${reference} is not among the loaders of this run (the null loader cannot be it, nor a command beside loaders)${suggestion(reference, names)}`,
      );
    }
    return named;
  }
  const usual = comparable.find(({ name }) => name === PREFERRED_REFERENCE);
  const chosen = usual ?? comparable[0] ?? commands[0] ?? loaders[0];
  if (chosen === undefined) throw new UsageError('no loader is named; weighbridge loaders lists them');
  return chosen;
}
