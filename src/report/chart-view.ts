/** What charts of one place are made from: its loaders in the order of the report, each with its look and its samples. */
import { cellKey } from '../plan/blocks.js';
import type { Ledger, Sample } from '../samples/record.js';
import type { OkSample } from '../statistics/pairs.js';
import type { CellSummary, Description, Summary } from '../statistics/summary-types.js';
import { unitsOf } from '../statistics/units.js';
import { labelOf, settingLabels } from './labels.js';
import { looksOf, type Look } from './looks.js';
import { momentIn, type Moment } from './moment.js';
import { isCompared, sectionPlacesOf, type PlaceCells } from './places.js';
import type { ChartUnit, Datum, Place } from './page-types.js';

export interface Seen {
  readonly cell: CellSummary;
  readonly label: string;
  readonly look: Look;
  /** Of the time pass, in run order, whatever their outcome. */
  readonly timed: readonly Sample[];
  /** Of the memory pass, ok. */
  readonly weighed: readonly OkSample[];
}

export interface PlaceView {
  readonly place: Place;
  /** "cold · free memory backed", with the setting where the model alone does not say it. */
  readonly title: string;
  /** Those with a first token, in the order of the report. */
  readonly loaders: readonly Seen[];
  readonly ceiling: Seen | null;
  readonly home: Seen | null;
  readonly tensorBytes: number;
  readonly moment: Moment;
}

export function placeViews(summary: Summary, ledger: Ledger): readonly PlaceView[] {
  const looks = looksOf(ledger);
  const samples = samplesByCell(ledger);
  const several = ledger.run.plan.models.length > 1;
  return sectionPlacesOf(summary.cells).map((cells) => viewOf(summary, cells, looks, samples, several));
}

type ByCell = ReadonlyMap<string, readonly Sample[]>;

function samplesByCell(ledger: Ledger): ByCell {
  const found = new Map<string, Sample[]>();
  for (const sample of unitsOf(ledger)) {
    const { arm, state, memoryState, load } = sample;
    const key = cellKey({ arm: arm.id, state, memoryState, load });
    const list = found.get(key);
    if (list === undefined) found.set(key, [sample]);
    else list.push(sample);
  }
  return found;
}

function viewOf(
  summary: Summary,
  cells: PlaceCells,
  looks: ReadonlyMap<string, Look>,
  samples: ByCell,
  nameModel: boolean,
): PlaceView {
  const [{ setting, state, memoryState }] = cells;
  const { model, label } = settingLabels(summary, setting);
  const seen = (cell: CellSummary): Seen => {
    const own = samples.get(cellKey({ ...cell, arm: cell.arm.id })) ?? [];
    const name = labelOf(cell.arm);
    return {
      cell,
      label: name,
      look: looks.get(name) ?? { name, color: '#7f7f7f', shape: 'circle' },
      timed: own.filter(({ pass }) => pass === 'time'),
      weighed: own.filter((sample): sample is OkSample => sample.outcome === 'ok' && sample.pass === 'memory'),
    };
  };
  const ceilings = cells.filter(({ arm }) => arm.kind === 'ceiling').map(seen);
  const words = [nameModel ? model : '', label ?? '', state, `free memory ${memoryState}`];
  return {
    place: { model, setting: label, state, memoryState },
    title: words.filter((word) => word !== '').join(' · '),
    loaders: cells.filter((cell) => isCompared(cell) && cell.ttftNs !== null).map(seen),
    ceiling: ceilings.find(({ cell }) => cell.arm.loader !== 'home') ?? null,
    home: ceilings.find(({ cell }) => cell.arm.loader === 'home') ?? null,
    moment: momentIn(cells),
    tensorBytes: summary.models[cells[0].arm.model]?.tensorBytes ?? 0,
  };
}

export function okOf(samples: readonly Sample[]): readonly OkSample[] {
  return samples.filter((sample): sample is OkSample => sample.outcome === 'ok');
}

/** Every n-th, so that at most `most` are left. */
export function thinned<T>(items: readonly T[], most: number): readonly T[] {
  const step = Math.ceil(items.length / most);
  return step <= 1 ? items : items.filter((_, index) => index % step === 0);
}

/** Of ratios and times: so much more and less is in sight at least. */
const ROOM = 1.12;

/**
 * Two unseen marks that keep an axis of ratios from being stretched until chance fills it: it reaches `by` times as far and
 * an equal part as short as the middle of the values. None where they reach farther themselves.
 */
export function roomAround(values: readonly number[], by = ROOM): readonly Datum[] {
  const known = values.filter((value) => value > 0);
  const [least, most] = known.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, 0],
  );
  if (known.length === 0 || most / least >= by * by) return [];
  const middle = Math.sqrt(least * most);
  return [middle / by, middle * by].map((value) => ({ part: 'room', loader: null, order: -1, value, tip: '' }));
}

/** Seconds where the longest is longer than twenty of them. */
export function timeUnit(longestNs: number): { readonly unit: ChartUnit; readonly ns: number } {
  return longestNs > 2e10 ? { unit: 's', ns: 1e9 } : { unit: 'ms', ns: 1e6 };
}

export function sizeUnit(largest: number): { readonly unit: ChartUnit; readonly bytes: number } {
  return largest > 20 * 2 ** 30 ? { unit: 'GiB', bytes: 2 ** 30 } : { unit: 'MiB', bytes: 2 ** 20 };
}

/** "282 ms (250 ms–300 ms of 7)". */
export function rangeText(description: Description | null, text: (value: number) => string): string {
  if (description === null) return '–';
  const { median, min, max, n } = description;
  return n === 1 ? `${text(median)} (1 sample)` : `${text(median)} (${text(min)} to ${text(max)}, ${n} samples)`;
}

/** "7 samples", "5 to 7 samples". */
export function spanOf(counts: readonly number[], noun: string): string {
  const least = Math.min(...counts);
  const most = Math.max(...counts);
  const plural = most === 1 ? noun : `${noun}s`;
  return least === most ? `${most} ${plural}` : `${least} to ${most} ${plural}`;
}

/** Of samples that are sorted, which one is shown. */
export function middleWords(counts: readonly number[]): string {
  return Math.max(...counts) === 1 ? 'the only sample' : `the one in the middle of ${spanOf(counts, 'sample')}`;
}
