/**
 * Blocks: the reference arm, at most three other arms (of several commands the first among them) and the ceiling arm (cold: and the home ceiling), close together in
 * time. Machines drift twofold in ten seconds, so pairs are formed only inside a block.
 */
import type { Arm, MemoryState, Pass, Plan, State } from '../samples/record.js';
import { bypassesPageCache } from '../loader.js';
import { usesWeights } from './arms.js';
import { derivedSeed, shuffled } from './order.js';
import { holds } from './parts.js';
import { settingKeyOf, settingsOf } from './settings.js';

const OTHERS_PER_BLOCK = 3;

export interface Cell {
  readonly arm: string;
  readonly state: State;
  readonly memoryState: MemoryState;
  /** 1 where the state is prepared. */
  readonly load: number;
}

export interface Block {
  readonly round: number;
  /** Within its round and pass. */
  readonly index: number;
  readonly pass: Pass;
  /** Arm id of the reference. */
  readonly reference: string;
  /** Arm id of the first command, where the block holds others that are compared with it. */
  readonly firstCommand: string | null;
  /** In the order in which they run. */
  readonly cells: readonly Cell[];
}

/** The canonical name of a cell. */
export function cellKey({ arm, state, memoryState, load }: Cell): string {
  return `${arm} ${state} ${memoryState}${load === 1 ? '' : ` ${load}`}`;
}

/** Arm ids of the physical limits of a setting in a state: the ceiling, then in the cold state home. Earlier plans have no homes. */
export function ceilingsOf({ ceilings, homes }: Plan, setting: string, state: State): readonly string[] {
  return [ceilings[setting]?.[state], state === 'cold' ? homes?.[setting] : undefined].filter((id) => id !== undefined);
}

/** The state whose loads are followed by others: what is left is asked of the one that leaves the most to pay. */
export function chainedState({ states }: Plan): State | null {
  return states.includes('cold') ? 'cold' : (states[0] ?? null);
}

/** Loads of a cell, the one that meets the state included. Only of arms that load, and of times alone. */
export function loadsOf(plan: Plan, arm: Arm | undefined, state: State, pass: Pass): number {
  const loads = arm !== undefined && (usesWeights(arm) || arm.work === 'command');
  return pass === 'time' && loads && state === chainedState(plan) ? (plan.loads ?? 1) : 1;
}

/** The loads of a cell that follow the first, each a cell of its own. */
export function laterLoads(plan: Plan, arm: Arm | undefined, cell: Cell, pass: Pass): readonly Cell[] {
  const loads = loadsOf(plan, arm, cell.state, pass);
  return Array.from({ length: loads - 1 }, (_, index) => ({ ...cell, state: 'left' as const, load: index + 2 }));
}

/** Every cell of the plan, of a shard its own; ceilings included. */
export function cellsOf(plan: Plan, arms: Readonly<Record<string, Arm>>): Cell[] {
  const cells: Cell[] = [];
  for (const { key } of settingsOf(plan, arms)) {
    const own = plan.arms.filter((id) => isOf(arms[id], key));
    for (const memoryState of plan.memoryStates) {
      for (const state of plan.states.filter((each) => holds(plan, key, each, memoryState))) {
        for (const arm of [...own, ...ceilingsOf(plan, key, state)]) {
          const cell: Cell = { arm, state, memoryState, load: 1 };
          cells.push(cell, ...laterLoads(plan, arms[arm], cell, 'time'));
        }
      }
    }
  }
  return cells;
}

function isOf(arm: Arm | undefined, setting: string): boolean {
  return arm !== undefined && settingKeyOf(arm) === setting;
}

/** Samples that the blocks ask for, a process each, retries left out. */
export function samplesOf(plan: Plan, arms: Readonly<Record<string, Arm>>): number {
  return allBlocks(plan, arms)
    .flatMap(({ cells, pass }) => cells.map(({ arm, state }) => ({ arm: arms[arm], state, pass })))
    .reduce((sum, { arm, state, pass }) => sum + (arm?.processes ?? 1) * loadsOf(plan, arm, state, pass), 0);
}

/**
 * The blocks of one round: every cell once (the reference, and among commands the first of them, once a block), in seeded order. The memory pass has no ratios,
 * so its blocks hold each arm once and no ceiling. So does the trace pass, of single processes that use the weights. Cells that no state of the
 * page cache makes possible would only thin out the blocks of the others: they have one block, without partners, in the
 * first round, which records why. Of a shard only its own blocks, in the order and with the numbers of the whole plan.
 */
export function blocksOfRound(plan: Plan, arms: Readonly<Record<string, Arm>>, round: number, pass: Pass): Block[] {
  const salt = { time: 1, memory: 2, trace: 3 }[pass];
  const takesPart = (id: string): boolean => {
    const arm = arms[id];
    return pass !== 'trace' || (arm !== undefined && usesWeights(arm) && arm.processes === 1);
  };
  const groups: Omit<Block, 'index'>[] = [];
  let number = 0;
  for (const { key } of settingsOf(plan, arms)) {
    const reference = plan.reference[key];
    if (reference === undefined) continue;
    const others = plan.arms.filter((id) => isOf(arms[id], key) && id !== reference && takesPart(id));
    for (const memoryState of plan.memoryStates) {
      for (const state of plan.states) {
        number += 1;
        const impossible = others.filter((id) => neverRuns(arms[id], state));
        if (pass === 'time' && round === 1 && impossible.length > 0) {
          const cells = impossible.map((arm): Cell => ({ arm, state, memoryState, load: 1 }));
          groups.push({ round, pass, reference, firstCommand: null, cells });
        }
        const possible = others.filter((id) => !impossible.includes(id));
        const order = shuffled(possible, derivedSeed(plan.seed, salt, round, number));
        const ceilings = pass === 'time' ? ceilingsOf(plan, key, state) : [];
        // A reference that is a command is in every block anyway.
        const first = isCommand(arms[reference]) ? undefined : possible.find((id) => isCommand(arms[id]));
        const parts =
          pass === 'time' ? sharedBlocks(order, first, (id) => isCommand(arms[id])) : inParts(order, OTHERS_PER_BLOCK);
        for (const [at, part] of parts.entries()) {
          const members = [...part];
          if ((pass === 'time' || at === 0) && takesPart(reference)) members.push(reference);
          members.push(...ceilings);
          if (members.length === 0) continue;
          const cells = inOrder(plan, members, [salt, round, number, at * OTHERS_PER_BLOCK + 1]).map((arm): Cell => ({
            arm,
            state,
            memoryState,
            load: 1,
          }));
          const compared = part.filter((id) => isCommand(arms[id])).length > 1 ? (first ?? null) : null;
          groups.push({ round, pass, reference, firstCommand: compared, cells });
        }
      }
    }
  }
  const isOwn = ({ reference, cells: [cell] }: Block): boolean => {
    const setting = arms[reference];
    return (
      setting === undefined || cell === undefined || holds(plan, settingKeyOf(setting), cell.state, cell.memoryState)
    );
  };
  return shuffled(groups, derivedSeed(plan.seed, salt, round, 0))
    .map((group, index) => ({ ...group, index }))
    .filter(isOwn);
}

/**
 * Commands are compared with the first of them as loaders are with the reference. Where not all fit into one block, they
 * have blocks of their own, and the first command is in each of these; elsewhere its neighbours would be chance.
 */
function sharedBlocks(
  order: readonly string[],
  first: string | undefined,
  isOfCommand: (id: string) => boolean,
): readonly (readonly string[])[] {
  const compared = order.filter((id) => id !== first && isOfCommand(id));
  if (first === undefined || compared.length === 0 || order.length <= OTHERS_PER_BLOCK)
    return inParts(order, OTHERS_PER_BLOCK);
  const others = order.filter((id) => !isOfCommand(id));
  return [
    ...(others.length === 0 ? [] : inParts(others, OTHERS_PER_BLOCK)),
    ...inParts(compared, OTHERS_PER_BLOCK - 1).map((part) => [first, ...part]),
  ];
}

/** At least one, which may be empty. */
function inParts(ids: readonly string[], size: number): readonly (readonly string[])[] {
  const count = Math.max(1, Math.ceil(ids.length / size));
  return Array.from({ length: count }, (_, index) => ids.slice(index * size, (index + 1) * size));
}

function isCommand(arm: Arm | undefined): boolean {
  return arm?.kind === 'command';
}

/** The members of a block in their turns; `parts` of the seed, of which the second is the round. */
function inOrder(
  { seed, order }: Plan,
  members: readonly string[],
  [salt, round, ...others]: readonly [number, number, ...number[]],
): readonly string[] {
  if (order !== 'counterbalanced') return shuffled(members, derivedSeed(seed, salt, round, ...others));
  const first = shuffled(members, derivedSeed(seed, salt, Math.ceil(round / 2), ...others));
  return round % 2 === 1 ? first : first.reverse();
}

/** Known from the plan alone; the sample says it again, with the reason. */
function neverRuns(arm: Arm | undefined, state: State): boolean {
  return state === 'warm' && arm !== undefined && bypassesPageCache(arm.mechanism, arm.options);
}

/** All blocks of a run in their order: memory and trace pass follow the first round, so that a short run has all. */
export function allBlocks(plan: Plan, arms: Readonly<Record<string, Arm>>): Block[] {
  const blocks: Block[] = [];
  for (let round = 1; round <= plan.rounds; round++) {
    blocks.push(...blocksOfRound(plan, arms, round, 'time'));
    if (round === 1) {
      for (let memory = 1; memory <= plan.memoryRounds; memory++) {
        blocks.push(...blocksOfRound(plan, arms, memory, 'memory'));
      }
      if (plan.trace === true) blocks.push(...blocksOfRound(plan, arms, 1, 'trace'));
    }
  }
  return blocks;
}
