/**
 * Parts of a plan that are never compared with each other: a setting in one state of page cache and of free memory. Every
 * pair, every ceiling beside a loader and every later load of a chain lies within one.
 */
import type { Arm, MemoryState, Plan, PlanPart, State } from '../samples/record.js';
import { settingsOf } from './settings.js';

/** All parts of a plan, also of one of whose parts a ledger holds a few; in plan order. */
export function partsOf(plan: Plan, arms: Readonly<Record<string, Arm>>): readonly PlanPart[] {
  return settingsOf(plan, arms).flatMap(({ key }) =>
    plan.memoryStates.flatMap((memoryState) =>
      plan.states.map((state): PlanPart => ({ setting: key, state, memoryState })),
    ),
  );
}

/** Whether the plan's ledger holds the part: all of them unless it is a shard's. `state` is one that was prepared. */
export function holds({ shard = null }: Plan, setting: string, state: State, memoryState: MemoryState): boolean {
  if (shard === null) return true;
  const key = partKey({ setting, state, memoryState });
  return shard.parts.some((part) => partKey(part) === key);
}

/** No key of a setting holds a line break. */
export function partKey({ setting, state, memoryState }: PlanPart): string {
  return `${setting}\n${state} ${memoryState}`;
}
