/** What a reader must know before believing the numbers. */
import { describe, printable } from '../failure.js';
import type { Ledger, Sample } from '../samples/record.js';
import { LEAST_FOR_INTERVAL, median } from '../statistics/order.js';
import type { Summary } from '../statistics/summary-types.js';
import { counted, duration, enumeration, percent, significant, size } from './format.js';

type Facts = Readonly<Record<string, unknown>>;

/** Notes of the whole run, the gravest first. */
export function notesOf(summary: Summary, ledger: Ledger): readonly string[] {
  return [
    ...stopNotes(summary, ledger),
    ...excludedNotes(summary),
    ...virtualMachineNotes(summary, ledger),
    ...remedyNotes(summary),
    ...ceilingNotes(summary, ledger),
    ...pairNotes(summary),
    ...noiseNotes(summary, ledger),
    ...harnessNotes(summary),
    ...warningNotes(summary),
  ].map(printable);
}

function stopNotes({ samples, stopped }: Summary, { end, resumes }: Ledger): readonly string[] {
  const stops: Readonly<Record<string, string>> = {
    'time-budget': 'the time budget was spent',
    interrupted: 'it was interrupted',
    error: `of an error${end?.message === null || end === null ? '' : ` (${end.message})`}`,
  };
  const why = stopped === null ? 'its end was not recorded' : stops[stopped];
  return [
    why === undefined
      ? ''
      : `The run is not complete: it stopped after ${counted(samples.total, 'sample')} because ${why}.`,
    resumes.length === 0
      ? ''
      : `The run was resumed ${counted(resumes.length, 'time')}; ceilings were chosen anew each time.`,
  ].filter((note) => note !== '');
}

function excludedNotes({ samples, cells }: Summary): readonly string[] {
  const excluded = samples.invalid + samples.mismatch + samples.failed;
  if (excluded === 0) return [];
  const codes = new Map<string, number>();
  for (const { outcome, reason, count } of cells.flatMap(({ reasons }) => reasons)) {
    if (outcome === 'unsupported') continue;
    const key = `${outcome}: ${reason.code}`;
    codes.set(key, (codes.get(key) ?? 0) + count);
  }
  const why = [...codes].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${count} × ${code}`);
  return [
    `${excluded} of ${counted(samples.total, 'sample')} ${excluded === 1 ? 'is' : 'are'} kept in the ledger but not in these numbers (${why.join(', ')}).`,
  ];
}

/** Once for all states: who could do what about samples that are not ok. */
function remedyNotes({ cells }: Summary): readonly string[] {
  const remedies = new Map<string, Set<string>>();
  for (const { arm, reasons } of cells) {
    if (arm.kind === 'ceiling') continue;
    for (const { outcome, reason } of reasons) {
      if (reason.remedy === null) continue;
      const text = `${outcome}: ${describe(reason)}.`;
      remedies.set(text, (remedies.get(text) ?? new Set()).add(arm.label));
    }
  }
  return [...remedies].map(([text, labels]) => `${whose([...labels])} ${text}`);
}

function isVirtual({ virtualization }: Facts): boolean {
  return isFacts(virtualization) ? virtualization['virtual'] === true : typeof virtualization === 'string';
}

function isFacts(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null;
}

function virtualMachineNotes({ cells }: Summary, { run }: Ledger): readonly string[] {
  const { firstTouch } = run.ceilings;
  const slower = firstTouch.returnedNs === null ? null : firstTouch.returnedNs / firstTouch.backedNs;
  return [
    isVirtual(run.machine) && cells.some(({ state }) => state === 'cold')
      ? "This is a virtual machine: cold is guest-cold. The host may still hold the file in its own cache, so that a first load after the host's reboot can be slower."
      : '',
    slower !== null && slower > 1.5 && !run.plan.memoryStates.includes('returned')
      ? `Free memory that the host has taken back is touched ${significant(slower)} times more slowly here than backed memory; loaders that fill fresh memory pay for it. --memory-state backed,returned shows both.`
      : '',
  ].filter((note) => note !== '');
}

function ceilingNotes({ cells }: Summary, { run }: Ledger): readonly string[] {
  return run.plan.models.flatMap((model) => {
    const chosen = run.ceilings.device[model];
    const broken = cells.filter(
      ({ arm, completeNs }) => arm.model === model && arm.kind === 'ceiling' && completeNs === null,
    );
    const name = modelName(run.models[model]?.path ?? model);
    return [
      chosen === undefined || chosen.reason === null
        ? ''
        : `${name}: no device ceiling, so cold loads have no share of it: ${describe(chosen.reason)}.`,
      ...broken.map(({ arm, reasons, state }) => {
        const [first] = reasons;
        const why = first === undefined ? 'it was not sampled' : describe(first.reason);
        return `${name}: the ${arm.label} ceiling has no valid sample (${state}): ${why}.`;
      }),
      cachedCeilingNote(name, run.models[model]?.tensorBytes ?? 0, run.machine),
    ].filter((note) => note !== '');
  });
}

/** Below this many times the last-level cache, reading a model twice reads the cache rather than memory. */
const CACHE_MULTIPLE = 4;

function cachedCeilingNote(name: string, tensorBytes: number, machine: Facts): string {
  const { cpu } = machine;
  const cache =
    typeof cpu === 'object' && cpu !== null && 'lastLevelCacheBytes' in cpu ? cpu.lastLevelCacheBytes : null;
  if (typeof cache !== 'number' || tensorBytes >= CACHE_MULTIPLE * cache) return '';
  return `${name} is smaller than ${CACHE_MULTIPLE} times the CPU's cache (${size(cache)}): its memory ceiling is partly the cache's speed, and small files say little about loading large ones.`;
}

function modelName(path: string): string {
  return path.split('/').at(-1) ?? path;
}

function pairNotes({ cells }: Summary): readonly string[] {
  const pairs = cells.map(({ ratio }) => ratio?.ttft?.pairs).filter((count) => count !== undefined);
  const least = Math.min(...pairs);
  if (pairs.length === 0 || least >= LEAST_FOR_INTERVAL) return [];
  return [
    `Some ratios stand on ${least === 1 ? 'a single pair' : `only ${least} pairs`}: their range is no confidence interval, and the next run may fall outside. --rounds ${LEAST_FOR_INTERVAL} or more gives intervals.`,
  ];
}

/** Above these a reader should compare ratios alone. Drift within a cell and in fixed arithmetic as highest ÷ lowest. */
const notable = { drift: 1.5, arithmetic: 1.25, stolen: 0.01 } as const;

function noiseNotes({ cells }: Summary, { samples }: Ledger): readonly string[] {
  const drifts = cells.flatMap(({ isReference, ttftNs, state, memoryState, arm }) =>
    isReference && ttftNs !== null && ttftNs.max / ttftNs.min > notable.drift
      ? [`${arm.label} ${state} ${memoryState} ${duration(ttftNs.min)} to ${duration(ttftNs.max)}`]
      : [],
  );
  const ok = samples.filter((sample) => sample.outcome === 'ok');
  const spins = ok.flatMap(({ noise }) => [noise.spinBeforeNs, noise.spinAfterNs]).filter((ns) => ns !== null);
  const spinLow = quantile(spins, 0.1);
  const spinHigh = quantile(spins, 0.9);
  const stolen = total(ok, ({ noise }) => noise.stealNs ?? 0);
  const measured = total(ok, measuredNs);
  return [
    drifts.length === 0
      ? ''
      : `The machine drifted while it was measured: times to first token of the same reference ranged ${enumeration(drifts)}. Trust the ratios, which compare neighbours, more than the times.`,
    spinLow > 0 && spinHigh / spinLow > notable.arithmetic
      ? `The speed of the CPU varied: the same arithmetic took ${duration(spinLow)} to ${duration(spinHigh)} (10th to 90th percentile).`
      : '',
    measured > 0 && stolen / measured > notable.stolen
      ? `The hypervisor took CPU time away while samples ran: ${percent(stolen / measured)} of their duration.`
      : '',
  ].filter((note) => note !== '');
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

function measuredNs(sample: Extract<Sample, { readonly outcome: 'ok' }>): number {
  return sample.phases === null
    ? (sample.completeNs ?? 0)
    : total(Object.values(sample.phases), (phase: { ns: number } | null) => phase?.ns ?? 0);
}

/** Nearest rank; 0 of nothing. */
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function harnessNotes({ cells }: Summary): readonly string[] {
  const loads = cells.filter(({ arm }) => arm.work === 'none').flatMap(({ loadNs }) => loadNs?.values ?? []);
  if (loads.length === 0) return [];
  return [
    `null loads nothing: its ${duration(median(loads))} are the harness itself, part of every loader's load. It has no weights, and so no first token and no ratio.`,
  ];
}

/** More kinds of warnings than this would hide the other notes. */
const MOST_WARNINGS = 8;

function warningNotes({ cells, warnings }: Summary): readonly string[] {
  const arms = new Map<string, Set<string>>();
  for (const { arm, warnings: ofCell } of cells) {
    for (const warning of ofCell) arms.set(warning, (arms.get(warning) ?? new Set()).add(arm.label));
  }
  const notes = [...warnings, ...[...arms].map(([warning, labels]) => `${warning} (${whose([...labels])})`)];
  const more = notes.length - MOST_WARNINGS;
  return more <= 0
    ? notes
    : [...notes.slice(0, MOST_WARNINGS), `… and ${counted(more, 'warning')} more in the ledger.`];
}

function whose(arms: readonly string[]): string {
  return arms.length <= 3 ? enumeration(arms) : `${arms.length} loaders`;
}

/** CPU, memory and kernel, as far as they are known. */
export function machineLine(machine: Facts): string {
  const cpu = isFacts(machine['cpu']) ? machine['cpu'] : {};
  const memory = isFacts(machine['memory']) ? machine['memory'] : {};
  const facts = [
    typeof cpu['model'] === 'string' ? cpu['model'] : '',
    typeof cpu['usableCores'] === 'number' ? counted(cpu['usableCores'], 'CPU') : '',
    typeof memory['totalBytes'] === 'number' ? size(memory['totalBytes']) : '',
    typeof machine['kernel'] === 'string' ? `Linux ${machine['kernel'].replace(/^Linux /, '')}` : '',
    isVirtual(machine) ? 'virtual machine' : '',
  ];
  return printable(facts.filter((fact) => fact !== '').join(' · '));
}
