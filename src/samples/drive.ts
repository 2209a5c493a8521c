/**
 * Runs the blocks of a plan. tinybench drives: each cell is a Task that is reset and run once in its turn; `beforeEach`
 * prepares and certifies the states, and the child's own time comes back as the duration. The ledger is the truth.
 */
import { Bench, type Task } from 'tinybench';
import { allBlocks, cellKey, cellsOf, laterLoads, type Block, type Cell } from '../plan/blocks.js';
import { settingKeyOf } from '../plan/settings.js';
import { blockKey, goesOn, groupByBlock, isComplete, RETRIES, type Done } from './completion.js';
import { discard, prepare, type Attempt, type Prepared, type WeighingContext } from './prepare.js';
import { Pace } from './pace.js';
import type { Arm, EndRecord, Group, Pass, Plan, Sample } from './record.js';
import { stopsBefore, type Enough } from './stopping.js';
import { finish, unitOf, type Weighed } from './weigh.js';

export interface Progress {
  readonly blocksDone: number;
  readonly blocks: number;
  readonly pass: Pass;
  /** Of the pass. */
  readonly round: number;
  readonly rounds: number;
  /** Whether `rounds` is the most there may be. */
  readonly atMost: boolean;
  readonly elapsedMs: number;
  /** Of what remains; null before there is anything to go by. */
  readonly remainingMs: number | null;
}

export interface DriveOptions {
  readonly context: WeighingContext;
  /** What an interrupted run has already. */
  readonly done: Done;
  /** performance.now() at which the time budget began to run. */
  readonly startedAt: number;
  /** Puts a sample, or a group behind its samples, on disk before the next begins. */
  readonly append: (record: Sample | Group) => void;
  /** Decides after each complete round whether it is the last; null to weigh all. */
  readonly enough: Enough | null;
  /** What has stopped the run where `enough` did. */
  readonly stoppedBy: 'precision' | 'decided';
  /** Runs before each block; it shall take no longer than the milliseconds that the time budget leaves. */
  readonly beforeBlock: (block: Block, leftMs: number) => Promise<void>;
  readonly onStart: (cell: Cell, progress: Progress) => void;
  /** Of several processes told once, of their group. */
  readonly onSample: (sample: Sample | Group, progress: Progress) => void;
}

export async function drive(options: DriveOptions): Promise<EndRecord['stopped']> {
  const { context } = options;
  const { plan, arms, signal } = context;
  const blocks = allBlocks(plan, arms);
  const runner = new CellRunner(context);
  const earlier = groupByBlock(options.done);
  const pace = new Pace(blocks.filter((block) => !isComplete(context, block, earlier.get(blockKey(block)) ?? [])));
  const total = blocks.length;
  const budgetMs = plan.timeBudgetNs === null ? Infinity : plan.timeBudgetNs / 1e6;
  const weighedSoFar = { samples: [...options.done.samples], groups: [...options.done.groups] };
  const stops = stopsBefore(options.enough, () => weighedSoFar);
  const ended = new Set<Pass>();
  let ran = false;

  const progress = ({ pass, round }: Block): Progress => {
    const elapsedMs = performance.now() - options.startedAt;
    const needed = pace.remainingMs();
    const remainingMs = needed === null ? null : Math.min(needed, Math.max(0, budgetMs - elapsedMs));
    const blocksDone = total - pace.pending;
    const rounds = pass === 'time' ? plan.rounds : pass === 'memory' ? plan.memoryRounds : 1;
    const atMost = options.enough !== null;
    return { blocksDone, blocks: total, pass, round, rounds, atMost, elapsedMs, remainingMs };
  };
  // No block begins that would probably end after the budget. The first round of the time and of the memory pass always
  // runs: without them there is no answer.
  const overBudget = (block: Block): boolean =>
    (block.pass === 'trace' || block.round > 1) &&
    performance.now() - options.startedAt + (pace.meanMs(block) ?? 0) > budgetMs;
  const weighOne = async (attempt: Attempt): Promise<Sample | Group> => {
    options.onStart(attempt.cell, progress(attempt.block));
    const weighed = await runner.run(attempt);
    for (const sample of weighed.samples) {
      options.append(sample);
      weighedSoFar.samples.push(sample);
    }
    if (weighed.group !== null) {
      options.append(weighed.group);
      weighedSoFar.groups.push(weighed.group);
    }
    const unit = unitOf(weighed);
    if (unit.outcome !== 'unsupported') ran = true;
    options.onSample(unit, progress(attempt.block));
    return unit;
  };
  // Later loads follow at once, as long as each leaves something that the next can meet. One that is invalid takes the
  // whole chain with it: what it left is not what a load leaves.
  const weigh = async (attempt: Attempt): Promise<boolean> => {
    const chain = [attempt.cell, ...laterLoads(plan, arms[attempt.cell.arm], attempt.cell, attempt.block.pass)];
    for (const cell of chain) {
      const { outcome } = await weighOne({ ...attempt, cell });
      if (!goesOn(outcome)) return outcome !== 'invalid';
    }
    return true;
  };

  try {
    for (const block of blocks) {
      if (stops(block)) return options.stoppedBy;
      const had = earlier.get(blockKey(block)) ?? [];
      if (isComplete(context, block, had)) continue;
      if (!ended.has(block.pass) && !overBudget(block)) {
        await options.beforeBlock(block, Math.max(0, budgetMs - (performance.now() - options.startedAt)));
      }
      // Waiting takes of the time as well. A pass of which one block is left out ends there: cheap ones that went on
      // alone would have nothing to be set beside.
      if (ended.has(block.pass) || overBudget(block)) {
        if (block.pass === 'time') return 'time-budget';
        ended.add(block.pass);
        pace.skipped(block);
        continue;
      }
      const attempt = Math.max(0, ...had.map((sample) => sample.attempt)) + 1;
      const ceiling = block.cells.find((cell) => isCeiling(plan, arms[cell.arm], cell))?.arm;
      const beganAt = performance.now();
      ran = false;
      await runBlock(block, attempt, ceiling, weigh);
      pace.took(block, performance.now() - beganAt, ran);
    }
    return ended.size > 0 ? 'time-budget' : 'complete';
  } catch (error) {
    if (signal.aborted) return 'interrupted';
    throw error;
  }
}

function isCeiling(plan: Plan, arm: Arm | undefined, { state }: Cell): boolean {
  return arm !== undefined && arm.id === plan.ceilings[settingKeyOf(arm)]?.[state];
}

/**
 * An arm whose sample is invalid runs again at once beside new samples of its partners (the reference, the first command
 * and the ceiling), in the block's own order and under a new attempt number, until all of them are valid: pairs are formed
 * within one attempt. When a partner itself is invalid in the block's own turn, the whole block begins again.
 */
async function runBlock(
  block: Block,
  firstAttempt: number,
  ceiling: string | undefined,
  /** Whether it is valid. */
  weigh: (attempt: Attempt) => Promise<boolean>,
): Promise<void> {
  let attempt = firstAttempt;
  let position = 0;
  const paired = block.pass === 'time';
  const isPartner = (cell: Cell): boolean =>
    paired && [block.reference, block.firstCommand, ceiling].includes(cell.arm);
  const one = (cell: Cell, number: number): Promise<boolean> =>
    weigh({ block, cell, position: position++, attempt: number });

  restart: for (let restarts = 0; ; restarts++) {
    const main = attempt;
    for (const cell of block.cells) {
      let valid = await one(cell, main);
      if (!valid && isPartner(cell)) {
        if (restarts >= RETRIES) continue;
        attempt += 1;
        continue restart;
      }
      for (let retry = 0; !valid && retry < RETRIES; retry++) {
        attempt += 1;
        valid = true;
        for (const member of block.cells) {
          if (member === cell || isPartner(member)) valid = (await one(member, attempt)) && valid;
        }
      }
    }
    return;
  }
}

/** One tinybench Task a cell. */
class CellRunner {
  readonly #context: WeighingContext;
  readonly #tasks = new Map<string, Task>();
  #attempt: Attempt | null = null;
  #prepared: Prepared | null = null;
  #result: Weighed | Error | null = null;

  constructor(context: WeighingContext) {
    this.#context = context;
    const bench = new Bench({ iterations: 1, time: 0, warmup: false, retainSamples: true, signal: context.signal });
    for (const cell of cellsOf(context.plan, context.arms)) {
      const key = cellKey(cell);
      bench.add(key, () => this.#weigh(), { async: true, beforeEach: () => this.#prepare() });
      const task = bench.getTask(key);
      if (task !== undefined) this.#tasks.set(key, task);
    }
  }

  /** Throws what preparing or weighing threw; an AbortError when the run is interrupted. */
  async run(attempt: Attempt): Promise<Weighed> {
    const task = this.#tasks.get(cellKey(attempt.cell));
    if (task === undefined) throw new Error(`no cell ${cellKey(attempt.cell)} in the plan`);
    this.#attempt = attempt;
    this.#prepared = null;
    this.#result = null;
    task.reset(false);
    await task.run();
    // An aborted task does not take its turn.
    const waiting = this.#unused();
    if (waiting !== null) await discard(waiting);
    this.#context.signal.throwIfAborted();
    const result = this.#taken();
    if (result instanceof Error) throw result;
    if (result === null) throw new Error(`tinybench did not run ${cellKey(attempt.cell)}`);
    return result;
  }

  /** What the task's turn gave; a method, since the compiler does not see the turn write it. */
  #taken(): Weighed | Error | null {
    return this.#result;
  }

  /** What was prepared and did not run. */
  #unused(): Prepared | null {
    return this.#prepared;
  }

  async #prepare(): Promise<void> {
    try {
      if (this.#attempt !== null) this.#prepared = await prepare(this.#context, this.#attempt);
    } catch (error) {
      this.#result = error instanceof Error ? error : new Error(String(error));
    }
  }

  /** The duration is the child's own; a sample without one is an error of this task's turn, never the timer's value. */
  async #weigh(): Promise<{ overriddenDuration: number }> {
    if (this.#attempt === null || this.#prepared === null) throw new Error('the sample was not prepared');
    let unit: Sample | Group;
    const prepared = this.#prepared;
    this.#prepared = null;
    try {
      const weighed = await finish(this.#context, this.#attempt, prepared);
      this.#result = weighed;
      unit = unitOf(weighed);
    } catch (error) {
      this.#result = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
    const milliseconds = durationMs(unit);
    if (milliseconds === null) throw new Error(unit.reason?.message ?? 'the sample has no duration');
    return { overriddenDuration: milliseconds };
  }
}

/**
 * What a cell is ranked by: time to first token, a ceiling's time for all bytes, a program's from its start to its end. Null
 * unless the sample is ok.
 */
export function durationMs(unit: Sample | Group): number | null {
  if (unit.outcome !== 'ok') return null;
  const program = unit.kind === 'sample' ? unit.command?.wallNs : undefined;
  const ns = unit.ttftNs ?? unit.completeNs ?? program ?? null;
  return ns !== null && Number.isFinite(ns) && ns >= 0 ? ns / 1e6 : null;
}
