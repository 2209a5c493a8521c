/**
 * Blocks: the reference arm, at most three other arms and the ceiling arm (cold: and the home ceiling), close together in
 * time. Machines drift twofold in ten seconds, so pairs are formed only inside a block.
 */
import type { Arm, MemoryState, Pass, Plan, State } from '../samples/record.js';
import { bypassesPageCache } from '../loader.js';
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

/** Arm ids of the physical limits of a model in a state: the ceiling, then in the cold state home. Earlier plans have no homes. */
export function ceilingsOf({ ceilings, homes }: Plan, model: string, state: State): readonly string[] {
  return [ceilings[model]?.[state], state === 'cold' ? homes?.[model] : undefined].filter((id) => id !== undefined);
}

/** Every cell of the plan, ceilings included. */
export function cellsOf(plan: Plan, arms: Readonly<Record<string, Arm>>): Cell[] {
  const cells: Cell[] = [];
  for (const model of plan.models) {
    for (const memoryState of plan.memoryStates) {
      for (const state of plan.states) {
        for (const arm of plan.arms) {
          if (arms[arm]?.model === model) cells.push({ arm, state, memoryState });
        }
        for (const arm of ceilingsOf(plan, model, state)) cells.push({ arm, state, memoryState });
      }
    }
  }
  return cells;
}

/**
 * The blocks of one round: every cell once (the reference once a block), in seeded order. The memory pass has no ratios,
 * so its blocks hold each arm once and no ceiling. So does the trace pass, of arms that infer. Cells that no state of the
 * page cache makes possible would only thin out the blocks of the others: they have one block, without partners, in the
 * first round, which records why.
 */
export function blocksOfRound(plan: Plan, arms: Readonly<Record<string, Arm>>, round: number, pass: Pass): Block[] {
  const salt = { time: 1, memory: 2, trace: 3 }[pass];
  const takesPart = (id: string): boolean => pass !== 'trace' || arms[id]?.work === 'infer';
  const groups: Omit<Block, 'index'>[] = [];
  let number = 0;
  for (const model of plan.models) {
    const reference = plan.reference[model];
    if (reference === undefined) continue;
    const others = plan.arms.filter((id) => arms[id]?.model === model && id !== reference && takesPart(id));
    for (const memoryState of plan.memoryStates) {
      for (const state of plan.states) {
        number += 1;
        const impossible = others.filter((id) => neverRuns(arms[id], state));
        if (pass === 'time' && round === 1 && impossible.length > 0) {
          const cells = impossible.map((arm): Cell => ({ arm, state, memoryState }));
          groups.push({ round, pass, reference, cells });
        }
        const possible = others.filter((id) => !impossible.includes(id));
        const order = shuffled(possible, derivedSeed(plan.seed, salt, round, number));
        const ceilings = pass === 'time' ? ceilingsOf(plan, model, state) : [];
        for (let at = 0; at === 0 || at < order.length; at += OTHERS_PER_BLOCK) {
          const members = order.slice(at, at + OTHERS_PER_BLOCK);
          if ((pass === 'time' || at === 0) && takesPart(reference)) members.push(reference);
          members.push(...ceilings);
          if (members.length === 0) continue;
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
