/** Plans that a repository keeps: what `weighbridge.config.ts` (.js, .mjs, .json) holds. `run --plan NAME` weighs one. */
import type { MemoryState, State } from './samples/record.js';

type OneOrMore<T> = T | readonly T[];

/** A program weighed beside the loaders. `{model}` in its arguments stands for the path of the model. */
export type CommandConfig = {
  readonly name: string;
  /** What becomes of standard output; default: discard, first-byte where there is a pattern. */
  readonly output?: 'discard' | 'first-byte';
  /** JavaScript regular expression whose one group is the number of tokens per second in the output. */
  readonly pattern?: string;
} & (
  | { /** Words, of which the first is the program. */ readonly argv: readonly string[]; readonly command?: never }
  | { /** Split into words as a shell would. */ readonly command: string; readonly argv?: never }
);

/** Each key means what the option of `run` of that name means, and stands where the command line has none. */
export interface PlanConfig {
  /** GGUF files. Relative paths, here and of loaders, programs and pressure, start at the configuration file's folder. */
  readonly models?: OneOrMore<string>;
  /** Names, or files of your own. */
  readonly loaders?: OneOrMore<string>;
  readonly reference?: string;
  readonly states?: OneOrMore<Exclude<State, 'left'>>;
  readonly memoryStates?: OneOrMore<MemoryState>;
  readonly loads?: number;
  readonly threads?: OneOrMore<number>;
  readonly loadThreads?: OneOrMore<number>;
  readonly processes?: OneOrMore<number>;
  /** Bytes, or a size or a percentage of the model as the option takes them. */
  readonly memoryLimit?: OneOrMore<number | string>;
  readonly pressure?: OneOrMore<number | string>;
  readonly numa?: OneOrMore<number | string>;
  readonly context?: OneOrMore<number>;
  readonly isa?: string;
  readonly rounds?: number;
  readonly memoryRounds?: number;
  readonly trace?: boolean;
  /** Loading alone is weighed: weights are touched instead of run. Then prompt, generate, context and isa have no use. */
  readonly noInference?: boolean;
  readonly prompt?: number;
  readonly generate?: number;
  readonly seed?: number;
  /** Seconds. */
  readonly timeBudget?: number;
  readonly timeout?: number;
  /** A share, as 0.05 or '5%': then rounds are the most there may be. */
  readonly precision?: number | string;
  /** Longest wait for a quiet machine before each block, seconds. */
  readonly waitQuiet?: number;
  readonly commands?: readonly CommandConfig[];
}

export interface Config {
  /** By name. */
  readonly plans: Readonly<Record<string, PlanConfig>>;
}

/** States a configuration. Returns its argument; it exists for the types. */
export function defineConfig(config: Config): Config {
  return config;
}
