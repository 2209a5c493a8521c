/** The options of `run` with what a plan of a configuration file states where the command line does not. */
import { findPlan, type FoundPlan } from '../config-file.js';
import { UsageError } from '../failure.js';
import { OF_INFERENCE } from './inference-option.js';

/** By key of a plan, the option's name as the parser gives it. */
const OPTIONS = {
  loaders: 'loader',
  reference: 'reference',
  states: 'state',
  memoryStates: 'memoryState',
  loads: 'loads',
  threads: 'threads',
  loadThreads: 'loadThreads',
  processes: 'processes',
  memoryLimit: 'memoryLimit',
  pressure: 'pressure',
  numa: 'numa',
  context: 'context',
  isa: 'isa',
  rounds: 'rounds',
  memoryRounds: 'memoryRounds',
  prompt: 'prompt',
  generate: 'generate',
  seed: 'seed',
  timeBudget: 'timeBudget',
  timeout: 'timeout',
  precision: 'precision',
  waitQuiet: 'waitQuiet',
} as const satisfies Readonly<Record<keyof FoundPlan['options'], string>>;

type OptionName = (typeof OPTIONS)[keyof typeof OPTIONS];

/** What the command line gave; undefined where it did not. */
export type GivenOptions = Readonly<Record<OptionName, string | undefined>> & {
  readonly models?: readonly string[] | undefined;
  readonly trace: boolean | undefined;
  readonly inference: boolean | undefined;
};

const keys = Object.keys(OPTIONS) as readonly (keyof typeof OPTIONS)[];

/** Of --plan without a name. */
const DEFAULT_PLAN = 'default';

/** The plan of that name, found from the current folder upwards; null where none is asked for. Throws UsageError. */
export async function planNamed(name: string | undefined): Promise<FoundPlan | null> {
  return name === undefined ? null : findPlan(name === '' ? DEFAULT_PLAN : name, process.cwd());
}

export function withPlan<T extends GivenOptions>(args: T, plan: FoundPlan | null): T {
  if (plan === null) return args;
  // What the command line wants no inference for, the plan cannot ask for with it.
  const useless = (name: OptionName): boolean =>
    args.inference === false && OF_INFERENCE.some((option) => option === name);
  const stated = keys
    .filter((key) => !useless(OPTIONS[key]))
    .map((key) => [OPTIONS[key], args[OPTIONS[key]] ?? plan.options[key]?.text] as const);
  const models = (args.models ?? []).length > 0 ? args.models : plan.models;
  const inference = args.inference ?? (plan.noInference === null ? undefined : !plan.noInference);
  return { ...args, ...Object.fromEntries(stated), models, inference, trace: args.trace ?? plan.trace ?? undefined };
}

/** What is out of range is named by the place that stated it: file and key, rather than an option that nobody gave. */
export function namingPlaces<T>(args: GivenOptions, plan: FoundPlan | null, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UsageError) || plan === null) throw error;
    for (const key of keys) {
      const stated = plan.options[key];
      const flag = `--${OPTIONS[key].replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      if (stated === undefined || args[OPTIONS[key]] !== undefined || !error.message.startsWith(`${flag} `)) continue;
      throw new UsageError(`${stated.where}${error.message.slice(flag.length)}`);
    }
    throw error;
  }
}
