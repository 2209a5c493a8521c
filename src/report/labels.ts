/** How people read what is compared: arms, models, settings. */
import type { Arm, ModelRecord, Setting } from '../samples/record.js';
import type { Summary } from '../statistics/summary-types.js';
import { nameOf, sentenceOf } from './foreign.js';
import { counted, size } from './format.js';

export function labelOf(arm: Arm): string {
  const label = nameOf(arm.label);
  if (arm.kind === 'ceiling') return label.includes('ceiling') ? label : `${label} ceiling`;
  if (arm.kind === 'bound') return `${label} (bound)`;
  if (arm.origin === 'external') return `${label} (external)`;
  return arm.work === 'none' ? `${label} (harness)` : label;
}

/** The name of its file; beside others of that name with its folder or, where that is the same too, its digest. */
export function modelLabel(model: ModelRecord, beside: readonly ModelRecord[] = []): string {
  const tail = ({ path }: ModelRecord, names: number): string => path.split('/').slice(-names).join('/');
  const others = beside.filter((other) => other !== model);
  const isAlone = (names: number): boolean => others.every((other) => tail(other, names) !== tail(model, names));
  if (isAlone(1)) return nameOf(tail(model, 1));
  return nameOf(isAlone(2) ? tail(model, 2) : `${tail(model, 1)} (${model.headerDigest})`);
}

/** The model of a setting, and what else must be said of it: null where nothing. */
export function settingLabels(
  { settings, models }: Pick<Summary, 'settings' | 'models'>,
  key: string,
): { readonly model: string; readonly label: string | null } {
  const setting = settings.find((each) => each.key === key);
  const model = models[setting?.model ?? key];
  return {
    model: model === undefined ? nameOf(setting?.model ?? key) : modelLabel(model, Object.values(models)),
    label: setting === undefined ? null : settingLabel(setting, settings),
  };
}

/** Whatever differs between settings of a model, and what is not as usual. `without`: dimensions that are told elsewhere. */
export function settingLabel(
  setting: Setting,
  settings: readonly Setting[],
  without: readonly (keyof Setting)[] = [],
): string | null {
  const peers = settings.filter(({ model }) => model === setting.model);
  const differs = (of: (each: Setting) => unknown): boolean => new Set(peers.map(of)).size > 1;
  const { threads, context, processes, memoryLimit, pressure, numa } = setting;
  const said = (name: keyof Setting, when: boolean, text: string): readonly string[] =>
    when && !without.includes(name) ? [text] : [];
  const words = [
    ...said('work', setting.work === 'touch', 'loading alone'),
    ...said('processes', processes > 1 || differs((of) => of.processes), counted(processes, 'process', 'processes')),
    ...said(
      'memoryLimit',
      memoryLimit !== null || differs((of) => of.memoryLimit?.bytes),
      memoryLimit === null ? 'no memory limit' : `memory limit ${limitText(memoryLimit)}`,
    ),
    ...said(
      'threads',
      differs((of) => of.threads),
      counted(threads, 'thread'),
    ),
    ...said(
      'context',
      differs((of) => of.context),
      `context ${context}`,
    ),
    ...said(
      'pressure',
      pressure !== null || differs((of) => JSON.stringify(of.pressure)),
      pressure === null ? 'no pressure' : pressureText(pressure),
    ),
    ...said('numa', numa !== null || differs((of) => of.numa), numa === null ? 'any NUMA node' : `NUMA node ${numa}`),
  ];
  return words.length === 0 ? null : sentenceOf(words.join(' · '));
}

function limitText({ text, bytes }: NonNullable<Setting['memoryLimit']>): string {
  return text.endsWith('%') ? `${text} of the model (${size(bytes)})` : size(bytes);
}

function pressureText({ kind, bytes, path }: NonNullable<Setting['pressure']>): string {
  if (kind === 'memory') return `${size(bytes)} of memory held beside it`;
  const name = path?.split('/').at(-1) ?? 'a file';
  return kind === 'stream' ? `${name} read beside it` : `a bystander with ${size(bytes)} of ${name} cached`;
}
