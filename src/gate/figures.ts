/** The figures of a run that a later one can be held against: of each arm, state and metric. Pure. */
import { baselineKey, usesWeights } from '../plan/arms.js';
import { ceilingsOf } from '../plan/blocks.js';
import { settingKeyOf } from '../plan/settings.js';
import type { Arm, GateMetric, Ledger, MemoryState, Sample, State } from '../samples/record.js';
import { METRICS, COMMAND_METRICS, COUNTERS, isCounter, valueOf } from '../statistics/metrics.js';
import { median } from '../statistics/order.js';
import { pairsOf, type OkSample } from '../statistics/pairs.js';
import { unitsOf } from '../statistics/units.js';
import type { BaselineCeiling, BaselineEntry, BaselineMetric } from './baseline-types.js';

/**
 * Of loaders and commands, in plan order, those without any sample left out. One without an ok sample has no metrics: that
 * it was weighed is known, and nothing else.
 */
export function entriesOf(ledger: Ledger): readonly BaselineEntry[] {
  const { plan, arms, models } = ledger.run;
  const units = unitsOf(ledger).filter(({ pass, load }) => pass === 'time' && load === 1);
  return plan.arms.flatMap((id) => {
    const arm = arms[id];
    const model = arm === undefined ? undefined : models[arm.model];
    if (arm === undefined || model === undefined || (!usesWeights(arm) && arm.work !== 'command')) return [];
    return placesOf(ledger).flatMap((place): readonly BaselineEntry[] => {
      const mine = at(units, id, place);
      const count = (outcomes: readonly string[]): number =>
        mine.filter(({ outcome }) => outcomes.includes(outcome)).length;
      const [ok, failed] = [count(['ok']), count(['failed', 'mismatch'])];
      if (mine.length === 0) return [];
      return [
        {
          key: baselineKey(arm),
          label: arm.label,
          ...(arm.work === 'touch' ? { work: arm.work } : {}),
          ...{ model: model.headerDigest, modelBytes: model.bytes, ...place, ok, failed },
          metrics: metricsOf(mine, ceilingSamples(ledger, units, arm, place), place.state),
        },
      ];
    });
  });
}

export function ceilingFigures(ledger: Ledger): readonly BaselineCeiling[] {
  const { plan, arms, models } = ledger.run;
  const units = unitsOf(ledger).filter(({ pass }) => pass === 'time');
  return Object.entries(plan.ceilings).flatMap(([, byState]) =>
    placesOf(ledger).flatMap((place): readonly BaselineCeiling[] => {
      const id = byState[place.state];
      const arm = arms[id ?? ''];
      if (id === undefined || arm === undefined) return [];
      const times = okOf(at(units, id, place)).flatMap(({ completeNs }) => (completeNs === null ? [] : [completeNs]));
      const model = models[arm.model]?.headerDigest;
      if (times.length === 0 || model === undefined) return [];
      return [{ model, ...place, limit: arm.loader, medianNs: median(times), n: times.length }];
    }),
  );
}

interface Place {
  readonly state: State;
  readonly memoryState: MemoryState;
}

function placesOf({ run: { plan } }: Ledger): readonly Place[] {
  return plan.memoryStates.flatMap((memoryState) => plan.states.map((state) => ({ state, memoryState })));
}

function at(units: readonly Sample[], id: string, { state, memoryState }: Place): readonly Sample[] {
  return units.filter((unit) => unit.arm.id === id && unit.state === state && unit.memoryState === memoryState);
}

function okOf(samples: readonly Sample[]): readonly OkSample[] {
  return samples.filter((sample) => sample.outcome === 'ok');
}

function ceilingSamples(ledger: Ledger, units: readonly Sample[], arm: Arm, place: Place): readonly Sample[] {
  const [limit] = ceilingsOf(ledger.run.plan, settingKeyOf(arm), place.state);
  return limit === undefined || ledger.run.arms[limit]?.loader === 'home' ? [] : at(units, limit, place);
}

function metricsOf(
  samples: readonly Sample[],
  ceilings: readonly Sample[],
  state: State,
): Readonly<Partial<Record<GateMetric, BaselineMetric>>> {
  const found = [...METRICS, ...COMMAND_METRICS, ...COUNTERS].flatMap((metric) => {
    const values = okOf(samples).flatMap((sample) => {
      const value = valueOf(sample, metric);
      return value === null || (value <= 0 && !isCounter(metric)) ? [] : [value];
    });
    if (values.length === 0) return [];
    const normalized = isLimited(metric, state) ? normalizedOf(samples, ceilings, metric) : [];
    const figures = { values, median: median(values), normalized: normalized.length === 0 ? null : normalized };
    return [[metric, figures] as const];
  });
  return Object.fromEntries(found);
}

/** What the ceiling of a state can explain: of decoding, memory alone. */
function isLimited(metric: GateMetric, state: State): boolean {
  if (metric === 'decode' || metric === 'token') return state === 'warm';
  return !isCounter(metric);
}

function normalizedOf(samples: readonly Sample[], ceilings: readonly Sample[], metric: GateMetric): readonly number[] {
  return pairsOf(samples, ceilings).flatMap(({ head, base }) => {
    const value = valueOf(head, metric);
    return value === null || value <= 0 || base.completeNs === null ? [] : [value / base.completeNs];
  });
}
