/** After the states are certified: the processes released, awaited and judged. */
import { reasonOf } from '../failure.js';
import { native } from '../native.js';
import { auditOf } from './audit.js';
import { commandFailure, commandMeasurement, commandWarnings, judgeCommand } from './command.js';
import type { CrewEnd } from './crew.js';
import { blockDevicesOf, deviceCounters, trafficBetween } from './device-traffic.js';
import { groupOf, refusedGroup, type GroupPlace } from './group.js';
import { endedWithGroup, failureReason, judge, meansUnsupported, referenceKey } from './judge.js';
import { since, type Meanwhile } from './noise.js';
import { measurementOf, runtimeStart, unmeasured } from './measurement.js';
import { subjectOf, type Attempt, type Prepared, type WeighingContext } from './prepare.js';
import type { Arm, DeviceTraffic, Group, Reason, Sample } from './record.js';
import type { ChildEnd } from './spawn.js';
import type { Refusal } from './states.js';
import { chargeOf, type Surrounded } from './surroundings.js';

/** What an attempt puts into the ledger: a sample a process, and of several processes their group behind them. */
export interface Weighed {
  readonly samples: readonly Sample[];
  readonly group: Group | null;
}

/** Of what was weighed, what statistics count and retries look at. */
export function unitOf({ samples, group }: Weighed): Sample | Group {
  const unit = group ?? samples[0];
  if (unit === undefined) throw new Error('nothing was weighed');
  return unit;
}

/**
 * Releases the processes, waits for them and makes samples of them. Throws AbortError when the run is interrupted
 * meanwhile.
 */
export async function finish(context: WeighingContext, attempt: Attempt, prepared: Prepared): Promise<Weighed> {
  const { arm } = subjectOf(context, attempt);
  const place = placeOf(attempt, arm, prepared.startedAt);
  if (prepared.kind === 'refused') return refused(arm, place, prepared.refusal);
  const ran = await run(context, prepared);
  context.signal.throwIfAborted();
  const { ends, cause } = ran.end;
  const samples = ends.map((end, index) => {
    const ended = cause !== null && index !== cause && isEndedByUs(end);
    const reason = ended ? endedWithGroup(cause, ends.length) : null;
    return sampleOf(context, attempt, prepared, ran, { index, end, reason });
  });
  if (arm.processes === 1) return { samples, group: null };
  const starts = ends.flatMap((end) =>
    end.kind === 'answered' && end.answer.kind === 'sample' ? [end.answer.sample.startAtNs] : [],
  );
  return { samples, group: groupOf(place, samples, cause, starts) };
}

function isEndedByUs(end: ChildEnd): boolean {
  return end.kind === 'died' && end.signal === 'SIGKILL';
}

function placeOf({ block, cell, position, attempt }: Attempt, arm: Arm, startedAt: string): GroupPlace {
  const { state, memoryState, load } = cell;
  return {
    id: `${block.pass} ${block.round} ${block.index} ${position} ${attempt} ${load}`,
    ...{ round: block.round, block: block.index, position, attempt, pass: block.pass, startedAt },
    ...{ arm: { id: arm.id, loader: arm.loader, model: arm.model }, state, memoryState, load },
  };
}

const nobody = { index: 0, of: 1, spawnToStartNs: null, exitCode: null, signal: null };

/** Of several processes none ran: the group alone says why. */
function refused(arm: Arm, { id, ...place }: GroupPlace, why: Refusal): Weighed {
  if (arm.processes > 1) return { samples: [], group: refusedGroup({ id, ...place }, arm.processes, why) };
  const common = { kind: 'sample', ...place, group: null, process: nobody, warnings: [], command: null } as const;
  return { samples: [{ ...common, ...why, ...unmeasured }], group: null };
}

/** How the processes ended, and what was seen of the machine meanwhile. */
interface Ran {
  readonly end: CrewEnd;
  readonly traffic: DeviceTraffic | null;
  /** Null where they ended before they were released. */
  readonly meanwhile: Meanwhile | null;
  readonly after: number | null;
  readonly surrounded: Surrounded;
}

async function run(context: WeighingContext, prepared: Exclude<Prepared, { kind: 'refused' }>): Promise<Ran> {
  if (prepared.kind === 'ended') {
    const surrounded = await prepared.surroundings.close(null);
    return { end: prepared.end, traffic: null, meanwhile: null, after: null, surrounded };
  }
  const { crew, paths } = prepared;
  const kill = (): void => {
    crew.kill();
  };
  context.signal.addEventListener('abort', kill, { once: true });
  if (context.signal.aborted) kill();
  const devices = blockDevicesOf(paths);
  const before = devices === null ? null : deviceCounters(devices);
  prepared.surroundings.begin();
  crew.release();
  const end = await crew.ended;
  const meanwhile = since(prepared.counters);
  const traffic = devices === null ? null : trafficBetween(before, deviceCounters(devices));
  context.signal.removeEventListener('abort', kill);
  prepared.releaseMemory();
  context.freeMemory.freed();
  const after = residencyAfter(paths);
  const surrounded = await prepared.surroundings.close(chargeOf(end.ends, prepared.before, after));
  return { end, traffic, meanwhile, after, surrounded };
}

/** One process of the crew, and why it has no measurement where another one ended it. */
interface OneEnd {
  readonly index: number;
  readonly end: ChildEnd;
  readonly reason: Reason | null;
}

function sampleOf(
  context: WeighingContext,
  attempt: Attempt,
  prepared: Exclude<Prepared, { kind: 'refused' }>,
  { traffic, meanwhile, after, surrounded }: Ran,
  { index, end, reason: endedBy }: OneEnd,
): Sample {
  const { arm, model } = subjectOf(context, attempt);
  const { cell, block } = attempt;
  const { id, ...place } = placeOf(attempt, arm, prepared.startedAt);
  const base = { kind: 'sample', ...place, group: arm.processes === 1 ? null : id, command: null } as const;
  const own = { ...nobody, index, of: arm.processes };
  if (end.kind !== 'answered' || end.answer.kind === 'failed' || prepared.kind === 'ended' || meanwhile === null) {
    const reason = endedBy ?? prepared.surroundings.explain(end) ?? failureReason(end, context.plan.timeoutNs);
    const outcome = meansUnsupported(reason) ? 'unsupported' : 'failed';
    const how =
      end.kind === 'timeout' ? { exitCode: null, signal: 'SIGKILL' } : { exitCode: end.exitCode, signal: end.signal };
    return { ...base, process: { ...own, ...how }, warnings: [], outcome, reason, ...unmeasured };
  }
  const { answer } = end;
  const process = { ...own, exitCode: end.exitCode, signal: end.signal };
  const command = answer.kind === 'command' ? commandMeasurement(answer) : null;
  const broken = answer.kind === 'command' ? commandFailure(arm, answer) : null;
  if (broken !== null) {
    const reason = prepared.surroundings.explain(end) ?? broken;
    return { ...base, process, warnings: [], command, outcome: 'failed', reason, ...unmeasured };
  }
  const measuredAlone = measurementOf(arm, model, block.pass, { ...prepared, after, traffic, meanwhile }, answer);
  const measured = { ...measuredAlone, effective: { ...measuredAlone.effective, ...surrounded.effective } };
  const spawnToStartNs = runtimeStart(answer, prepared.crew.spawnedAtNs[index] ?? 0);
  const judged =
    command === null
      ? judge(arm, cell, measured, context.referenceHashes[referenceKey(arm)])
      : judgeCommand(cell, measured.residency, command, model);
  const { refusal } = surrounded;
  const verdict =
    judged.outcome !== 'ok' || refusal === null ? judged : ({ outcome: 'invalid', reason: refusal.reason } as const);
  const told = answer.kind === 'sample' ? answer.sample.effective : {};
  const sample: Sample = {
    ...base,
    process: { ...process, spawnToStartNs },
    warnings: [
      ...prepared.warnings,
      ...surrounded.warnings,
      ...(answer.kind === 'sample' ? answer.sample.warnings : []),
      ...(answer.kind === 'command' ? commandWarnings(arm, cell.state, answer) : []),
      ...auditOf(arm, model, cell.state, measured, told),
    ],
    command,
    ...verdict,
    ...measured,
  };
  const trace = answer.kind === 'sample' ? answer.sample.trace : null;
  if (trace !== null && sample.outcome === 'ok') context.onTrace?.(sample, trace);
  return sample;
}

/** Null where it cannot be read: no right to, or the file is gone by now. */
function residencyAfter(paths: readonly string[]): number | null {
  try {
    const { source, resident } = native().residency(paths);
    return source === 'none' ? null : resident;
  } catch (error) {
    if (reasonOf(error) === null) throw error;
    return null;
  }
}
