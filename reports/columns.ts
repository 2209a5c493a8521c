/** Columns of a table in a terminal, laid side by side as long as they fit. */
import { padStart, textWidth } from './text-layout.js';

export const GAP = '  ';
/** What stands where there is no figure. */
export const none = '–';

export interface Column<Row> {
  readonly heading: readonly [string, string];
  readonly of: (row: Row) => string;
  /** Left out where no row has it. */
  readonly optional?: true;
  /** Left out where this says so of the rows. */
  readonly pointless?: (rows: readonly Row[]) => boolean;
}

/** Columns that stay side by side whatever the width. */
export type Bundle<Row> = readonly Column<Row>[];

/** A column whose cells have their final width. */
export interface SetColumn<Row> {
  readonly width: number;
  readonly heading: readonly [string, string];
  readonly cell: (row: Row) => string;
}

/** Lays bundles side by side as long as they fit, then starts another table. */
export function pack<Row>(
  bundles: readonly Bundle<Row>[],
  rows: readonly Row[],
  room: number,
): readonly (readonly SetColumn<Row>[])[] {
  const tables: SetColumn<Row>[][] = [];
  let left = 0;
  for (const bundle of bundles) {
    const shown = bundle.filter((column) => isShown(column, rows));
    if (shown.length === 0) continue;
    const columns = shown.map((column) => setColumn(column, rows));
    const needed = columns.reduce((sum, { width }) => sum + GAP.length + width, 0);
    const table = tables.at(-1);
    if (table !== undefined && needed <= left) {
      table.push(...columns);
      left -= needed;
    } else {
      tables.push(columns);
      left = room - needed;
    }
  }
  return tables;
}

function isShown<Row>({ optional, pointless, of }: Column<Row>, rows: readonly Row[]): boolean {
  if (pointless?.(rows) === true) return false;
  return optional !== true || rows.some((row) => of(row) !== none);
}

function setColumn<Row>({ heading, of }: Column<Row>, rows: readonly Row[]): SetColumn<Row> {
  const width = Math.max(...[...heading, ...rows.map(of)].map(textWidth));
  return {
    width,
    heading: [padStart(heading[0], width), padStart(heading[1], width)],
    cell: (row) => padStart(of(row), width),
  };
}
