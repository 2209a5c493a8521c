/** A comparison as JSON, for programs: `compareSchema` describes it. */
import type { Comparison } from '../src/report/compare.js';
import { COMPARE_VERSION } from './compare-schema.js';

/** Ends with a line break. */
export function compareJson(comparison: Comparison): string {
  return `${JSON.stringify({ kind: 'comparison', version: COMPARE_VERSION, ...comparison }, null, 1)}\n`;
}
