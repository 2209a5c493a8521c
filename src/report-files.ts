/** Reports of a run as files. What draws charts takes a second to load and to draw: it is loaded where one is asked for. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { groupsCsv } from '../reports/groups-csv.js';
import { pageJsonChunks } from '../reports/page-json.js';
import { pageJunit } from '../reports/page-junit.js';
import { pageMarkdown } from '../reports/page-markdown.js';
import type { PageScripts } from '../reports/page-shell.js';
import { samplesCsvChunks } from '../reports/samples-csv.js';
import { summaryCsvChunks } from '../reports/summary-csv.js';
import type { CsvSpool } from './csv-spool.js';
import { page, type Chart, type Lead, type Page } from './report/page.js';
import { LEDGER_FILE } from './samples/ledger.js';
import type { Ledger } from './samples/record.js';
import type { Summary } from './statistics/summary-types.js';
import { writeLongWhole, writeWhole } from './whole-file.js';

/** Where reports go: a path for each format, null where it is not asked for. */
export interface Outputs {
  readonly html: string | null;
  readonly md: string | null;
  readonly json: string | null;
  readonly junit: string | null;
  /** Directories, made where they are missing. */
  readonly csv: string | null;
  readonly svg: string | null;
  readonly png: string | null;
}

export const SAMPLES_FILE = 'samples.csv';

const NONE: Outputs = { html: null, md: null, json: null, junit: null, csv: null, svg: null, png: null };

/** What a run writes beside its ledger: `page` is where people begin. */
export async function writePage(
  directory: string,
  { summary, ledger }: { readonly summary: Summary; readonly ledger: Ledger },
  lead: Lead | null = null,
): Promise<{ readonly markdown: string; readonly html: string }> {
  const markdown = join(directory, 'report.md');
  const html = join(directory, 'report.html');
  await writeReports({ ...NONE, md: markdown, html }, summary, ledger, lead);
  return { markdown, html };
}

/**
 * Returns the paths of all files in the order in which they were written; the page is last. `spool`: of the samples as CSV,
 * where the threads that read the ledger wrote them already.
 */
export async function writeReports(
  outputs: Outputs,
  summary: Summary,
  ledger: Ledger,
  lead: Lead | null = null,
  spool: CsvSpool | null = null,
): Promise<readonly string[]> {
  const whole = page(summary, ledger, lead);
  const { written, write } = writer();
  const { html, md, json, junit, csv, svg, png } = outputs;
  const { marks } = summary.noise;
  if (csv !== null) {
    const path = join(csv, SAMPLES_FILE);
    const isWritten = await spool?.finish(path, ledger.samples.length, marks);
    if (isWritten !== true) await writeLongWhole(path, samplesCsvChunks(ledger.samples, ledger.run.arms, marks));
    written.push(path);
    if (ledger.groups.length > 0) write(join(csv, 'groups.csv'), [groupsCsv(ledger.groups, ledger.run.arms)]);
    write(join(csv, 'summary.csv'), summaryCsvChunks(summary));
  }
  if (json !== null) write(json, pageJsonChunks(whole));
  if (junit !== null) write(junit, [pageJunit(whole)]);
  await writeDrawings({ svg, png }, whole.charts, write);
  if (md !== null) write(md, [pageMarkdown(whole)]);
  if (html !== null) write(html, [await htmlOf(whole, besideOf(html, csv))]);
  return written;
}

export type Write = (path: string, chunks: Iterable<string | Uint8Array>) => void;

/** Keeps the paths in the order in which they were written. */
export function writer(): { readonly written: string[]; readonly write: Write } {
  const written: string[] = [];
  return {
    written,
    write: (path, chunks) => {
      writeWhole(path, chunks);
      written.push(path);
    },
  };
}

/** Charts as files of their own: `01-ratios`, `02-ratios`, `03-phases` … */
export async function writeDrawings(
  { svg, png }: Pick<Outputs, 'svg' | 'png'>,
  charts: readonly Chart[],
  write: Write,
): Promise<void> {
  if (svg === null && png === null) return;
  const { chartDocument } = await import('../reports/chart-document.js');
  const digits = Math.max(2, String(charts.length).length);
  for (const [index, chart] of charts.entries()) {
    const name = `${String(index + 1).padStart(digits, '0')}-${chart.kind}`;
    const text = await chartDocument(chart);
    if (svg !== null) write(join(svg, `${name}.svg`), [text]);
    if (png !== null) write(join(png, `${name}.png`), [await pngOf(text)]);
  }
}

/** Twice as many pixels as the drawing has, for screens that have them and for paper; the font is our own. */
async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js');
  const fontFiles = [asset('reports/font/source-sans-3-latin-400.ttf')];
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: 'Source Sans 3' };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: 2 } }).render().asPng();
}

/** What has every sample and goes where the page goes: files in its folder or below. */
function besideOf(html: string, csv: string | null): readonly string[] {
  const folder = dirname(html);
  return [join(csv ?? folder, SAMPLES_FILE), join(folder, LEDGER_FILE)]
    .filter((path) => existsSync(path))
    .map((path) => relative(folder, path).split(sep).join('/'))
    .filter((path) => !path.startsWith('../'));
}

async function htmlOf(whole: Page, beside: readonly string[]): Promise<string> {
  const { pageHtml } = await import('../reports/page-html.js');
  return pageHtml(whole, pageScripts(), beside);
}

export function pageScripts(): PageScripts {
  const vega = join(dirname(fileURLToPath(import.meta.resolve('vega'))), 'vega.min.js');
  return { vega: readFileSync(vega, 'utf8'), page: readFileSync(asset('reports/client/page.mjs'), 'utf8') };
}

/** A file of the package that is not compiled. */
function asset(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
