/** What was measured for a claim, beside the figure that was claimed. One chart a unit: ratios, shares, times. */
import type { Bounds, ClaimResult, Claimed, Measure } from '../statistics/claims-types.js';
import { boundsText, claimText, unitText } from './claims.js';
import { timeUnit } from './chart-view.js';
import type { ChartUnit, Datum, Drawn } from './page-types.js';

/** What is not held against a figure. */
export const BESIDE = 'shown beside';

const TITLES: Readonly<Record<(typeof UNITS)[number], string>> = {
  ratio: 'How many times, measured and claimed',
  share: 'What part, measured and claimed',
  ns: 'How long, measured and claimed',
};

interface Row {
  readonly measure: Measure;
  readonly bounds: Bounds;
  readonly name: string;
}

/** Sizes are left out: what memory a load takes stands in the chart of memory of its part. */
const UNITS = ['ratio', 'share', 'ns'] as const satisfies readonly Measure['unit'][];

export function claimCharts({ measures }: ClaimResult): readonly Drawn[] {
  return UNITS.flatMap((unit) => {
    const rows = rowsOf(measures.filter((measure) => measure.unit === unit));
    return rows.some(({ measure }) => measure.claimed !== null) ? [chartOf(unit, rows)] : [];
  });
}

function rowsOf(measures: readonly Measure[]): readonly Row[] {
  const known = measures.flatMap((measure) => (measure.bounds === null ? [] : [{ measure, bounds: measure.bounds }]));
  return known.map(({ measure, bounds }) => {
    // What was measured elsewhere as well says how this place differs from the first one.
    const first = known.find((other) => other.measure.what === measure.what)?.measure ?? measure;
    const usual = first.place.split(', ');
    const apart = measure.place.split(', ').filter((word) => !usual.includes(word));
    return { measure, bounds, name: apart.length === 0 ? measure.what : `${measure.what} (${apart.join(', ')})` };
  });
}

/** Chart units are chosen so that what is shown needs no more than a few digits. */
function scaleOf(unit: Measure['unit'], rows: readonly Row[]): { readonly unit: ChartUnit; readonly one: number } {
  if (unit === 'share') return { unit: '%', one: 0.01 };
  if (unit === 'ratio') return { unit: 'ratio', one: 1 };
  const { unit: time, ns } = timeUnit(
    Math.max(...rows.flatMap(({ measure: { claimed }, bounds }) => [bounds.high, claimed?.figure ?? 0])),
  );
  return { unit: time, one: ns };
}

function chartOf(unit: (typeof UNITS)[number], rows: readonly Row[]): Drawn {
  const { unit: shown, one } = scaleOf(unit, rows);
  const ranges = rows.filter(({ bounds }) => bounds.confidence === null).length;
  return {
    ...{ kind: 'claim', unit: shown, title: TITLES[unit], places: [], table: { head: [], rows: [] } },
    note: `${countsText(rows)}; ${ranges === 0 ? 'bars are intervals' : ranges === rows.length ? 'too few for intervals, so bars are ranges' : 'thick bars are intervals, thin ones ranges'}. In the green field a figure is as claimed${unit === 'ratio' ? '; the dotted line is no difference' : ''}.`,
    data: rows.flatMap(({ measure, bounds, name }, order): readonly Datum[] => {
      const { claimed, verdict } = measure;
      const told = verdict ?? BESIDE;
      const median = unitText(measure.unit)(bounds.median);
      const base = { loader: name, order };
      const held = claimed === null ? '' : `\nClaimed: ${claimText(claimed, measure.unit)}; ${told}`;
      const tip = `${measure.what}, ${measure.place}\n${median}, ${boundsText(bounds, unitText(measure.unit))}${held}`;
      return [
        ...(claimed === null ? [] : [{ ...base, ...zoneOf(claimed, one), tip }]),
        {
          ...{ ...base, part: 'row', verdict: told, few: bounds.confidence === null, tip },
          ...{ value: bounds.median / one, low: bounds.low / one, high: bounds.high / one },
          ...{ note: `${median}  n=${bounds.n}  ${told}`, short: median },
        },
      ];
    }),
  };
}

function zoneOf({ bound, figure }: Claimed, one: number) {
  return { part: bound, claimed: figure / one };
}

function countsText(rows: readonly Row[]): string {
  const counts = rows.map(({ bounds: { n } }) => n);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (most === 1) return 'Single values';
  return `Medians of ${least === most ? most : `${least} to ${most}`} values`;
}
