/** From a ledger to its summary. Pure: the same ledger always gives the same summary. */
import { ceilingsOf, cellKey } from '../plan/blocks.js';
import { holds } from '../plan/parts.js';
import { hasCeilings, settingKeyOf, settingsOf } from '../plan/settings.js';
import { plain } from '../samples/columns.js';
import type { Limit } from '../samples/limit-types.js';
import type { Arm, Group, Ledger, MemoryState, ModelRecord, Reason, Sample, State } from '../samples/record.js';
import { modesOf } from './bimodality.js';
import { bindingOf, withoutBeaten } from './binding.js';
import { commandFigures, execToTokenNs } from './commands.js';
import { footprintOf, footprintOfGroups } from './footprint.js';
import { noiseCounts, noiseFlagger, noiseMarks, unitFlagger, type Flagger } from './noise-flags.js';
import { describe } from './order.js';
import { pairedRatio, pairsOf, type OkSample, type Pair } from './pairs.js';
import { scalingOf } from './scaling.js';
import type { CellSummary, Description, Summary } from './summary-types.js';
import { unitsOf } from './units.js';

/** What only arms of the same place are compared in. */
interface Place {
  readonly setting: string;
  readonly model: ModelRecord;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly load: number;
  /** Whether weights are touched there, and nothing is inferred. */
  readonly touches: boolean;
}

/** What is counted, and the groups, by cell, in run order. Nothing is ever pooled over cells. */
interface Cells {
  readonly units: ReadonlyMap<string, readonly Sample[]>;
  readonly groups: ReadonlyMap<string, readonly Group[]>;
}

export function summarize(ledger: Ledger): Summary {
  const { run, samples } = ledger;
  const units = unitsOf(ledger);
  const marks = noiseMarks(samples, noiseFlagger(ledger));
  const marked = new Map(marks.map(({ sample, flags }) => [samples[sample], flags]));
  const flagsOf = unitFlagger(samples, (sample) => marked.get(sample) ?? []);
  const byCell = { units: groupByCell(units), groups: groupByCell(ledger.groups) };
  const count = (wanted: Sample['outcome']): number => units.filter(({ outcome }) => outcome === wanted).length;
  const settings = settingsOf(run.plan, run.arms);
  const cells = withoutBeaten(
    placesOf(ledger, units).flatMap((place) => summarizePlace(ledger, byCell, place, flagsOf)),
  );
  return {
    schema: 1,
    tool: run.tool,
    startedAt: run.startedAt,
    fingerprint: run.machine.fingerprint,
    models: run.models,
    settings,
    cells,
    scaling: scalingOf(cells, settings, (cell) => byCell.groups.get(cellKey({ ...cell, arm: cell.arm.id })) ?? []),
    samples: {
      total: units.length,
      invalid: count('invalid'),
      failed: count('failed'),
      mismatch: count('mismatch'),
    },
    noise: { ...noiseCounts(units, flagsOf), marks },
    stopped: ledger.end?.stopped ?? null,
    warnings: ledger.warnings,
  };
}

function groupByCell<T extends Sample | Group>(units: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const cells = new Map<string, T[]>();
  for (const unit of units) {
    const { arm, state, memoryState, load } = unit;
    const key = cellKey({ arm: arm.id, state, memoryState, load });
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, [unit]);
    else cell.push(unit);
  }
  return cells;
}

/** In plan order, of a shard its own, and after it states and loads that the plan does not name but samples have (`left`). */
function placesOf({ run }: Ledger, units: readonly Sample[]): readonly Place[] {
  const memoryStates = new Set([...run.plan.memoryStates, ...units.map(({ memoryState }) => memoryState)]);
  const seen = new Map<string, Pick<Place, 'state' | 'load'>>();
  for (const state of run.plan.states) seen.set(`${state} 1`, { state, load: 1 });
  for (const { state, load } of units.toSorted((a, b) => a.load - b.load))
    seen.set(`${state} ${load}`, { state, load });
  return settingsOf(run.plan, run.arms).flatMap(({ key, model: id, work }) => {
    const model = run.models[id];
    if (model === undefined) throw new RangeError(`the plan names the model ${id}, but the ledger has no record of it`);
    return [...memoryStates].flatMap((memoryState) =>
      [...seen.values()]
        .filter(({ state, load }) => load > 1 || holds(run.plan, key, state, memoryState))
        .map((each) => ({ setting: key, model, memoryState, touches: work === 'touch', ...each })),
    );
  });
}

function summarizePlace({ run }: Ledger, cells: Cells, place: Place, flagsOf: Flagger): readonly CellSummary[] {
  const { plan } = run;
  const armOf = (id: string): Arm => {
    const arm = run.arms[id];
    if (arm === undefined) throw new RangeError(`the plan names the arm ${id}, but the ledger has no record of it`);
    return arm;
  };
  const { state, memoryState, load, setting } = place;
  const keyOf = (id: string): string => cellKey({ arm: id, state, memoryState, load });
  const samplesOf = (id: string): readonly Sample[] => cells.units.get(keyOf(id)) ?? [];
  // Not every arm has later loads: what did not load the first time has none.
  const takesPart = ({ id }: Arm): boolean => load === 1 || cells.units.has(keyOf(id));
  const arms = plan.arms.map(armOf).filter((arm) => settingKeyOf(arm) === setting && takesPart(arm));
  const ceilingId = plan.ceilings[setting]?.[state];
  const referenceId = plan.reference[setting];
  const commandId = arms.find(({ kind }) => kind === 'command')?.id;
  const summarizeArm = (arm: Arm): CellSummary =>
    summarizeCell({
      arm,
      place,
      samples: samplesOf(arm.id),
      groups: cells.groups.get(keyOf(arm.id)) ?? [],
      isReference: arm.id === referenceId,
      reference: referenceId === undefined ? [] : samplesOf(referenceId),
      firstCommand: commandId === undefined ? [] : samplesOf(commandId),
      ceiling: ceilingId === undefined ? [] : samplesOf(ceilingId),
      // Earlier ledgers have none.
      limits: run.limits ?? [],
      flagsOf,
    });
  const limits = ceilingsOf(plan, setting, state).map(armOf).filter(takesPart);
  const bounds = arms.filter(({ kind }) => kind === 'bound');
  const rows = ranked(arms.filter(({ kind }) => kind !== 'bound').map(summarizeArm));
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
  readonly groups: readonly Group[];
  readonly isReference: boolean;
  readonly reference: readonly Sample[];
  /** Samples of the first command of the place, whose wall time the others' are compared with. */
  readonly firstCommand: readonly Sample[];
  readonly ceiling: readonly Sample[];
  readonly limits: readonly Limit[];
  readonly flagsOf: Flagger;
}

function summarizeCell(input: CellInput): CellSummary {
  const { arm, place, samples, groups, isReference, reference, firstCommand, ceiling, limits, flagsOf } = input;
  const ok = samples.filter((sample): sample is OkSample => sample.outcome === 'ok');
  const timed = ok.filter(({ pass }) => pass === 'time');
  const figures = (of: (sample: OkSample) => number | null): Description | null =>
    describe(timed.map(of).filter((value) => value !== null));
  const { tensorBytes } = place.model;
  const ttftNs = figures((sample) => sample.ttftNs);
  const loads = arm.kind === 'loader';
  const bringsBytes = arm.work !== 'none';
  const weighed = loads && bringsBytes;
  const comparable = place.touches ? [] : reference;
  const ceilingPairs = weighed || arm.kind === 'bound' ? pairsOf(timed, ceiling) : [];
  return {
    arm,
    setting: place.setting,
    isReference,
    state: place.state,
    memoryState: place.memoryState,
    load: place.load,
    outcomes: countOutcomes(samples),
    reasons: distinctReasons(samples),
    warnings: [...new Set(samples.flatMap(({ warnings }) => warnings))],
    noise: noiseCounts(samples, flagsOf),
    loadNs: loads ? figures(loadNs) : null,
    // Without weights there is no first token, whatever the harness timed.
    ttftNs: bringsBytes ? ttftNs : null,
    // What only touches weights has no token that a program's first byte could be compared with.
    execToTokenNs: arm.work === 'infer' ? figures(execToTokenNs) : null,
    ttftModes: bringsBytes ? modesOf(ttftNs?.values ?? []) : null,
    completeNs: figures(({ completeNs }) => completeNs),
    bytesPerSecond: bringsBytes
      ? figures(({ completeNs }) => (completeNs === null || completeNs === 0 ? null : (tensorBytes * 1e9) / completeNs))
      : null,
    ceilingShare: ceilingShareOf(ceilingPairs),
    debtNs: figures(({ debt }) => debt?.ns ?? null),
    unexplainedDebtNs: figures(({ debt }) => debt?.unexplainedNs ?? null),
    // Several processes share a limit of the machine, so that what one of them takes tells nothing; and where no ceiling is
    // weighed for what works against a sample, "unexplained" would be said of what merely was not looked for.
    binding:
      weighed && hasCeilings(arm)
        ? bindingOf({ arm, memoryState: place.memoryState, model: place.model, timed, ceilingPairs, limits })
        : null,
    prefillTokensPerSecond: figures(({ tokensPerSecond }) => tokensPerSecond?.prefill ?? null),
    decodeTokensPerSecond: figures(({ tokensPerSecond }) => tokensPerSecond?.decode ?? null),
    footprint: loads ? footprintOfArm(arm, ok, groups) : null,
    command: arm.kind === 'command' ? commandFigures(ok, firstCommand, comparable) : null,
    ratio: weighed && !isReference ? ratioOf(pairsOf(timed, reference)) : null,
  };
}

function footprintOfArm(
  { processes }: Arm,
  ok: readonly OkSample[],
  groups: readonly Group[],
): CellSummary['footprint'] {
  return processes > 1 ? footprintOfGroups(groups) : footprintOf(ok.filter(({ pass }) => pass === 'memory'));
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
    if (counted === undefined) counts.set(key, { outcome, reason: plain(reason), count: 1 });
    else counted.count += 1;
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}
