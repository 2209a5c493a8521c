/** Cells of several runs, by what may be set side by side: model, setting and state, and in these the arm. */
import { baselineKey } from '../plan/arms.js';
import { ceilingsOf } from '../plan/blocks.js';
import { settingKeyOf, settingsOf } from '../plan/settings.js';
import type { Arm, Ledger, MemoryState, ModelRecord, Sample, Setting, State } from '../samples/record.js';
import { pairsOf } from '../statistics/pairs.js';
import type { CellSummary, Summary } from '../statistics/summary-types.js';
import { unitsOf } from '../statistics/units.js';
import { labelOf, modelLabel, settingLabel } from './labels.js';

/** A run that is compared, by the name that it has there. */
export interface NamedRun {
  readonly name: string;
  readonly directory: string;
  readonly ledger: Ledger;
  readonly summary: Summary;
}

export interface PlacedCell {
  /** Index of its run. */
  readonly run: number;
  readonly label: string;
  readonly cell: CellSummary;
  readonly work: string;
  /** Of the run's own ceiling, where it has one here. */
  readonly limit: 'device' | 'memory' | null;
  /** Each ÷ what that ceiling took in the same block; empty where there is none. */
  readonly byCeiling: { readonly ttft: readonly number[]; readonly complete: readonly number[] };
}

/** Where cells of several runs may stand side by side. */
export interface SharedPlace {
  readonly model: string;
  readonly digest: string;
  readonly setting: string | null;
  readonly state: State;
  readonly memoryState: MemoryState;
  readonly load: number;
  /** By run, in the order of its summary: its first loader first. */
  readonly cells: readonly PlacedCell[];
}

/** In the order of the first run that has them. Nothing is dropped: a place may be of one run alone. */
export function sharedPlaces(runs: readonly NamedRun[]): readonly SharedPlace[] {
  const models = modelsOf(runs);
  const places = new Map<string, SharedPlace & { readonly cells: PlacedCell[] }>();
  for (const [index, { ledger, summary }] of runs.entries()) {
    const units = samplesByArm(ledger);
    for (const cell of summary.cells) {
      const record = ledger.run.models[cell.arm.model];
      const setting = settingsOf(ledger.run.plan, ledger.run.arms).find(({ key }) => key === cell.setting);
      if (record === undefined || setting === undefined) continue;
      const identity = `${record.headerDigest} ${record.bytes}`;
      const model = models.get(identity);
      if (model === undefined) continue;
      const { state, memoryState, load } = cell;
      const key = JSON.stringify([identity, model.keyOf(setting), memoryState, state, load]);
      const found = places.get(key);
      const placed = placedCell(index, cell, ledger, units);
      if (found !== undefined) found.cells.push(placed);
      else {
        const { label, labelOfSetting } = model;
        places.set(key, {
          ...{ model: label, digest: record.headerDigest, setting: labelOfSetting(setting) },
          ...{ state, memoryState, load, cells: [placed] },
        });
      }
    }
  }
  return [...places.values()];
}

interface SharedModel {
  readonly label: string;
  readonly keyOf: (setting: Setting) => string;
  readonly labelOfSetting: (setting: Setting) => string | null;
}

/** By digest and size: the same file may have another name elsewhere, and another file the same name. */
function modelsOf(runs: readonly NamedRun[]): ReadonlyMap<string, SharedModel> {
  const found = new Map<string, { first: ModelRecord; byRun: (readonly Setting[])[] }>();
  for (const { ledger } of runs) {
    for (const [id, record] of Object.entries(ledger.run.models)) {
      const identity = `${record.headerDigest} ${record.bytes}`;
      const own = settingsOf(ledger.run.plan, ledger.run.arms).filter(({ model }) => model === id);
      const known = found.get(identity);
      if (known === undefined) found.set(identity, { first: record, byRun: [own] });
      else known.byRun.push(own);
    }
  }
  const all = [...found.values()].map(({ first }) => first);
  return new Map(
    [...found].map(([identity, { first, byRun }]) => [identity, sharedModel(modelLabel(first, all), byRun)]),
  );
}

/**
 * Threads and context are of the machine or of the plan where a run has one of them: told as a difference. Where a run
 * varies them they are what it compares.
 */
function sharedModel(label: string, byRun: readonly (readonly Setting[])[]): SharedModel {
  const varies = (name: 'threads' | 'context'): boolean =>
    byRun.some((settings) => new Set(settings.map((each) => each[name])).size > 1);
  const without = (['threads', 'context'] as const).filter((name) => !varies(name));
  const all = byRun.flat().map((setting) => ({ ...setting, model: label }));
  return {
    label,
    keyOf: ({ threads, context, processes, memoryLimit, pressure, numa, work }) =>
      JSON.stringify([
        ...[work ?? null, processes, memoryLimit?.bytes ?? null, pressure, numa],
        ...[varies('threads') ? threads : null, varies('context') ? context : null],
      ]),
    labelOfSetting: (setting) => settingLabel({ ...setting, model: label }, all, without),
  };
}

function samplesByArm(ledger: Ledger): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Sample[]>();
  for (const sample of unitsOf(ledger)) {
    const list = found.get(sample.arm.id);
    if (list === undefined) found.set(sample.arm.id, [sample]);
    else list.push(sample);
  }
  return found;
}

function placedCell(
  run: number,
  cell: CellSummary,
  { run: { plan, arms } }: Ledger,
  units: ReadonlyMap<string, readonly Sample[]>,
): PlacedCell {
  const { arm, state, memoryState, load } = cell;
  const at = (id: string): readonly Sample[] =>
    (units.get(id) ?? []).filter(
      (unit) => unit.state === state && unit.memoryState === memoryState && unit.load === load,
    );
  const limitId = ceilingsOf(plan, settingKeyOf(arm), state).find((id) => arms[id]?.loader !== 'home');
  const limit = limitId === undefined ? undefined : arms[limitId]?.loader;
  const pairs = limitId === undefined || arm.kind === 'ceiling' ? [] : pairsOf(at(arm.id), at(limitId));
  const ratios = (of: (pair: (typeof pairs)[number]) => number | null): readonly number[] =>
    pairs.flatMap((pair) => {
      const above = of(pair);
      const below = pair.base.completeNs;
      return above !== null && above > 0 && below !== null && below > 0 ? [above / below] : [];
    });
  return {
    ...{ run, label: labelOf(arm), cell, work: workOf(arm) },
    limit: limit === 'device' || limit === 'memory' ? limit : null,
    byCeiling: { ttft: ratios(({ head }) => head.ttftNs), complete: ratios(({ head }) => head.completeNs) },
  };
}

/** What an arm does, whichever build does it and whatever the model's file is called: the model's digest stands beside it. */
function workOf(arm: Arm): string {
  return baselineKey(arm).replace(`${arm.label} ${arm.model}`, arm.label);
}

/** What two arms of one label do otherwise: "4 threads, not 2". */
export function workDifference(mine: Arm, theirs: Arm): string {
  const words: Readonly<Record<string, (arm: Arm) => string>> = {
    threads: ({ threads }) => String(threads),
    'load threads': ({ loadThreads }) => String(loadThreads ?? 'its own'),
    context: ({ context }) => String(context),
    prompt: ({ prompt }) => String(prompt),
    'generated tokens': ({ generate }) => String(generate),
    'instruction set': ({ isa }) => isa,
    command: ({ command }) => (command == null ? '' : command.argv.join(' ')),
  };
  const different = Object.entries(words).flatMap(([name, of]) =>
    of(mine) === of(theirs) ? [] : [name === 'command' ? 'another command' : `${name} ${of(mine)}, not ${of(theirs)}`],
  );
  return different.length === 0 ? 'other work' : different.join('; ');
}
