/** The summary as JSON text, for programs. */
import type { Summary } from '../src/statistics/summary-types.js';

/** Indented; ends with a line break. */
export function summaryJson(summary: Summary): string {
  return `${JSON.stringify(summary, null, 2)}\n`;
}
