/** The ledger of a loader weighed against itself, made by hand. */
import type { Ledger, Sample, State } from '../../src/samples/record.js';
import { arm, ledger, ok } from './ledger-builder.js';
import { random } from './random.js';

export const base = arm('mmap-shared');
export const copy = arm('mmap-shared', { id: `${base.id}#2`, label: 'mmap-shared#2' });

export interface Recording {
  readonly rounds: number;
  /** Standard deviation of log times. */
  readonly sd?: number;
  /** Relative, over the whole run. */
  readonly drift?: number;
  readonly states?: readonly State[];
}

/** One round every ten seconds. */
export function aaLedger({ rounds, sd = 0.02, drift = 0, states = ['warm'] }: Recording): Ledger {
  const draw = random(23);
  const samples = Array.from({ length: rounds }, (_, round) =>
    states.flatMap((state) =>
      [base, copy].map((of, position): Sample => {
        const slower = Math.log1p(drift) * ((2 * round + position) / (2 * rounds));
        const factor = (): number => Math.exp(slower + sd * draw.normal());
        const startedAt = new Date(Date.UTC(2026, 0, 2) + 10_000 * round + 2000 * position).toISOString();
        const times = { ttftNs: Math.round(2e7 * factor()), completeNs: Math.round(3e7 * factor()) };
        const tokensPerSecond = { prefill: 80, decode: 12 / factor() };
        return { ...ok({ arm: of, round: round + 1, state }, times), tokensPerSecond, startedAt };
      }),
    ),
  ).flat();
  return ledger({ arms: [base, copy], samples, states });
}
