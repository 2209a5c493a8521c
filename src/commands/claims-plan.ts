/** What `claims` weighs: parts, each with the cells that its claims need and no others, and why. */
import { fileURLToPath } from 'node:url';
import { findLoaders } from '../catalog.js';
import type { RunRequest } from '../run-request.js';
import type { ChosenCommand } from '../plan/arms.js';
import type { MemoryState, State } from '../samples/record.js';
import { LEAST_FOR_MEDIANS } from '../statistics/claims-bounds.js';
import { COPIES, MAP, SHELL } from '../statistics/claims-time.js';
import type { ClaimPart } from '../statistics/claims-types.js';
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';

export interface PartPlan {
  readonly name: ClaimPart;
  readonly why: string;
  readonly loaders: readonly string[];
  readonly commands: readonly ChosenCommand[];
  /** By label: why an arm was left out. */
  readonly leftOut: Readonly<Record<string, string>>;
  readonly states: readonly State[];
  readonly memoryState: MemoryState;
  readonly loads: number;
  readonly rounds: number;
  /** Rounds from which on what decides its claims has an interval. */
  readonly needed: number;
  readonly memoryRounds: number;
  readonly processes: readonly number[];
  /** Weighed in full whatever time there is: its claim rests on it, and it takes little. */
  readonly isWhole: boolean;
  /** No verdict rests on it: weighed where the others leave time. */
  readonly isExtra: boolean;
  /** Of what is left of the time, against the parts that follow. */
  readonly weight: number;
}

/**
 * The least that an interval takes is spoiled by one odd sample; of 10 values the lowest and the highest do not count. What
 * hardly varies, or waits long for each sample, has no more than the least, and the shell, where each value is a whole
 * program's, one more.
 */
export const ROUNDS = 10;
const MEMORY_ROUNDS = LEAST_FOR_INTERVAL;
const SHELL_ROUNDS = LEAST_FOR_INTERVAL + 1;

/**
 * In the order in which they run: what is least likely to fit into the time comes last. Weights are about the seconds of
 * the rounds that are needed where memory is slow to touch (18 µs a page of 4 KiB: a virtual machine whose host keeps
 * shadow page tables), of a model of 0.6 GB: there the time is short.
 */
export function partPlans(rounds: number): readonly PartPlan[] {
  const memoryRounds = Math.min(rounds, MEMORY_ROUNDS);
  const usual: Omit<PartPlan, 'name' | 'why' | 'loaders' | 'weight'> = {
    ...{ loads: 1, rounds, needed: LEAST_FOR_MEDIANS, memoryRounds: 0, processes: [1], isWhole: false, isExtra: false },
    states: ['warm'],
    memoryState: 'backed',
    commands: [],
    leftOut: {},
  };
  return [
    {
      ...usual,
      name: 'warm',
      why: 'what loading and the first token take when the file is in the page cache: a copy, a map',
      loaders: [MAP, ...COPIES],
      weight: 108,
    },
    {
      ...usual,
      name: 'cold',
      why: 'the first load, and the one that follows it at once',
      loaders: [MAP, 'stdio'],
      states: ['cold'],
      loads: 2,
      weight: 120,
    },
    {
      ...usual,
      name: 'memory',
      why: 'what holding the model costs; its times are not used',
      loaders: [MAP, ...COPIES, 'direct'],
      states: ['cold'],
      memoryState: 'as-is',
      ...{ rounds: 1, needed: 1, isWhole: true },
      memoryRounds,
      weight: 85,
    },
    {
      ...usual,
      name: 'processes',
      why: 'what each further process costs of a map; its times are not used',
      loaders: [MAP, 'mmap-private'],
      memoryState: 'as-is',
      ...{ rounds: 1, needed: 1, isWhole: true },
      memoryRounds,
      processes: [1, 4],
      weight: 30,
    },
    {
      ...usual,
      name: 'harm',
      why: 'what a load leaves of another program’s cached file, and of its own, under one limit',
      loaders: [MAP, 'stdio'],
      states: ['cold'],
      loads: 2,
      weight: 150,
    },
    {
      ...usual,
      name: 'shell',
      why: 'what a user of a shell waits for: from exec to the first byte of a program of its own',
      loaders: [],
      commands: shellCommands(),
      rounds: Math.min(rounds, SHELL_ROUNDS),
      needed: LEAST_FOR_INTERVAL,
      weight: 90,
    },
    {
      ...usual,
      name: 'returned',
      why: 'the same as warm, with free memory that the host has taken back; each sample waits for it',
      loaders: [MAP, COPIES[0]],
      memoryState: 'returned',
      rounds: memoryRounds,
      ...{ needed: 1, isExtra: true },
      weight: 30,
    },
    {
      ...usual,
      name: 'copies',
      why: 'what each further process costs where it has a copy of its own; its times are not used',
      loaders: ['stdio', 'mmap-private-dirtied'],
      memoryState: 'as-is',
      ...{ rounds: 1, needed: 1, isExtra: true },
      memoryRounds,
      // Each writes all of the model, page by page: that is the slowest of all where touching is slow.
      processes: [1, 2],
      weight: 80,
    },
  ];
}

const cli = fileURLToPath(new URL('../cli.js', import.meta.url));

/** This program's own, and what of it is the start of the runtime. */
function shellCommands(): readonly ChosenCommand[] {
  const command = (name: string, output: 'first-byte' | 'discard', ...args: readonly string[]): ChosenCommand => ({
    name,
    command: { argv: [process.execPath, ...args], output, pattern: null },
  });
  // Without a prompt the first byte is of the first token that was chosen.
  const generate = (name: string, loader: string): ChosenCommand =>
    command(name, 'first-byte', cli, 'generate', '{model}', '-n', '4', '--loader', loader);
  return [
    generate(SHELL.mapped, MAP),
    generate(SHELL.copied, 'stdio'),
    command(SHELL.start, 'first-byte', cli, 'generate', '--help'),
    command(SHELL.runtime, 'discard', '-e', '0'),
  ];
}

export interface Common {
  readonly model: string;
  readonly threads: readonly number[];
  readonly seed: number;
  readonly timeoutSeconds: number | null;
}

export async function requestOf(
  plan: PartPlan,
  { model, threads, seed, timeoutSeconds }: Common,
  timeBudgetSeconds: number | null,
): Promise<RunRequest> {
  const { loaders, commands, states, memoryState, loads, rounds, memoryRounds, processes } = plan;
  return {
    modelPaths: [model],
    loaders: loaders.length === 0 ? [] : await findLoaders(loaders.join(',')),
    commands,
    loadersNamed: false,
    reference: loaders.includes(MAP) ? MAP : (loaders[0] ?? null),
    states,
    memoryStates: [memoryState],
    // Several processes share the CPUs.
    threads: processes.length > 1 ? [1] : threads,
    processes,
    loads,
    rounds,
    memoryRounds,
    ceilings: false,
    isa: 'auto',
    prompt: 0,
    generate: 1,
    seed,
    trace: false,
    timeoutSeconds,
    timeBudgetSeconds,
    // Held over all parts, and what stands between them.
    lockWaitSeconds: null,
    command: ['weighbridge', ...process.argv.slice(2)],
  };
}
