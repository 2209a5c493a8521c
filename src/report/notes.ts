/** What a reader must know before believing the numbers. */
import { describe } from '../failure.js';
import { CACHE_MULTIPLE } from '../samples/limit-types.js';
import type { Ledger, Phase, Phases, Sample } from '../samples/record.js';
import { pairsForClaim } from '../statistics/claim.js';
import { LEAST_FOR_INTERVAL, median, quantiles } from '../statistics/order.js';
import type { CellSummary, Summary } from '../statistics/summary-types.js';
import { nameOf, sentenceOf } from './foreign.js';
import { counted, duration, enumeration, significant, size } from './format.js';
import { certificationNotes } from './free-memory.js';
import { settingLabels } from './labels.js';
import { momentIn, momentOf } from './moment.js';
import { isCompared, placesOf, unsupportedAlike } from './places.js';
import { disturbedNotes, precisionNotes, waitNotes } from './quiet-notes.js';
import { shardNotes } from './shards.js';

type Facts = Readonly<Record<string, unknown>>;

/** Notes of the whole run, the gravest first. */
export function notesOf(summary: Summary, { grave, caveats, usual }: NoteGroups): readonly string[] {
  const notes = warningsOf(summary).map(({ loaders, warning }) =>
    loaders === '' ? warning : `${warning} (${loaders})`,
  );
  return [...grave, ...caveats, ...usual, ...cut(notes)];
}

export interface NoteGroups {
  /** What stopped the run, and what is not in its numbers. */
  readonly grave: readonly string[];
  /** What this way of measuring cannot tell on this machine. */
  readonly caveats: readonly string[];
  readonly usual: readonly string[];
}

/** All but warnings of samples. */
export function noteGroups(summary: Summary, ledger: Ledger): NoteGroups {
  return {
    grave: [
      ...stopNotes(summary, ledger),
      ...shardNotes(ledger),
      ...precisionNotes(summary, ledger),
      ...excludedNotes(summary),
      ...disturbedNotes(summary),
      ...waitNotes(ledger),
    ].map(sentenceOf),
    caveats: [...virtualMachineNotes(summary, ledger), ...certificationNotes(ledger)].map(sentenceOf),
    usual: [
      ...workNotes(summary),
      ...remedyNotes(summary),
      ...ceilingNotes(summary, ledger),
      ...pairNotes(summary),
      ...pairlessNotes(summary),
      ...modeNotes(summary),
      ...noiseNotes(summary, ledger),
      ...harnessNotes(summary),
      ...processNotes(summary),
    ].map(sentenceOf),
  };
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

/** Where nothing was inferred: what was done instead, and what its times are to. */
function workNotes({ cells }: Summary): readonly string[] {
  return momentIn(cells) === 'first token'
    ? []
    : [
        'Loading alone was weighed (--no-inference): each load was followed by reading and summing every tensor byte once. Times to last needed byte end with what a first token reads (of a model that the kernel does not run, with everything), complete with the rest. There are no tokens, and nothing here is compared with the first token of another run.',
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
      remedies.set(text, (remedies.get(text) ?? new Set()).add(nameOf(arm.label)));
    }
  }
  return [...remedies].map(([text, labels]) => `${whose([...labels], cells)} ${text}`);
}

export function isVirtual({ virtualization }: Facts): boolean {
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
    const broken = placesOf(cells)
      .filter((place) => unsupportedAlike(place) === null)
      .flat()
      .filter(({ arm, completeNs }) => arm.model === model && arm.kind === 'ceiling' && completeNs === null);
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

/** Reading a smaller model twice reads the cache rather than memory. */
function cachedCeilingNote(name: string, tensorBytes: number, machine: Facts): string {
  const { cpu } = machine;
  const cache =
    typeof cpu === 'object' && cpu !== null && 'lastLevelCacheBytes' in cpu ? cpu.lastLevelCacheBytes : null;
  if (typeof cache !== 'number' || tensorBytes >= CACHE_MULTIPLE * cache) return '';
  return `${name} is smaller than ${CACHE_MULTIPLE} times the CPU's cache (${size(cache)}): its memory ceiling is partly the cache's speed, and small files say little about loading large ones.`;
}

function modelName(path: string): string {
  return nameOf(path.split('/').at(-1) ?? path);
}

function pairNotes({ cells }: Summary): readonly string[] {
  const places = placesOf(cells).map((place) =>
    place.map(({ ratio }) => ratio?.ttft?.pairs).filter((count) => count !== undefined),
  );
  const least = Math.min(...places.flat());
  const needed = pairsForClaim(Math.max(1, ...places.map((counts) => counts.length)));
  if (places.flat().length === 0 || least >= needed) return [];
  const stand = least === 1 ? 'a single pair' : `only ${least} pairs`;
  return [
    least >= LEAST_FOR_INTERVAL
      ? `Some ratios stand on ${stand}, too few to compare so many loaders at once: --rounds ${needed} or more can tell which are faster.`
      : `Some ratios stand on ${stand}: ${least === 1 ? 'it' : 'their range'} is no confidence interval, and the next run may fall outside. --rounds ${LEAST_FOR_INTERVAL} or more gives intervals${needed === LEAST_FOR_INTERVAL ? '' : `, ${needed} or more can tell which loaders are faster`}.`,
  ];
}

/** A loader with times and without a ratio stands last, however fast it was: nothing ran beside it. */
function pairlessNotes(summary: Summary): readonly string[] {
  const alone = placesOf(summary.cells).flatMap((place) => {
    const reference = place.find(({ isReference, outcomes }) => isReference && outcomes.ok > 0);
    if (reference === undefined) return [];
    return place.filter((cell) => !cell.isReference && isCompared(cell) && cell.ttftNs !== null && !cell.ratio?.ttft);
  });
  if (alone.length === 0) return [];
  const names = alone.map((cell) => `${nameOf(cell.arm.label)} (${whereOf(summary, cell)})`);
  const [has, its] = alone.length === 1 ? ['has', 'it'] : ['have', 'them'];
  return [
    `${enumeration(names)} ${has} no ratio and no rank: in no block was a valid sample of ${its} beside one of the reference.`,
  ];
}

/**
 * Above these a reader should compare ratios alone. Drift within a cell and in fixed arithmetic as highest ÷ lowest; stolen
 * time as a part of the time that phases last.
 */
const notable = { drift: 1.5, arithmetic: 1.25, stolen: 0.01 } as const;

/** Where a cell stands: its setting where that must be said, its states, and which load it is of several. */
function whereOf(summary: Summary, { setting, state, memoryState, load }: CellSummary): string {
  const { label } = settingLabels(summary, setting);
  return [label, state, load === 1 ? null : `load ${load}`, memoryState].filter((part) => part !== null).join(', ');
}

function modeNotes(summary: Summary): readonly string[] {
  return summary.cells.flatMap((cell) => {
    const { arm, ttftModes } = cell;
    if (ttftModes === null) return [];
    const { low, high } = ttftModes;
    return [
      `${nameOf(arm.label)} (${whereOf(summary, cell)}) has two modes, ${momentOf([arm])} in about ${duration(low.median)} (${counted(low.n, 'sample')}) or ${duration(high.median)} (${high.n}): its median describes nothing.`,
    ];
  });
}

function noiseNotes(summary: Summary, { run, samples }: Ledger): readonly string[] {
  const drifts = summary.cells.flatMap((cell) => {
    const { isReference, ttftNs, arm } = cell;
    return isReference && ttftNs !== null && ttftNs.max / ttftNs.min > notable.drift
      ? [`${nameOf(arm.label)} (${whereOf(summary, cell)}) ${duration(ttftNs.min)} to ${duration(ttftNs.max)}`]
      : [];
  });
  const spins: number[] = [];
  for (const { outcome, noise } of samples) {
    if (outcome !== 'ok') continue;
    for (const ns of [noise.spinBeforeNs, noise.spinAfterNs]) if (ns !== null) spins.push(ns);
  }
  const [spinLow = 0, spinHigh = 0] = quantiles(spins, [0.1, 0.9]);
  return [
    drifts.length === 0
      ? ''
      : `The machine drifted while it was measured: times to ${momentIn(summary.cells)} of the same reference ranged ${enumeration(drifts)}. Trust the ratios, which compare neighbours, more than the times.`,
    spinLow > 0 && spinHigh / spinLow > notable.arithmetic
      ? `The speed of the CPU varied: the same arithmetic took ${duration(spinLow)} to ${duration(spinHigh)} (10th to 90th percentile).`
      : '',
    stealNote(samples, run.machine),
  ].filter((note) => note !== '');
}

/**
 * Stolen time is counted from the sample's certification to the end of its child, over all CPUs, phases only within: a
 * share of the one in the other would be too high, so both are told.
 */
function stealNote(samples: readonly Sample[], { cpu }: Facts): string {
  const known = samples.flatMap((sample) =>
    sample.outcome === 'ok' && sample.pass === 'time' && sample.phases !== null && sample.noise.stealNs !== null
      ? [{ stolen: sample.noise.stealNs, lasted: phasesNs(sample.phases) }]
      : [],
  );
  const stolen = known.map((each) => each.stolen);
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const lasted = known.map((each) => each.lasted);
  const cores = isFacts(cpu) && typeof cpu['cores'] === 'number' ? cpu['cores'] : null;
  if (known.length === 0 || total(stolen) <= notable.stolen * (cores ?? 1) * total(lasted)) return '';
  return `The hypervisor took CPU time away around samples: median ${milliseconds(median(stolen))}, at most ${milliseconds(highest(stolen))}, over ${cores === null ? 'all CPUs' : counted(cores, 'CPU')} together; the phases of a sample lasted about ${duration(median(lasted))}.`;
}

/** Ticks of 10 ms: a median of 0 is no unit too small to read. */
function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(0)} ms`;
}

function phasesNs({ setup, open, acquire, firstToken, complete, prefill, decode, release }: Phases): number {
  const each: readonly (Phase | null)[] = [setup, open, acquire, firstToken, complete, prefill, decode, release];
  return each.reduce((sum, phase) => sum + (phase?.ns ?? 0), 0);
}

/** Of more values than a call takes arguments. */
function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

function harnessNotes({ cells }: Summary): readonly string[] {
  const harness = cells.filter(({ arm }) => arm.work === 'none');
  const known = (of: (cell: CellSummary) => number | null | undefined): readonly number[] =>
    harness.map(of).filter((value) => value !== null && value !== undefined);
  const loads = harness.flatMap(({ loadNs }) => loadNs?.values ?? []);
  const held = known(({ footprint }) => footprint?.unreclaimable);
  const peaks = known(({ footprint }) => footprint?.peakUnreclaimable);
  const peak = peaks.length === 0 ? '' : `, ${size(median(peaks))} at its peak`;
  return [
    loads.length === 0
      ? ''
      : `null loads nothing: its ${duration(median(loads))} are the harness itself, part of every loader's load. It has no weights, and so no ${momentIn(cells)} and no ratio.`,
    held.length === 0
      ? ''
      : `The harness's share of every loader's unreclaimable memory is what null holds: ${size(median(held))}${peak}. It is not subtracted.`,
  ].filter((note) => note !== '');
}

function processNotes({ cells }: Summary): readonly string[] {
  const several = cells.filter(({ arm }) => arm.processes > 1);
  return [
    several.some(({ arm }) => arm.kind !== 'command')
      ? `Of several processes, times are those of the slowest; ${momentIn(cells) === 'first token' ? 'tokens per second are the sum of what each reached, and ' : ''}memory is that of all together, read while all held the model, its page cache counted once.`
      : '',
    several.some(({ arm }) => arm.kind === 'command')
      ? 'Of several processes of a command, all figures are those of the one that ended last, memory and tokens per second too.'
      : '',
  ].filter((note) => note !== '');
}

/** More kinds of warnings than this would hide the other notes. */
const MOST_WARNINGS = 8;

function cut(notes: readonly string[]): readonly string[] {
  const more = notes.length - MOST_WARNINGS;
  return more <= 0
    ? notes
    : [...notes.slice(0, MOST_WARNINGS), `… and ${counted(more, 'warning')} more in the ledger.`];
}

/** Distinct warnings, first those of the run, whose `loaders` is empty, and then those of samples with whose they are. */
export function warningsOf({
  cells,
  warnings,
}: Summary): readonly { readonly loaders: string; readonly warning: string }[] {
  const arms = new Map<string, Set<string>>();
  for (const { arm, warnings: ofCell } of cells) {
    for (const warning of ofCell) arms.set(warning, (arms.get(warning) ?? new Set()).add(nameOf(arm.label)));
  }
  return [
    ...warnings.map((warning) => ({ loaders: '', warning: sentenceOf(warning) })),
    ...[...arms].map(([warning, labels]) => ({ loaders: whose([...labels], cells), warning: sentenceOf(warning) })),
  ];
}

/** `labels` as nameOf gives them. */
function whose(labels: readonly string[], cells: Summary['cells']): string {
  if (labels.length <= 3) return enumeration(labels);
  const named = cells.filter(({ arm }) => labels.includes(nameOf(arm.label)));
  const programs = named.filter(({ arm }) => arm.kind === 'command').length;
  const what = programs === 0 ? 'loaders' : programs === named.length ? 'commands' : 'loaders and commands';
  return `${labels.length} ${what}`;
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
  return sentenceOf(
    facts
      .filter((fact) => fact !== '')
      .map(nameOf)
      .join(' · '),
  );
}
