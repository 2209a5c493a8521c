/** Several processes with one model: what one more of them costs, loader by loader. */
import { printable } from '../failure.js';
import type { ProcessScaling, Summary } from '../statistics/summary-types.js';
import { duration, percent, signedSize, significant, size } from './format.js';
import { modelLabel, settingLabel } from './labels.js';
import type { ProcessRow, ProcessTable } from './report-types.js';

/** A table for each setting, the count of processes aside, and state. */
export function processTablesOf(summary: Summary): readonly ProcessTable[] {
  const tables = new Map<string, ProcessScaling[]>();
  for (const scaling of summary.scaling) {
    const key = JSON.stringify([scaling.setting, scaling.state, scaling.memoryState]);
    tables.set(key, [...(tables.get(key) ?? []), scaling]);
  }
  return [...tables.values()].flatMap((scalings) => {
    const [first] = scalings;
    const setting = summary.settings.find(({ key }) => key === first?.setting);
    const model = summary.models[setting?.model ?? ''];
    if (first === undefined || setting === undefined || model === undefined) return [];
    return [
      {
        model: modelLabel(model, Object.values(summary.models)),
        setting: settingLabel(setting, summary.settings, ['processes']),
        state: first.state,
        memoryState: first.memoryState,
        moment: setting.work === 'touch' ? 'last needed byte' : 'first token',
        rows: scalings.flatMap((scaling) => rowsOf(scaling, model.tensorBytes)),
      },
    ];
  });
}

function rowsOf({ label, points, bytesPerProcess }: ProcessScaling, tensorBytes: number): readonly ProcessRow[] {
  const text = (value: number | null, of: (known: number) => string): string | null =>
    value === null ? null : of(value);
  // Where nothing was measured, the section says why.
  return points.filter(isMeasured).map((point, index, { length }) => {
    const slope = index === length - 1 ? bytesPerProcess : null;
    return {
      label: printable(`${label} ×${point.processes}`),
      processes: point.processes,
      firstToken: text(point.firstTokenNs, duration),
      decode: text(point.decodeTokensPerSecond, significant),
      slowestDecode: text(point.slowestDecodeTokensPerSecond, significant),
      unreclaimable: text(point.unreclaimable, size),
      total: text(point.total, size),
      shared: text(point.shared, size),
      eachMore: text(slope, signedSize),
      eachMoreOfModel: text(slope, (bytes) => percent(bytes / tensorBytes)),
    };
  });
}

function isMeasured({ firstTokenNs, total, unreclaimable }: ProcessScaling['points'][number]): boolean {
  return firstTokenNs !== null || total !== null || unreclaimable !== null;
}
