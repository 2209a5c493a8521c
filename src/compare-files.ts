/** A comparison as files. */
import { join } from 'node:path';
import { compareCsv, differencesCsv } from '../reports/compare-csv.js';
import { compareJson } from '../reports/compare-json.js';
import { compareMarkdown } from '../reports/compare-markdown.js';
import type { Comparison } from './report/compare.js';
import { pageScripts, writeDrawings, writer, type Outputs } from './report-files.js';

/** Returns the paths of all files in the order in which they were written; the page is last. */
export async function writeComparison(
  { html, md, json, csv, svg, png }: Omit<Outputs, 'junit'>,
  comparison: Comparison,
): Promise<readonly string[]> {
  const { written, write } = writer();
  if (csv !== null) {
    write(join(csv, 'compare.csv'), [compareCsv(comparison)]);
    write(join(csv, 'differences.csv'), [differencesCsv(comparison)]);
  }
  if (json !== null) write(json, [compareJson(comparison)]);
  await writeDrawings({ svg, png }, comparison.charts, write);
  if (md !== null) write(md, [compareMarkdown(comparison)]);
  if (html !== null) {
    const { compareHtml } = await import('../reports/compare-html.js');
    write(html, [await compareHtml(comparison, pageScripts())]);
  }
  return written;
}
