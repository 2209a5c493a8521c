/** What is explained: a loader of one section, the loader that it is compared with, and the samples of both. */
import type { Sample } from '../samples/record.js';
import { LEAST_FOR_INTERVAL, median } from '../statistics/order.js';
import { pairsOf, type OkSample, type Pair } from '../statistics/pairs.js';
import type { CellSummary, PairedRatio } from '../statistics/summary-types.js';
import { confidence, counted } from './format.js';
import type { Moment } from './moment.js';

export interface View {
  readonly label: string;
  readonly cell: CellSummary;
  /** Ok samples of the time pass and of the memory pass. */
  readonly timed: readonly OkSample[];
  readonly weighed: readonly OkSample[];
  /** Loads that followed the first at once, ascending. */
  readonly later: readonly { readonly load: number; readonly timed: readonly OkSample[] }[];
}

export interface Case {
  readonly subject: View;
  readonly other: View | null;
  /** Of the time pass: subject and other in the same block. */
  readonly pairs: readonly Pair[];
  /** Comparisons made together in this section. */
  readonly comparisons: number;
  /** Every loader of the section. */
  readonly loaders: readonly View[];
  readonly ceilingLabel: string | null;
  readonly tensorBytes: number;
  readonly moment: Moment;
  /** Whether this is a virtual machine, whose host's page faults no counter here sees. */
  readonly virtual: boolean;
}

/** A sentence of a case, or null where the ledger lacks what it would say. */
export type Speaker = (of: Case) => string | null;

export function viewOf(
  label: string,
  cell: CellSummary,
  samples: readonly Sample[],
  later: readonly CellSummary[] = [],
): View {
  const ok = okOf(cell, samples);
  return {
    label,
    cell,
    timed: ok.filter(({ pass }) => pass === 'time'),
    weighed: ok.filter(({ pass }) => pass === 'memory'),
    later: later
      .filter(({ arm, memoryState }) => arm.id === cell.arm.id && memoryState === cell.memoryState)
      .map((each) => ({ load: each.load, timed: okOf(each, samples) })),
  };
}

function okOf({ arm, state, memoryState, load }: CellSummary, samples: readonly Sample[]): readonly OkSample[] {
  return samples.filter(
    (sample): sample is OkSample =>
      sample.outcome === 'ok' &&
      sample.arm.id === arm.id &&
      sample.state === state &&
      sample.memoryState === memoryState &&
      sample.load === load,
  );
}

export function pairsOfViews(subject: View, other: View | null): readonly Pair[] {
  return other === null ? [] : pairsOf(subject.timed, other.timed);
}

export interface Middle {
  readonly value: number;
  readonly n: number;
}

/** The median of what samples tell; null where none tells. */
export function middleOf(
  samples: readonly OkSample[],
  of: (sample: OkSample) => number | null | undefined,
): Middle | null {
  const known = samples.map(of).filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : { value: median(known), n: known.length };
}

/** "1 sample", "medians of 3 samples". */
export function mediansOf(n: number): string {
  return n === 1 ? '1 sample' : `medians of ${n} samples`;
}

/** Of the subject, and of the other after it where the ledger tells; null where it does not tell of the subject. */
export function ofBoth({ subject, other }: Case, figures: (view: View) => string | null): string | null {
  const own = figures(subject);
  if (own === null) return null;
  const theirs = other === null ? null : figures(other);
  return `${own}${theirs === null ? '' : `; ${theirs}`}.`;
}

/** "range 0.52–0.61, 3 pairs"; "96.9 % interval 0.52–0.61, 6 pairs"; "1 pair". */
export function spreadInWords(paired: PairedRatio, text: (value: number) => string): string {
  const pairs = counted(paired.pairs, 'pair');
  if (paired.pairs === 1) return pairs;
  const between = `${text(paired.low)}–${text(paired.high)}`;
  return paired.confidence === null || paired.pairs < LEAST_FOR_INTERVAL
    ? `range ${between}, ${pairs}`
    : `${confidence(paired.confidence)} interval ${between}, ${pairs}`;
}
