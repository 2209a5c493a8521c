/** Ledgers of runs that were registered to be judged, made by hand. */
import { register, usualThresholds } from '../../src/gate/register.js';
import type { Arm, EndRecord, GateMetric, Ledger, Sample } from '../../src/samples/record.js';
import { arm, ledger, ok, type Contents } from '../statistics/ledger-builder.js';

export const base = arm('read');
export const head = arm('mmap-shared');

export interface Recorded {
  readonly samples: readonly Sample[];
  readonly pairs?: number;
  readonly metrics?: readonly GateMetric[] | null;
  readonly floor?: number | null;
  readonly arms?: readonly Arm[];
  readonly stopped?: EndRecord['stopped'];
  readonly contents?: Partial<Contents>;
}

export function gateLedger(recorded: Recorded): Ledger {
  const { samples, pairs = 40, metrics = ['ttft'], floor = null, arms = [base, head], stopped = 'complete' } = recorded;
  const end = { kind: 'end', endedAt: '2026-01-02T03:09:05.000Z', stopped, message: null } as const;
  const built = ledger({ arms, samples, ledger: { end }, ...recorded.contents });
  const { plan, arms: byId } = built.run;
  const named = { ...plan, arms: arms.map(({ id }) => id), reference: { [base.model]: arms[0]?.id ?? '' } };
  const gate = register(
    { plan: named, arms: byId },
    { metrics, thresholds: usualThresholds(0.05), pairs, floorOf: () => floor },
  );
  return { ...built, run: { ...built.run, plan: { ...named, order: 'counterbalanced', gate } } };
}

/** Pairs of samples whose head is worse by `change` in its time to first token, with a little scatter. */
export function pairs(
  count: number,
  change: number,
  [of, against]: readonly [Arm, Arm] = [head, base],
  scatter = 0.005,
): readonly Sample[] {
  return Array.from({ length: count }, (_, index) => {
    const wobble = 1 + scatter * (index % 2 === 0 ? 1 : -1) * (1 + (index % 5) / 5);
    return [
      ok({ arm: against, round: index + 1 }, { ttftNs: 20_000_000 }),
      ok({ arm: of, round: index + 1 }, { ttftNs: Math.round(20_000_000 * (1 + change) * wobble) }),
    ];
  }).flat();
}
