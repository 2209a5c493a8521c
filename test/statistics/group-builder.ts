/** Ledgers with several processes, made by hand. */
import type { Arm, Group, GroupMemory, Ledger, Sample, Setting, SummedMemory } from '../../src/samples/record.js';
import { arm, ledger, MODEL, ok, type Position } from './ledger-builder.js';

export const MIB = 2 ** 20;

export function setting(processes: number): Setting {
  const key = processes === 1 ? MODEL : `${MODEL} x${processes}`;
  return { key, model: MODEL, threads: 2, processes, memoryLimit: null, context: 64, pressure: null, numa: null };
}

export function armOf(loader: string, processes: number): Arm {
  const { key } = setting(processes);
  return arm(loader, { id: `${loader} ${key}`, setting: key, processes });
}

function sums(held: number): SummedMemory {
  const none = { pssShmem: 0, hugetlb: 0, swap: 0, pageTables: 0 };
  return { pss: held, pssAnonymous: held, pssFile: 0, rssFile: 0, ...none };
}

export function memoryOf(held: number): GroupMemory {
  return {
    baseline: sums(10 * MIB),
    firstToken: sums(10 * MIB + held),
    peakUnreclaimable: held,
    ...{ kvCacheBytes: 4 * MIB, scratchBytes: MIB, cachedBytes: 8 * MIB, sharedBytes: 8 * MIB },
  };
}

/** A group whose processes took so long to their first token. */
export function group(
  position: Position & { readonly block?: number },
  ttfts: readonly number[],
  overrides: Partial<Group> = {},
): { readonly samples: readonly Sample[]; readonly group: Group } {
  const {
    round = 1,
    block = 1,
    attempt = 0,
    pass = 'time',
    state = 'warm',
    memoryState = 'backed',
    arm: of,
  } = position;
  const id = `${pass} ${round} ${block} ${of.id} ${attempt}`;
  const samples = ttfts.map((ttftNs, index) => {
    const sample = ok(position, { ttftNs, completeNs: ttftNs + 1e6 });
    return { ...sample, group: id, process: { ...sample.process, index, of: ttfts.length } };
  });
  return {
    samples,
    group: {
      kind: 'group',
      ...{ id, round, block, position: 0, attempt, pass, startedAt: '2026-01-02T03:04:06.000Z', state, memoryState },
      arm: { id: of.id, loader: of.loader, model: of.model },
      ...{ load: 1, processes: ttfts.length, outcome: 'ok', reason: null },
      ttftNs: pass === 'time' ? Math.max(...ttfts) : null,
      completeNs: pass === 'time' ? Math.max(...ttfts) + 1e6 : null,
      startSpreadNs: 1000,
      tokensPerSecond: { prefill: 160, decode: 24, slowestDecode: 11 },
      memory: null,
      ...overrides,
    },
  };
}

export type Entry = ReturnType<typeof group>;

export function ledgerOf(arms: readonly Arm[], alone: readonly Sample[], entries: readonly Entry[]): Ledger {
  const made = ledger({ arms, samples: [...alone, ...entries.flatMap(({ samples }) => samples)] });
  const settings = [...new Set(arms.map(({ processes }) => processes))].map(setting);
  const reference = Object.fromEntries(
    settings.map(({ key }) => [key, arms.find((each) => each.setting === key)?.id ?? '']),
  );
  const plan = { ...made.run.plan, settings, reference };
  return { ...made, run: { ...made.run, plan }, groups: entries.map((entry) => entry.group) };
}
