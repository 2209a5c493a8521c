/** From a ledger to its summary. Pure: the same ledger always gives the same summary. */
import { ceilingsOf, cellKey } from '../plan/blocks.js';
import type { Limit } from '../samples/limit-types.js';
import type { Arm, Ledger, MemoryState, ModelRecord, Reason, Sample, State } from '../samples/record.js';
import { bindingOf } from './binding.js';
import { footprintOf } from './footprint.js';
import { noiseCounts, noiseFlagger, noiseMarks, type Flagger } from './noise.js';
import { describe } from './order.js';
import { pairedRatio, pairsOf, type OkSample, type Pair } from './pairs.js';
import type { CellSummary, Description, Summary } from './summary-types.js';

/** What only arms of the same place are compared in. */
interface Place {
  readonly modelId: string;
  readonly model: ModelRecord;
  readonly state: State;
  readonly memoryState: MemoryState;
}

/** Samples by cell, in run order. Nothing is ever pooled over cells. */
type Cells = ReadonlyMap<string, readonly Sample[]>;

export function summarize(ledger: Ledger): Summary {
  const { run, samples } = ledger;
  const cells = groupByCell(samples);
  const flagger = noiseFlagger(ledger);
  const count = (wanted: Sample['outcome']): number => samples.filter(({ outcome }) => outcome === wanted).length;
  return {
    schema: 1,
    tool: run.tool,
    startedAt: run.startedAt,
    fingerprint: run.machine.fingerprint,
    models: run.models,
    cells: placesOf(ledger).flatMap((place) => summarizePlace(ledger, cells, place, flagger)),
    samples: {
      total: samples.length,
      invalid: count('invalid'),
      failed: count('failed'),
      mismatch: count('mismatch'),
    },
    noise: { ...noiseCounts(samples, flagger), marks: noiseMarks(samples, flagger) },
    stopped: ledger.end?.stopped ?? null,
    warnings: ledger.warnings,
  };
}

function groupByCell(samples: readonly Sample[]): Cells {
  const cells = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = cellKey({ arm: sample.arm.id, state: sample.state, memoryState: sample.memoryState });
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, [sample]);
    else cell.push(sample);
  }
  return cells;
}

/** In plan order, and after it states that the plan does not name but samples have (`left`). */
function placesOf({ run, samples }: Ledger): readonly Place[] {
  const states = new Set([...run.plan.states, ...samples.map(({ state }) => state)]);
  const memoryStates = new Set([...run.plan.memoryStates, ...samples.map(({ memoryState }) => memoryState)]);
  return run.plan.models.flatMap((modelId) => {
    const model = run.models[modelId];
    if (model === undefined)
      throw new RangeError(`the plan names the model ${modelId}, but the ledger has no record of it`);
    return [...memoryStates].flatMap((memoryState) =>
      [...states].map((state) => ({ modelId, model, state, memoryState })),
    );
  });
}

function summarizePlace({ run }: Ledger, cells: Cells, place: Place, flagger: Flagger): readonly CellSummary[] {
  const { plan } = run;
  const armOf = (id: string): Arm => {
    const arm = run.arms[id];
    if (arm === undefined) throw new RangeError(`the plan names the arm ${id}, but the ledger has no record of it`);
    return arm;
  };
  const { state, memoryState } = place;
  const samplesOf = (id: string): readonly Sample[] => cells.get(cellKey({ arm: id, state, memoryState })) ?? [];
  const loaders = plan.arms.map(armOf).filter(({ model }) => model === place.modelId);
  const ceilingId = plan.ceilings[place.modelId]?.[state];
  const referenceId = plan.reference[place.modelId];
  const summarizeArm = (arm: Arm): CellSummary =>
    summarizeCell({
      arm,
      place,
      samples: samplesOf(arm.id),
      isReference: arm.id === referenceId,
      reference: referenceId === undefined ? [] : samplesOf(referenceId),
      ceiling: ceilingId === undefined ? [] : samplesOf(ceilingId),
      // Earlier ledgers have none.
      limits: run.limits ?? [],
      flagger,
    });
  const limits = ceilingsOf(plan, place.modelId, state).map(armOf);
  const bounds = loaders.filter(({ kind }) => kind === 'bound');
  const rows = ranked(loaders.filter(({ kind }) => kind === 'loader').map(summarizeArm));
  return [...rows, ...[...bounds, ...limits].map(summarizeArm)];
}

/**
 * By the paired ratio of first token to the reference's (which is 1), since medians of arms in different blocks are not
 * neighbours; by medians only where no block holds a pair. Then those with a first token but no pair, those without a
 * first token, and the null loader; otherwise plan order stays.
 */
function ranked(cells: readonly CellSummary[]): readonly CellSummary[] {
  const paired = cells.some(({ ratio }) => ratio?.ttft);
  const ratioOfCell = ({ isReference, ratio }: CellSummary): number | null =>
    isReference ? 1 : (ratio?.ttft?.median ?? null);
  const group = (cell: CellSummary): number => {
    if (cell.arm.work === 'none') return 3;
    if (cell.ttftNs === null) return 2;
    return paired && ratioOfCell(cell) === null ? 1 : 0;
  };
  const difference = (of: (cell: CellSummary) => number | null, a: CellSummary, b: CellSummary): number =>
    (of(a) ?? 0) - (of(b) ?? 0);
  return cells.toSorted(
    (a, b) =>
      group(a) - group(b) ||
      (paired ? difference(ratioOfCell, a, b) : 0) ||
      difference(({ ttftNs }) => ttftNs?.median ?? null, a, b),
  );
}

interface CellInput {
  readonly arm: Arm;
  readonly place: Place;
  readonly samples: readonly Sample[];
  readonly isReference: boolean;
  readonly reference: readonly Sample[];
  readonly ceiling: readonly Sample[];
  readonly limits: readonly Limit[];
  readonly flagger: Flagger;
}

function summarizeCell({
  arm,
  place,
  samples,
  isReference,
  reference,
  ceiling,
  limits,
  flagger,
}: CellInput): CellSummary {
  const ok = samples.filter((sample): sample is OkSample => sample.outcome === 'ok');
  const timed = ok.filter(({ pass }) => pass === 'time');
  const figures = (of: (sample: OkSample) => number | null): Description | null =>
    describe(timed.map(of).filter((value) => value !== null));
  const { tensorBytes } = place.model;
  const loads = arm.kind === 'loader';
  const bringsBytes = arm.work !== 'none';
  const weighed = loads && bringsBytes;
  const ceilingPairs = weighed || arm.kind === 'bound' ? pairsOf(timed, ceiling) : [];
  return {
    arm,
    isReference,
    state: place.state,
    memoryState: place.memoryState,
    outcomes: countOutcomes(samples),
    reasons: distinctReasons(samples),
    warnings: [...new Set(samples.flatMap(({ warnings }) => warnings))],
    noise: noiseCounts(samples, flagger),
    loadNs: loads ? figures(loadNs) : null,
    // Without weights there is no first token, whatever the harness timed.
    ttftNs: bringsBytes ? figures(({ ttftNs }) => ttftNs) : null,
    completeNs: figures(({ completeNs }) => completeNs),
    bytesPerSecond: bringsBytes
      ? figures(({ completeNs }) => (completeNs === null || completeNs === 0 ? null : (tensorBytes * 1e9) / completeNs))
      : null,
    ceilingShare: ceilingShareOf(ceilingPairs),
    debtNs: figures(({ debt }) => debt?.ns ?? null),
    unexplainedDebtNs: figures(({ debt }) => debt?.unexplainedNs ?? null),
    binding: weighed
      ? bindingOf({ arm, memoryState: place.memoryState, model: place.model, timed, ceilingPairs, limits })
      : null,
    prefillTokensPerSecond: figures(({ tokensPerSecond }) => tokensPerSecond?.prefill ?? null),
    decodeTokensPerSecond: figures(({ tokensPerSecond }) => tokensPerSecond?.decode ?? null),
    footprint: loads ? footprintOf(ok.filter(({ pass }) => pass === 'memory')) : null,
    ratio: weighed && !isReference ? ratioOf(pairsOf(timed, reference)) : null,
  };
}

function loadNs({ phases }: OkSample): number | null {
  return phases === null ? null : phases.open.ns + phases.acquire.ns;
}

function ratioOf(pairs: readonly Pair[]): CellSummary['ratio'] {
  const headOverBase = (of: (sample: OkSample) => number | null): ReturnType<typeof pairedRatio> =>
    pairedRatio(
      pairs,
      ({ head }) => of(head),
      ({ base }) => of(base),
    );
  return {
    load: headOverBase(loadNs),
    ttft: headOverBase(({ ttftNs }) => ttftNs),
    complete: headOverBase(({ completeNs }) => completeNs),
  };
}

/** Here the ceiling's time is above: 1 is the physical limit, and less is what is left to gain. */
function ceilingShareOf(pairs: readonly Pair[]): CellSummary['ceilingShare'] {
  return pairedRatio(
    pairs,
    ({ base }) => base.completeNs,
    ({ head }) => head.completeNs,
  );
}

function countOutcomes(samples: readonly Sample[]): CellSummary['outcomes'] {
  const outcomes = { ok: 0, unsupported: 0, invalid: 0, mismatch: 0, failed: 0 };
  for (const { pass, outcome } of samples) {
    if (pass === 'time') outcomes[outcome] += 1;
  }
  return outcomes;
}

/** Reasons are the same when outcome, code and message are. */
function distinctReasons(samples: readonly Sample[]): CellSummary['reasons'] {
  const counts = new Map<string, { outcome: string; reason: Reason; count: number }>();
  for (const { outcome, reason } of samples) {
    if (reason === null) continue;
    const key = JSON.stringify([outcome, reason.code, reason.message]);
    const counted = counts.get(key);
    if (counted === undefined) counts.set(key, { outcome, reason, count: 1 });
    else counted.count += 1;
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}
