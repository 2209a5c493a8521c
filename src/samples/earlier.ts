/** Ledgers that were written before a field existed: read as if it had said that there was nothing. */
import type { Arm, LedgerRecord, RunRecord, Sample } from './record.js';

/** Fields that records of the same schema have gained, each optional as it may stand on disk. */
type Earlier<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
type EarlierArm = Earlier<Arm, 'origin' | 'module'>;
type EarlierRun = Omit<RunRecord, 'arms' | 'limits' | 'plan'> & {
  readonly arms: Readonly<Record<string, EarlierArm>>;
  readonly limits?: RunRecord['limits'];
  readonly plan: Earlier<RunRecord['plan'], 'homes'>;
};

export function withLaterFields(record: LedgerRecord): LedgerRecord {
  if (record.kind === 'run') return laterRun(record);
  return record.kind === 'sample' ? laterSample(record) : record;
}

function laterRun(run: EarlierRun): RunRecord {
  const arms = Object.entries(run.arms).map(([id, arm]): [string, Arm] => [
    id,
    { ...arm, origin: arm.origin ?? 'built-in', module: arm.module ?? null },
  ]);
  return {
    ...run,
    arms: Object.fromEntries(arms),
    limits: (run.limits ?? []).map((limit) => ({ ...limit, path: limit.path ?? null })),
    plan: { ...run.plan, homes: run.plan.homes ?? {} },
  };
}

function laterSample(sample: Sample): Sample {
  return { ...sample, debt: sample.debt ?? null, traffic: sample.traffic ?? null } as Sample;
}
