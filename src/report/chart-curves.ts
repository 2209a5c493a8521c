/** What changes along a dimension: loads in a row, processes with one model, memory limits. Empty where none was measured. */
import type { Ledger, Setting } from '../samples/record.js';
import type { CellSummary, Summary } from '../statistics/summary-types.js';
import { gridChart } from './chart-grid.js';
import { rangeText, sizeUnit, spanOf, timeUnit } from './chart-view.js';
import { curvesOf } from './curves.js';
import { nameOf } from './foreign.js';
import { counted, duration, signedSize, significant, size } from './format.js';
import { labelOf, modelLabel, settingLabel } from './labels.js';
import { looksOf } from './looks.js';
import { momentIn, upperFirst } from './moment.js';
import { isCompared } from './places.js';
import type { Drawn } from './page-types.js';

export function curveCharts(summary: Summary, ledger: Ledger): readonly Drawn[] {
  return [...loadCharts(summary, ledger), ...processCharts(summary, ledger), ...limitCharts(summary, ledger)];
}

function loadCharts(summary: Summary, ledger: Ledger): readonly Drawn[] {
  const looks = looksOf(ledger);
  return curvesOf(summary, ledger.run.plan).flatMap(({ model, setting, memoryState, moment, first, loads, rows }) => {
    const times = rows.flatMap(({ points }) => points.flatMap(({ firstToken }) => firstToken ?? []));
    if (times.length === 0) return [];
    const { unit, ns } = timeUnit(Math.max(...times.map(({ value }) => value)));
    const counts = spanOf(
      times.map(({ n }) => n),
      'sample',
    );
    return gridChart({
      ...{ kind: 'loads', unit, title: titleOf(model, setting, `free memory ${memoryState}`) },
      note: `${upperFirst(moment)}; the first load is ${first}, each later one meets what the load before it left. Medians of ${counts}.`,
      places: [{ model, setting, state: first, memoryState }],
      columns: loads.map((load) => ({ name: `load ${load}`, brief: String(load) })),
      rows: rows.map(({ label, points }) => ({
        ...{ label, name: looks.get(label)?.name ?? label },
        cells: points.map(({ firstToken }) =>
          firstToken === null
            ? null
            : { value: firstToken.value / ns, text: significant(firstToken.value / ns), told: firstToken.text },
        ),
      })),
    });
  });
}

function processCharts(summary: Summary, ledger: Ledger): readonly Drawn[] {
  const looks = looksOf(ledger);
  return familiesOf(summary.scaling, ({ setting, state, memoryState }) => [setting, state, memoryState]).flatMap(
    (scalings) => {
      const [first] = scalings;
      const setting = summary.settings.find(({ key }) => key === first?.setting);
      const model = summary.models[setting?.model ?? ''];
      if (first === undefined || setting === undefined || model === undefined) return [];
      const name = modelLabel(model, Object.values(summary.models));
      const label = settingLabel(setting, summary.settings, ['processes']);
      const counts = [...new Set(scalings.flatMap(({ points }) => points.map(({ processes }) => processes)))];
      const largest = Math.max(0, ...scalings.flatMap(({ points }) => points.map(({ total }) => total ?? 0)));
      if (largest === 0) return [];
      const { unit, bytes } = sizeUnit(largest);
      const { state, memoryState } = first;
      const slopes = scalings.flatMap(({ label: loader, bytesPerProcess }) =>
        bytesPerProcess === null ? [] : [`${nameOf(loader)} ${signedSize(bytesPerProcess)}`],
      );
      const each = slopes.length === 0 || slopes.length > 8 ? '' : ` Each more process costs: ${slopes.join(', ')}.`;
      return gridChart({
        ...{ kind: 'processes', unit, title: titleOf(name, label, state, `free memory ${memoryState}`) },
        note: `Memory of all processes together, the page cache once, KV cache and scratch left out.${each}`,
        places: [{ model: name, setting: null, state, memoryState }],
        columns: counts
          .toSorted((a, b) => a - b)
          .map((count) => ({ name: counted(count, 'process', 'processes'), brief: `×${count}` })),
        rows: scalings.map(({ label: loader, points }) => ({
          ...{ label: nameOf(loader), name: looks.get(nameOf(loader))?.name ?? nameOf(loader) },
          cells: counts
            .toSorted((a, b) => a - b)
            .map((count) => {
              const total = points.find(({ processes }) => processes === count)?.total ?? null;
              return total === null
                ? null
                : { value: total / bytes, text: significant(total / bytes), told: size(total) };
            }),
        })),
      });
    },
  );
}

/** Settings that differ in nothing but their memory limit, the tightest limit last. */
function limitCharts(summary: Summary, ledger: Ledger): readonly Drawn[] {
  const limited = summary.settings.filter(({ memoryLimit }) => memoryLimit !== null);
  if (limited.length === 0) return [];
  const alike = (setting: Setting | undefined): unknown => ({ ...setting, key: null, memoryLimit: null });
  const settingOf = (key: string): Setting | undefined => summary.settings.find((each) => each.key === key);
  const cells = summary.cells.filter((cell) => isCompared(cell) && cell.load === 1);
  const looks = looksOf(ledger);
  return familiesOf(cells, ({ setting, state, memoryState }) => [
    alike(settingOf(setting)),
    state,
    memoryState,
  ]).flatMap((family) => {
    const keys = [...new Set(family.map(({ setting }) => setting))];
    const settings = keys
      .flatMap((key) => settingOf(key) ?? [])
      .toSorted((a, b) => (b.memoryLimit?.bytes ?? Infinity) - (a.memoryLimit?.bytes ?? Infinity));
    const times = family.flatMap(({ ttftNs }) => ttftNs?.median ?? []);
    const [first] = family;
    const model = summary.models[first?.arm.model ?? ''];
    if (first === undefined || model === undefined || settings.length < 2 || times.length === 0) return [];
    const { unit, ns } = timeUnit(Math.max(...times));
    const { state, memoryState } = first;
    const name = modelLabel(model, Object.values(summary.models));
    const labels = [...new Set(family.map(({ arm }) => labelOf(arm)))];
    const cellOf = (label: string, key: string): CellSummary | undefined =>
      family.find(({ arm, setting }) => labelOf(arm) === label && setting === key);
    return gridChart({
      ...{
        kind: 'limits',
        unit,
        moment: momentIn(family),
        title: titleOf(name, null, state, `free memory ${memoryState}`),
      },
      note: `${upperFirst(momentIn(family))} under each memory limit, of a model of ${size(model.tensorBytes)}. Where a cell is empty, no load succeeded under that limit.`,
      places: settings.map((setting) => ({
        ...{ model: name, setting: settingLabel(setting, summary.settings), state, memoryState },
      })),
      columns: settings.map(({ memoryLimit }) => {
        const limit = memoryLimit === null ? 'no limit' : size(memoryLimit.bytes);
        return { name: limit, brief: limit };
      }),
      rows: labels.map((label) => ({
        ...{ label, name: looks.get(label)?.name ?? label },
        cells: settings.map(({ key }) => {
          const time = cellOf(label, key)?.ttftNs ?? null;
          if (time === null) return null;
          const value = time.median / ns;
          return { value, text: significant(value), told: rangeText(time, duration) };
        }),
      })),
    });
  });
}

function familiesOf<T>(items: readonly T[], of: (item: T) => unknown): readonly (readonly T[])[] {
  const families = new Map<string, T[]>();
  for (const item of items) {
    const key = JSON.stringify(of(item));
    families.set(key, [...(families.get(key) ?? []), item]);
  }
  return [...families.values()];
}

function titleOf(...words: readonly (string | null)[]): string {
  return words.filter((word) => word !== null).join(' · ');
}
