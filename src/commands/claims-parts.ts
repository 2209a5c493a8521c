/** Weighs the parts of the claims one after another, and keeps the time. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Interrupted, failureOf } from '../failure.js';
import { availableMemory } from '../machine.js';
import type { MadeDirectories } from '../make-directory.js';
import { weigh, type RunResult } from '../pipeline.js';
import { planOf, type RunRequest } from '../run-request.js';
import { progressLines } from '../progress.js';
import { size } from '../report/format.js';
import { limitSupport } from '../samples/cgroup-place.js';
import { MemoryLimits } from '../samples/memory-limits.js';
import type { PartOutcome } from '../statistics/claims-types.js';
import { storageFacts } from '../storage.js';
import { writeRun } from '../write-run.js';
import { writeBystander } from './bystander-file.js';
import { roomFor, shareOf } from './claims-budget.js';
import { requestOf, type Common, type PartPlan } from './claims-plan.js';
import { labelsOf } from './weighing.js';

export interface WeighedPart {
  readonly plan: PartPlan;
  readonly directory: string;
  readonly outcome: PartOutcome;
  readonly result: RunResult | null;
  readonly seconds: number;
  /** What kept it from its end, where that was an error. */
  readonly failure: unknown;
  readonly interrupted: boolean;
  /** Whether time was kept for it: not where this machine was known not to weigh it. */
  readonly hadShare: boolean;
}

export interface PartsOptions extends Common {
  readonly directory: string;
  readonly budgetSeconds: number;
  readonly bystanderBytes: number;
  readonly made: MadeDirectories;
  /** Of some parts, why this machine cannot weigh them. */
  readonly cannot: (plan: PartPlan) => string | null;
  readonly tell: (line: string) => void;
}

/** All of them, whatever becomes of each; those after an interruption are stopped. */
export async function weighParts(
  plans: readonly PartPlan[],
  options: PartsOptions,
  signal: AbortSignal,
): Promise<readonly WeighedPart[]> {
  const startedAt = performance.now();
  const weighed: WeighedPart[] = [];
  // Learning it takes longer than a round of some parts; each probes whether it still holds.
  let firstTouch: RunRequest['firstTouch'] = null;
  // Those that cannot be weighed take nothing of the time.
  const sharing = plans.filter((plan) => options.cannot(plan) === null);
  for (const [index, plan] of plans.entries()) {
    const directory = join(options.directory, plan.name);
    const began = performance.now();
    const ended = (outcome: PartOutcome, result: RunResult | null, failure: unknown): void => {
      const seconds = (performance.now() - began) / 1000;
      const interrupted = result === null ? signal.aborted && failure === null : result.stopped === 'interrupted';
      const hadShare = sharing.includes(plan);
      weighed.push({ plan, directory, outcome, result, seconds, failure, interrupted, hadShare });
    };
    if (signal.aborted) {
      ended({ kind: 'stopped', why: INTERRUPTED }, null, null);
      continue;
    }
    const left = options.budgetSeconds - (began - startedAt) / 1000;
    const without = notWeighed(plan, sharing, left, options);
    options.tell(`part ${index + 1} of ${plans.length}, ${plan.name}: ${without?.why ?? plan.why}`);
    if (without !== null) {
      ended(without, null, null);
      continue;
    }
    // A second interruption ends the process at once, and this with it.
    const removeBystander = (): void => rmSync(join(directory, BYSTANDER), { force: true });
    process.once('exit', removeBystander);
    const budget = plan.isWhole ? null : shareOf(left, plan, sharing);
    try {
      const request = { ...(await requestOf(plan, options, budget)), firstTouch };
      options.made.make(directory);
      const around = plan.name === 'harm' ? await withBystander(request, directory, options, signal) : { request };
      if ('why' in around) {
        ended({ kind: 'cannot', why: around.why }, null, null);
        continue;
      }
      const result = await weighOne(around.request, directory, signal);
      // Where free memory stays as it is nothing was learned of memory that was given back; where such memory was looked
      // for and not found, the next part may find it.
      const learned = result.ledger.run.ceilings.firstTouch;
      const tells = learned.limitNs !== null || learned.returnedNs === null;
      if (plan.memoryState !== 'as-is' && tells) firstTouch = { learnedAt: result.ledger.run.startedAt, ...learned };
      ended(
        { kind: 'ran', ledger: result.ledger, leftOut: plan.leftOut },
        result,
        result.failure === null ? null : new Error(result.failure),
      );
    } catch (error) {
      const failed = !(error instanceof Interrupted) && !signal.aborted;
      ended({ kind: 'stopped', why: failed ? failureOf(error).line : INTERRUPTED }, null, failed ? error : null);
    } finally {
      process.off('exit', removeBystander);
      removeBystander();
    }
  }
  return weighed;
}

/** Why a part is not even tried, or null. */
function notWeighed(
  plan: PartPlan,
  plans: readonly PartPlan[],
  left: number,
  { cannot, budgetSeconds }: PartsOptions,
): Extract<PartOutcome, { readonly why: string }> | null {
  const why = cannot(plan);
  if (why !== null) return { kind: 'cannot', why };
  const wanted = roomFor(budgetSeconds, plan, plans);
  if (left >= wanted) return null;
  const had = Math.max(0, Math.floor(left));
  const of = `${had === 0 ? 'nothing' : `${had} s`} of the time budget of ${Math.round(budgetSeconds)} s`;
  return {
    kind: 'stopped',
    why: `${of} was left and it wants ${Math.ceil(wanted)} s; a larger --time-budget has room`,
  };
}

async function weighOne(request: RunRequest, directory: string, signal: AbortSignal): Promise<RunResult> {
  const listener = progressLines(process.stderr, labelsOf(planOf(request).arms));
  try {
    const result = await weigh(request, directory, signal, listener);
    writeRun(directory, result);
    return result;
  } finally {
    listener.finish();
  }
}

const INTERRUPTED = 'interrupted';
const BYSTANDER = 'bystander';

/** The request with a bystander and the limit that has room for it, the model once, and the runtime; or why it cannot be. */
async function withBystander(
  request: RunRequest,
  directory: string,
  { bystanderBytes, model }: PartsOptions,
  signal: AbortSignal,
): Promise<{ readonly request: RunRequest } | { readonly why: string }> {
  const { reason } = limitSupport();
  if (reason !== null) return { why: `no memory limit can be set: ${reason.message}` };
  if (storageFacts(directory).kind === 'memory') {
    return { why: `${directory} lies in memory, where a file cannot be evicted; give --out a folder on a disk` };
  }
  const { plan, arms, models, shapes } = planOf(request);
  const [arm] = Object.values(arms);
  const [id = ''] = plan.models;
  const [record, shape] = [models[id], shapes[id]];
  if (arm === undefined || record === undefined || shape === undefined) throw new RangeError('a plan without an arm');
  const runtime = await new MemoryLimits(plan.timeoutNs / 1e6, signal).runtimeNeed({ arm, model: record, shape });
  // The bystander is a process with a runtime, too.
  const bytes = bystanderBytes + record.bytes + 2 * runtime + MARGIN + Math.round(record.bytes * TABLES);
  const available = availableMemory();
  if (available !== null && bytes + RESERVE > available) {
    return { why: `a limit for ${model} and a bystander needs ${size(bytes + RESERVE)}, ${size(available)} available` };
  }
  const path = join(directory, BYSTANDER);
  await writeBystander(path, bystanderBytes, signal);
  return {
    request: {
      ...request,
      memoryLimits: [{ kind: 'bytes', text: String(bytes), bytes }],
      pressure: [{ kind: 'bystander', bytes: bystanderBytes, path }],
    },
  };
}

/** Left beside what is reckoned: read-ahead, kernel memory. */
const MARGIN = 64 * 2 ** 20;
/** Page tables of 4 KiB pages take a part in 512. */
const TABLES = 1 / 256;
/** Left to the rest of the machine. */
const RESERVE = 512 * 2 ** 20;
