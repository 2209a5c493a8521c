/** The judged claims as people read them. Pure; contract between `claims` and the formats in `reports/`. */
import { printable } from '../failure.js';
import type { ModelRecord, RunRecord } from '../samples/record.js';
import type { Bounds, ClaimResult, Claimed, Measure } from '../statistics/claims-types.js';
import { nameOf } from './foreign.js';
import { confidence, counted, duration, percent, ratio, size } from './format.js';
import { machineLine } from './notes.js';

export interface ClaimLine {
  readonly what: string;
  readonly place: string;
  readonly median: string;
  /** With its confidence where it is an interval. */
  readonly bounds: string;
  /** What it was held against, and how that came out; null for what is shown beside. */
  readonly verdict: string | null;
}

export interface ClaimSection {
  readonly number: number;
  readonly claim: string;
  readonly verdict: string;
  readonly why: string;
  readonly asks: string;
  readonly lines: readonly ClaimLine[];
  readonly notes: readonly string[];
}

export interface ClaimsReport {
  readonly title: string;
  readonly machine: string;
  readonly claims: readonly ClaimSection[];
  readonly notes: readonly string[];
}

export function claimsReport(
  model: Pick<ModelRecord, 'path' | 'bytes' | 'fileSystem'>,
  run: Pick<RunRecord, 'machine' | 'tool'>,
  claims: readonly ClaimResult[],
  notes: readonly string[],
): ClaimsReport {
  const name = nameOf(model.path.split('/').at(-1) ?? model.path);
  return {
    title: printable(
      `The claims of 2023, weighed by ${run.tool}: ${name}, ${size(model.bytes)} on ${model.fileSystem}`,
    ),
    machine: machineLine(run.machine),
    claims: claims.map(sectionOf),
    notes: notes.map(printable),
  };
}

function sectionOf({ number, claim, verdict, why, asks, measures, notes }: ClaimResult): ClaimSection {
  return { number, claim, verdict, why: printable(why), asks, lines: measures.map(lineOf), notes };
}

function lineOf({ what, place, unit, bounds, claimed, verdict, why }: Measure): ClaimLine {
  const text = unitText(unit);
  const held = verdict === null || claimed === null ? null : `${verdict}, of ${claimText(claimed, unit)}`;
  return {
    what,
    place,
    median: bounds === null ? '–' : text(bounds.median),
    bounds: bounds === null ? printable(why) : boundsText(bounds, text),
    verdict: held,
  };
}

const TEXT: Readonly<Record<Measure['unit'], (value: number) => string>> = {
  ratio: (value) => `${ratio(value)}x`,
  share: (value) => (value < 0 ? `−${percent(-value)}` : percent(value)),
  bytes: size,
  ns: duration,
};

export function unitText(unit: Measure['unit']): (value: number) => string {
  return TEXT[unit];
}

export function boundsText({ n, low, high, confidence: level }: Bounds, text: (value: number) => string): string {
  if (n === 1 && low === high) return 'a single value';
  const range = `${text(low)}–${text(high)}`;
  return level === null ? `range of ${counted(n, 'value')} ${range}` : `${range} (${confidence(level)}, n ${n})`;
}

export function claimText({ bound, figure }: Claimed, unit: Measure['unit']): string {
  return `${bound === 'at-least' ? 'at least' : 'at most'} ${TEXT[unit](figure)}`;
}
