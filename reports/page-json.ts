/** The page as JSON, for programs: `reportSchema` describes it. */
import type { Page } from '../src/report/page.js';
import { REPORT_VERSION } from './report-schema.js';

/** Ends with a line break. */
export function pageJson(page: Page): string {
  return `${JSON.stringify({ kind: 'report', version: REPORT_VERSION, ...page }, null, 1)}\n`;
}
