/**
 * A plan split over several machines. The split follows from the plan and from how many shards there are alone, so that
 * every shard finds its own part without the others; nothing of the machine enters it.
 */
import { createHash } from 'node:crypto';
import type { Arm, ModelRecord, Plan, PlanPart, Setting } from '../samples/record.js';
import { allBlocks, cellsOf, loadsOf, type Block } from './blocks.js';
import { partKey, partsOf } from './parts.js';
import { hasCeilings, settingKeyOf, settingsOf } from './settings.js';

/** `number` counts from 1. */
export interface ShardNumber {
  readonly number: number;
  readonly of: number;
}

interface WholePlan {
  readonly plan: Plan;
  readonly arms: Readonly<Record<string, Arm>>;
  readonly models: Readonly<Record<string, ModelRecord>>;
}

/** What of a plan the machine chose, since nobody asked for it: it is left out of the plan's digest. */
export interface ChosenByMachine {
  readonly threads: boolean;
  readonly isa: boolean;
}

/** The plan with what one shard weighs of it. */
export function shardedPlan(whole: WholePlan, { number, of }: ShardNumber, chosen: ChosenByMachine): Plan {
  const parts = splitParts(whole, of)[number - 1];
  if (parts === undefined) throw new RangeError(`there is no shard ${number} of ${of}`);
  return { ...whole.plan, shard: { numbers: [number], of, digest: planDigest(whole, chosen), parts } };
}

/**
 * The parts of each of `of` shards, in plan order. The heaviest part goes first, to the shard that has the least: samples
 * times the bytes of their model. With more shards than parts some have none.
 */
export function splitParts(whole: WholePlan, of: number): readonly (readonly PlanPart[])[] {
  const parts = partsOf(whole.plan, whole.arms);
  const weights = weightsOf(whole);
  const weightOf = (part: PlanPart): number => weights.get(partKey(part)) ?? 0;
  const shards = Array.from({ length: of }, () => ({ weight: 0, keys: new Set<string>() }));
  for (const part of parts.toSorted((a, b) => weightOf(b) - weightOf(a))) {
    const lightest = shards.reduce((least, shard) => (shard.weight < least.weight ? shard : least));
    lightest.weight += weightOf(part);
    lightest.keys.add(partKey(part));
  }
  return shards.map(({ keys }) => parts.filter((part) => keys.has(partKey(part))));
}

function weightsOf({ plan, arms, models }: WholePlan): ReadonlyMap<string, number> {
  // Whether a machine has ceilings is its own affair: those that blocks usually have are counted.
  const bare: Plan = { ...plan, shard: null, ceilings: {}, homes: {} };
  const settings = new Map(settingsOf(plan, arms).map((setting) => [setting.key, setting]));
  const weights = new Map<string, number>();
  for (const block of allBlocks(bare, arms)) {
    const [cell] = block.cells;
    const setting = settings.get(settingKeyOf(arms[block.reference] ?? { model: '' }));
    if (cell === undefined || setting === undefined) continue;
    const own = block.cells.map(
      ({ arm }) => (arms[arm]?.processes ?? 1) * loadsOf(plan, arms[arm], cell.state, block.pass),
    );
    const samples = own.reduce((sum, count) => sum + count, usualCeilings(block, setting, arms));
    const key = partKey({ setting: setting.key, state: cell.state, memoryState: cell.memoryState });
    weights.set(key, (weights.get(key) ?? 0) + samples * (models[setting.model]?.bytes ?? 0));
  }
  return weights;
}

function usualCeilings({ pass, cells, reference }: Block, setting: Setting, arms: WholePlan['arms']): number {
  const paired = pass === 'time' && cells.some(({ arm }) => arm === reference);
  if (!paired || !hasCeilings(setting) || arms[reference]?.kind === 'command') return 0;
  return cells[0]?.state === 'cold' ? 2 : 1;
}

/** The arms that a ledger of this plan has samples of, and their models: of a shard without parts none. */
export function weighedOf({ plan, arms, models }: WholePlan): Pick<WholePlan, 'arms' | 'models'> {
  const used = new Set(cellsOf(plan, arms).map(({ arm }) => arm));
  const own = Object.entries(arms).filter(([id]) => used.has(id));
  const loaded = new Set(own.map(([, arm]) => arm.model));
  return {
    arms: Object.fromEntries(own),
    models: Object.fromEntries(Object.entries(models).filter(([id]) => loaded.has(id))),
  };
}

/**
 * 16 hex digits, equal where the same was asked for on whatever machine: models by their content, arms without where their
 * files lie, no ceilings, and neither threads nor instruction set where the machine chose them.
 */
export function planDigest({ plan, arms, models }: WholePlan, chosen: ChosenByMachine): string {
  const asked = {
    models: plan.models.map((id) => {
      const { headerDigest, bytes, parts } = models[id] ?? { headerDigest: '', bytes: 0, parts: [] };
      return [id, headerDigest, bytes, parts.map((part) => part.bytes)];
    }),
    settings: settingsOf(plan, arms).map((setting) => ({
      ...setting,
      threads: chosen.threads ? null : setting.threads,
    })),
    arms: plan.arms.map((id) => arms[id]).map((arm) => (arm === undefined ? null : askedOf(arm, chosen))),
    reference: Object.entries(plan.reference).map(([setting, id]) => [setting, arms[id]?.label ?? id]),
    ...{ states: plan.states, memoryStates: plan.memoryStates, loads: plan.loads ?? 1, rounds: plan.rounds },
    ...{ memoryRounds: plan.memoryRounds, trace: plan.trace ?? false, seed: plan.seed, timeoutNs: plan.timeoutNs },
    ...{ order: plan.order ?? 'shuffled', waitQuietNs: plan.waitQuietNs ?? null, loadersNamed: plan.loadersNamed },
  };
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 16);
}

function askedOf(arm: Arm, chosen: ChosenByMachine): readonly unknown[] {
  const { label, loader, mechanism, options, moduleDigest, kind, work, loadThreads, prompt, generate, isa } = arm;
  return [
    ...[settingKeyOf(arm), label, loader, mechanism, options, moduleDigest, kind, work, loadThreads, prompt, generate],
    ...[chosen.isa ? null : isa, arm.command ?? null],
  ];
}

/** A command line with its --shard as a number, whatever engine gave it; with null without it, as all of the plan is run. */
export function commandOfShard(command: readonly string[], shard: ShardNumber | null): readonly string[] {
  const text = shard === null ? null : `${shard.number}/${shard.of}`;
  return command.flatMap((word, at) => {
    if (command[at - 1] === '--shard') return text === null ? [] : [text];
    if (word === '--shard') return text === null ? [] : [word];
    if (word.startsWith('--shard=')) return text === null ? [] : [`--shard=${text}`];
    return [word];
  });
}
