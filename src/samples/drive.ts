/**
 * Runs the blocks of a plan. tinybench drives: each cell is a Task that is reset and run once in its turn; `beforeEach`
 * prepares and certifies the states, and the child's own time comes back as the duration. The ledger is the truth.
 */
import { Bench, type Task } from 'tinybench';
import { allBlocks, cellKey, cellsOf, type Block, type Cell } from '../plan/blocks.js';
import type { EndRecord, Pass, Sample } from './record.js';
import { stopsBefore, type Enough } from './stopping.js';
import { finish, prepare, type Attempt, type Prepared, type WeighingContext } from './weigh.js';

/** An invalid sample is retried at once with its partner, this many times at most. */
const RETRIES = 2;

export interface Progress {
  readonly blocksDone: number;
  readonly blocks: number;
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
  /** Samples that an interrupted run has already. */
  readonly done: readonly Sample[];
  /** performance.now() at which the time budget began to run. */
  readonly startedAt: number;
  /** Puts a sample on disk before the next begins. */
  readonly append: (sample: Sample) => void;
  /** Decides after each complete round whether it is the last; null to weigh all. */
  readonly enough: Enough | null;
  /** Runs before each block; it shall take no longer than the milliseconds that the time budget leaves. */
  readonly beforeBlock: (block: Block, leftMs: number) => Promise<void>;
  readonly onStart: (cell: Cell, progress: Progress) => void;
  readonly onSample: (sample: Sample, progress: Progress) => void;
}

/** Whether every block of the plan has its samples, or a round was the last. */
export function isFinished(
  { plan, arms }: Pick<WeighingContext, 'plan' | 'arms'>,
  samples: readonly Sample[],
  enough: Enough | null,
): boolean {
  const earlier = groupByBlock(samples);
  const stops = stopsBefore(enough, () => samples);
  for (const block of allBlocks(plan, arms)) {
    if (stops(block)) return true;
    if (!isComplete(block, earlier.get(blockKey(block)) ?? [])) return false;
  }
  return true;
}

export async function drive(options: DriveOptions): Promise<EndRecord['stopped']> {
  const { context } = options;
  const { plan, arms, signal } = context;
  const blocks = allBlocks(plan, arms);
  const runner = new CellRunner(context);
  const earlier = groupByBlock(options.done);
  const pace = new Pace(blocks.filter((block) => !isComplete(block, earlier.get(blockKey(block)) ?? [])));
  const total = blocks.length;
  const budgetMs = plan.timeBudgetNs === null ? Infinity : plan.timeBudgetNs / 1e6;
  const samples = [...options.done];
  const stops = stopsBefore(options.enough, () => samples);
  let skipped = false;

  const progress = (round: number): Progress => {
    const elapsedMs = performance.now() - options.startedAt;
    const needed = pace.remainingMs();
    const remainingMs = needed === null ? null : Math.min(needed, Math.max(0, budgetMs - elapsedMs));
    const blocksDone = total - pace.pending;
    const atMost = options.enough !== null;
    return { blocksDone, blocks: total, round, rounds: plan.rounds, atMost, elapsedMs, remainingMs };
  };
  // No block begins that would probably end after the budget. The first round and its memory pass always run: without
  // them there is no answer.
  const overBudget = ({ pass, round }: Block): boolean =>
    (pass === 'trace' || (pass === 'time' && round > 1)) &&
    performance.now() - options.startedAt + (pace.meanMs(pass) ?? 0) > budgetMs;
  const weigh = async (attempt: Attempt): Promise<Sample> => {
    options.onStart(attempt.cell, progress(attempt.block.round));
    const sample = await runner.run(attempt);
    options.append(sample);
    samples.push(sample);
    options.onSample(sample, progress(attempt.block.round));
    return sample;
  };

  try {
    for (const block of blocks) {
      if (stops(block)) return 'precision';
      const had = earlier.get(blockKey(block)) ?? [];
      if (isComplete(block, had)) continue;
      if (!overBudget(block)) {
        await options.beforeBlock(block, Math.max(0, budgetMs - (performance.now() - options.startedAt)));
      }
      // Waiting takes of the time as well.
      if (overBudget(block)) {
        if (block.pass === 'time') return 'time-budget';
        skipped = true;
        continue;
      }
      const attempt = Math.max(0, ...had.map((sample) => sample.attempt)) + 1;
      const ceiling = block.cells.find(({ arm, state }) => arm === plan.ceilings[arms[arm]?.model ?? '']?.[state])?.arm;
      const beganAt = performance.now();
      await runBlock(block, attempt, ceiling, weigh);
      pace.took(block.pass, performance.now() - beganAt);
    }
    return skipped ? 'time-budget' : 'complete';
  } catch (error) {
    if (signal.aborted) return 'interrupted';
    throw error;
  }
}

/** How long blocks take, each pass for itself: memory and trace pass are slower, and have blocks of another size. */
class Pace {
  readonly #passes = new Map<Pass, { pending: number; weighed: number; ms: number }>();

  constructor(pending: readonly Block[]) {
    for (const { pass } of pending) this.#of(pass).pending += 1;
  }

  took(pass: Pass, ms: number): void {
    const own = this.#of(pass);
    own.pending -= 1;
    own.weighed += 1;
    own.ms += ms;
  }

  get pending(): number {
    return [...this.#passes.values()].reduce((sum, own) => sum + own.pending, 0);
  }

  /** Of one block; null before there was one. */
  meanMs(pass: Pass): number | null {
    const { weighed, ms } = this.#of(pass);
    return weighed === 0 ? null : ms / weighed;
  }

  /** Of what is pending; a pass that has not begun is taken to go like the others. Null before the first block. */
  remainingMs(): number | null {
    const all = [...this.#passes.entries()];
    const weighed = all.reduce((sum, [, own]) => sum + own.weighed, 0);
    if (weighed === 0) return null;
    const mean = all.reduce((sum, [, own]) => sum + own.ms, 0) / weighed;
    return all.reduce((sum, [pass, { pending }]) => sum + pending * (this.meanMs(pass) ?? mean), 0);
  }

  #of(pass: Pass): { pending: number; weighed: number; ms: number } {
    const own = this.#passes.get(pass) ?? { pending: 0, weighed: 0, ms: 0 };
    this.#passes.set(pass, own);
    return own;
  }
}

/**
 * An arm whose sample is invalid runs again at once beside new samples of its partners, the reference and the ceiling,
 * under a new attempt number, until all of them are valid: pairs are formed within one attempt. When a partner itself is
 * invalid in the block's own turn, the whole block begins again.
 */
async function runBlock(
  block: Block,
  firstAttempt: number,
  ceiling: string | undefined,
  weigh: (attempt: Attempt) => Promise<Sample>,
): Promise<void> {
  let attempt = firstAttempt;
  let position = 0;
  const paired = block.pass === 'time';
  const isPartner = (cell: Cell): boolean => paired && (cell.arm === block.reference || cell.arm === ceiling);
  const partners = block.cells.filter(isPartner);
  const one = async (cell: Cell, number: number): Promise<boolean> =>
    (await weigh({ block, cell, position: position++, attempt: number })).outcome !== 'invalid';

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
        for (const partner of partners) valid = (await one(partner, attempt)) && valid;
        valid = (await one(cell, attempt)) && valid;
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
  #result: Sample | Error | null = null;

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
  async run(attempt: Attempt): Promise<Sample> {
    const task = this.#tasks.get(cellKey(attempt.cell));
    if (task === undefined) throw new Error(`no cell ${cellKey(attempt.cell)} in the plan`);
    this.#attempt = attempt;
    this.#prepared = null;
    this.#result = null;
    task.reset(false);
    await task.run();
    this.#context.signal.throwIfAborted();
    const result = this.#taken();
    if (result instanceof Error) throw result;
    if (result === null) throw new Error(`tinybench did not run ${cellKey(attempt.cell)}`);
    return result;
  }

  /** What the task's turn gave; a method, since the compiler does not see the turn write it. */
  #taken(): Sample | Error | null {
    return this.#result;
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
    let sample: Sample;
    try {
      sample = await finish(this.#context, this.#attempt, this.#prepared);
      this.#result = sample;
    } catch (error) {
      this.#result = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
    const milliseconds = durationMs(sample);
    if (milliseconds === null) throw new Error(sample.reason?.message ?? 'the sample has no duration');
    return { overriddenDuration: milliseconds };
  }
}

/** What a cell is ranked by: time to first token, or a ceiling's time for all bytes. Null unless the sample is ok. */
export function durationMs(sample: Sample): number | null {
  if (sample.outcome !== 'ok') return null;
  const ns = sample.ttftNs ?? sample.completeNs;
  return ns !== null && Number.isFinite(ns) && ns >= 0 ? ns / 1e6 : null;
}

const blockKey = (block: { readonly pass: string; readonly round: number; readonly index: number }): string =>
  `${block.pass} ${block.round} ${block.index}`;

function groupByBlock(samples: readonly Sample[]): Map<string, Sample[]> {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = blockKey({ pass: sample.pass, round: sample.round, index: sample.block });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  return groups;
}

/** Every cell has a sample that is not invalid, or was tried as often as it may be. */
function isComplete(block: Block, samples: readonly Sample[]): boolean {
  return block.cells.every((cell) => {
    const own = samples.filter((sample) => sample.arm.id === cell.arm);
    return own.some((sample) => sample.outcome !== 'invalid') || own.length > RETRIES;
  });
}
