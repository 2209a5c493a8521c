/** What a part of the claims measured, found by loader and place; or why it is missing. */
import type { Ledger, Sample, State } from '../samples/record.js';
import { boundsOf, type Missing } from './claims-bounds.js';
import type { Bounds, ClaimPart, ClaimParts } from './claims-types.js';
import { pairedRatio, pairsOf, type OkSample, type Pair } from './pairs.js';
import { summarize } from './summarize.js';
import type { CellSummary, Description, Summary } from './summary-types.js';
import { unitsOf } from './units.js';

export interface Place {
  readonly state: State;
  readonly load?: number;
}

/** One part: its summary, and its samples with several processes told as one. */
export class PartView {
  readonly ledger: Ledger;
  readonly summary: Summary;
  readonly units: readonly Sample[];
  readonly #leftOut: Readonly<Record<string, string>>;

  constructor(ledger: Ledger, leftOut: Readonly<Record<string, string>>) {
    this.ledger = ledger;
    this.#leftOut = leftOut;
    this.summary = summarize(ledger);
    this.units = unitsOf(ledger);
  }

  get modelBytes(): number {
    return this.#model.bytes;
  }

  get tensorBytes(): number {
    return this.#model.tensorBytes;
  }

  get #model(): Ledger['run']['models'][string] {
    const [model] = Object.values(this.ledger.run.models);
    if (model === undefined) throw new RangeError('the ledger of a claim has no model');
    return model;
  }

  cell(label: string, place: Place): CellSummary | null {
    return this.#cells(label, place)[0] ?? null;
  }

  /** Several where the loader was weighed with several numbers of processes. */
  #cells(label: string, { state, load = 1 }: Place): readonly CellSummary[] {
    return this.summary.cells.filter(
      ({ arm, ...of }) => arm.label === label && arm.kind !== 'ceiling' && of.state === state && of.load === load,
    );
  }

  values(label: string, place: Place, of: (cell: CellSummary) => Description | null): readonly number[] {
    const cell = this.cell(label, place);
    return cell === null ? [] : (of(cell)?.values ?? []);
  }

  /** ok samples of the time pass, in run order. */
  timed(label: string, { state, load = 1 }: Place): readonly OkSample[] {
    return this.units.filter(
      (unit): unit is OkSample =>
        unit.outcome === 'ok' &&
        unit.pass === 'time' &&
        unit.state === state &&
        unit.load === load &&
        this.ledger.run.arms[unit.arm.id]?.label === label,
    );
  }

  /** Head ÷ base of neighbours. */
  paired(head: string, base: string, place: Place, of: (sample: OkSample) => number | null): Bounds | Missing {
    const value = (side: keyof Pair) => (pair: Pair) => of(pair[side]);
    const ratio = pairedRatio(pairsOf(this.timed(head, place), this.timed(base, place)), value('head'), value('base'));
    return ratio === null ? this.missing([head, base], place) : (boundsOf(ratio.values) ?? this.missing([head], place));
  }

  /** The bounds, or why there are none. */
  bounds(bounds: Bounds | null, labels: readonly string[], place: Place): Bounds | Missing {
    return bounds ?? this.missing(labels, place);
  }

  /** Why one of these has no figure. */
  missing(labels: readonly string[], place: Place): Missing {
    for (const label of labels) {
      const why = this.#leftOut[label];
      if (why !== undefined) return { testable: false, why };
      const refused = this.#cells(label, place).find(({ outcomes }) => outcomes.ok === 0);
      const [first] = refused?.reasons ?? [];
      if (first === undefined) continue;
      const { outcome, reason } = first;
      return { testable: outcome !== 'unsupported', why: `${label}: ${outcome}: ${reason.message}` };
    }
    const absent = labels.find((label) => this.cell(label, place) === null);
    return {
      testable: true,
      why: absent === undefined ? 'no two of them ran side by side' : `${absent} was not weighed`,
    };
  }
}

export function viewOf(parts: ClaimParts, name: ClaimPart): PartView | Missing {
  const part = parts[name];
  return part.kind === 'ran'
    ? new PartView(part.ledger, part.leftOut ?? {})
    : part.kind === 'stopped'
      ? { testable: true, why: `its part ${name} was not weighed: ${part.why}` }
      : { testable: false, why: part.why };
}

export const loadNs = ({ phases }: OkSample): number | null =>
  phases === null ? null : phases.open.ns + phases.acquire.ns;
export const ttftNs = ({ ttftNs: ns }: OkSample): number | null => ns;
