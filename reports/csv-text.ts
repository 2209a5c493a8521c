/** Rows as CSV (RFC 4180). Cells that a spreadsheet would run are escaped, and so is what would steer a terminal. */
import { stringify } from 'csv-stringify/sync';

export type Cell = string | number | null;

export function csvText(rows: readonly (readonly Cell[])[]): string {
  return stringify([...rows], { escape_formulas: true, cast: { string: visible } });
}

/** One cell, the same text as csvText gives it: most need no care, and the rest are left to it. */
export function csvCell(cell: Cell): string {
  if (typeof cell === 'number') return String(cell);
  if (cell === null || cell === '') return '';
  if (PLAIN.test(cell)) return cell;
  return TEXT.test(cell) ? `"${cell.replaceAll('"', '""')}"` : csvText([[cell]]).slice(0, -1);
}

/** Text of these alone is written as it is. */
const PLAIN = /^[A-Za-z0-9_][\w .:;/()+-]*$/;
/** Printable, no formula, and with something in it that takes quotes. */
const TEXT = /^(?=.*[",])[\w{["(][ -~]*$/;

/** Tabs and ends of lines are usual in a cell; other control characters are none that anybody reads. */
function visible(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
