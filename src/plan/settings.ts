/** Settings: what arms must have in common to be compared. Everything but the loader and its own threads. */
import { UsageError } from '../failure.js';
import type { Arm, Plan, Pressure, Setting } from '../samples/record.js';

/** The setting of an arm; of a ledger from before there were settings, its model. */
export function settingKeyOf(arm: Pick<Arm, 'setting' | 'model'>): string {
  return arm.setting ?? arm.model;
}

/** Settings in plan order. Ledgers from before there were any have one a model, which its reference arm tells. */
export function settingsOf(plan: Plan, arms: Readonly<Record<string, Arm>>): readonly Setting[] {
  return plan.settings ?? plan.models.map((model) => earlierSetting(model, arms[plan.reference[model] ?? '']));
}

function earlierSetting(model: string, reference: Arm | undefined): Setting {
  const { threads = 0, context = 0 } = reference ?? {};
  return { key: model, model, threads, processes: 1, memoryLimit: null, context, pressure: null, numa: null };
}

/** A size as people give it: bytes, or a part of the model. */
export type SizeSpec =
  | { readonly kind: 'bytes'; readonly text: string; readonly bytes: number }
  | { readonly kind: 'percent'; readonly text: string; readonly percent: number };

/** Pressure that people give as `kind:path`. */
export const PRESSURE_OF_FILE = ['stream', 'bystander'] as const satisfies readonly Pressure['kind'][];

/** What a run asks for of each dimension; null in a list stands for none. An absent list has its one default. */
export interface Dimensions {
  readonly threads: readonly number[];
  /** Null: as many positions as are usual, or needed. */
  readonly contexts?: readonly (number | null)[];
  readonly processes?: readonly number[];
  readonly memoryLimits?: readonly (SizeSpec | null)[];
  readonly pressure?: readonly (Pressure | null)[];
  readonly numa?: readonly (number | null)[];
}

/** Every combination of the dimensions, for a model of `modelBytes`; the processes change fastest. */
export function combine(
  dimensions: Dimensions,
  model: string,
  modelBytes: number,
  contextOf: (asked: number | null) => number,
): readonly Setting[] {
  const { contexts = [null], processes = [1], memoryLimits = [null], pressure = [null], numa = [null] } = dimensions;
  const resolved = memoryLimits.map((limit) =>
    limit === null ? null : { text: limit.text, bytes: bytesOf(limit, modelBytes, model) },
  );
  // Two texts may mean one limit.
  const limits = resolved.filter((limit, at) => resolved.findIndex((each) => each?.bytes === limit?.bytes) === at);
  const all = dimensions.threads.flatMap((threads) =>
    [...new Set(contexts.map(contextOf))].flatMap((context) =>
      numa.flatMap((node) =>
        pressure.flatMap((against) =>
          limits.flatMap((memoryLimit) =>
            processes.map((count): Setting => ({
              ...{ key: model, model, threads, processes: count },
              ...{ memoryLimit, context, pressure: against, numa: node },
            })),
          ),
        ),
      ),
    ),
  );
  const [first] = all;
  return first === undefined
    ? []
    : all.map((setting) => ({ ...setting, key: [model, ...apart(setting, first)].join(' ') }));
}

function bytesOf(size: SizeSpec, whole: number, model: string): number {
  const bytes = size.kind === 'bytes' ? size.bytes : Math.round((whole * size.percent) / 100);
  if (bytes > 0) return bytes;
  throw new UsageError(`--memory-limit ${size.text} of ${model} (${whole} bytes) is less than one byte; give more`);
}

/** What differs from another setting, a word each: `t1`, `c2048`, `m60%`, `x4`. */
function apart(setting: Setting, from: Setting): readonly string[] {
  const words: Readonly<Record<string, (of: Setting) => string>> = {
    threads: ({ threads }) => `t${threads}`,
    context: ({ context }) => `c${context}`,
    numa: ({ numa }) => `n${numa ?? 'none'}`,
    pressure: ({ pressure }) => `p${pressure === null ? 'none' : pressureWord(pressure)}`,
    memoryLimit: ({ memoryLimit }) => `m${memoryLimit?.text ?? 'none'}`,
    processes: ({ processes }) => `x${processes}`,
  };
  return Object.values(words).flatMap((word) => (word(setting) === word(from) ? [] : [word(setting)]));
}

function pressureWord({ kind, bytes, path }: Pressure): string {
  return `${kind}:${path ?? bytes}`;
}

/** Whether the limits of device and memory say anything of it: one process, and nothing that works against it. */
export function hasCeilings({
  processes,
  memoryLimit,
  pressure,
}: Pick<Setting | Arm, 'processes' | 'memoryLimit' | 'pressure'>): boolean {
  return processes === 1 && memoryLimit === null && pressure === null;
}

/** Of an arm's id: every dimension that is not as usual, a word each. */
export function unusual({ processes, memoryLimit, pressure, numa }: Setting): readonly string[] {
  return [
    ...(processes === 1 ? [] : [`x${processes}`]),
    ...(memoryLimit === null ? [] : [`m${memoryLimit.bytes}`]),
    ...(pressure === null ? [] : [`p${pressureWord(pressure)}`]),
    ...(numa === null ? [] : [`n${numa}`]),
  ];
}
