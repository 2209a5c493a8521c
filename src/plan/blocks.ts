/**
 * Blocks: the reference arm, at most three other arms and the ceiling arm, close together in time. Machines drift twofold
 * in ten seconds, so pairs are formed only inside a block.
 */
import type { Arm, MemoryState, Pass, Plan, State } from '../samples/record.js';
import { derivedSeed, shuffled } from './order.js';

const OTHERS_PER_BLOCK = 3;

export interface Cell {
  readonly arm: string;
  readonly state: State;
  readonly memoryState: MemoryState;
}

export interface Block {
  readonly round: number;
  /** Within its round and pass. */
  readonly index: number;
  readonly pass: Pass;
  /** Arm id of the reference. */
  readonly reference: string;
  /** In the order in which they run. */
  readonly cells: readonly Cell[];
}

/** The canonical name of a cell. */
export function cellKey(cell: Cell): string {
  return `${cell.arm} ${cell.state} ${cell.memoryState}`;
}

/** Every cell of the plan, ceilings included. */
export function cellsOf(plan: Plan, arms: Readonly<Record<string, Arm>>): Cell[] {
  const cells: Cell[] = [];
  for (const model of plan.models) {
    for (const memoryState of plan.memoryStates) {
      for (const state of plan.states) {
        const ceiling = plan.ceilings[model]?.[state];
        for (const arm of plan.arms) {
          if (arms[arm]?.model === model) cells.push({ arm, state, memoryState });
        }
        if (ceiling !== undefined) cells.push({ arm: ceiling, state, memoryState });
      }
    }
  }
  return cells;
}

/**
 * The blocks of one round: every cell once (the reference once a block), in seeded order. The memory pass has no ratios,
 * so its blocks hold each arm once and no ceiling.
 */
export function blocksOfRound(plan: Plan, arms: Readonly<Record<string, Arm>>, round: number, pass: Pass): Block[] {
  const salt = pass === 'time' ? 1 : 2;
  const groups: Omit<Block, 'index'>[] = [];
  let number = 0;
  for (const model of plan.models) {
    const reference = plan.reference[model];
    if (reference === undefined) continue;
    const others = plan.arms.filter((id) => arms[id]?.model === model && id !== reference);
    for (const memoryState of plan.memoryStates) {
      for (const state of plan.states) {
        number += 1;
        const order = shuffled(others, derivedSeed(plan.seed, salt, round, number));
        const ceiling = pass === 'time' ? plan.ceilings[model]?.[state] : undefined;
        for (let at = 0; at === 0 || at < order.length; at += OTHERS_PER_BLOCK) {
          const members = order.slice(at, at + OTHERS_PER_BLOCK);
          if (pass === 'time' || at === 0) members.push(reference);
          if (ceiling !== undefined) members.push(ceiling);
          const cells = shuffled(members, derivedSeed(plan.seed, salt, round, number, at + 1)).map((arm): Cell => ({
            arm,
            state,
            memoryState,
          }));
          groups.push({ round, pass, reference, cells });
        }
      }
    }
  }
  return shuffled(groups, derivedSeed(plan.seed, salt, round, 0)).map((group, index) => ({ ...group, index }));
}

/** All blocks of a run in their order: the memory pass follows the first round, so that a short run has both. */
export function allBlocks(plan: Plan, arms: Readonly<Record<string, Arm>>): Block[] {
  const blocks: Block[] = [];
  for (let round = 1; round <= plan.rounds; round++) {
    blocks.push(...blocksOfRound(plan, arms, round, 'time'));
    if (round === 1) {
      for (let memory = 1; memory <= plan.memoryRounds; memory++) {
        blocks.push(...blocksOfRound(plan, arms, memory, 'memory'));
      }
    }
  }
  return blocks;
}
