/** Writes reports. Each file appears whole or not at all. */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from './report/page.js';

export function writeWhole(path: string, chunks: Iterable<string | Uint8Array>): void {
  const partial = `${path}.tmp`;
  try {
    const file = openSync(partial, 'w', 0o644);
    try {
      for (const chunk of chunks) writeFileSync(file, chunk);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** The page. Charts take a second to be drawn, and what draws them half of one to be loaded: only where it is asked for. */
export async function htmlOf(page: Page): Promise<string> {
  const { pageHtml } = await import('../reports/page-html.js');
  const vega = join(dirname(fileURLToPath(import.meta.resolve('vega'))), 'vega.min.js');
  const client = fileURLToPath(new URL('../../reports/client/page.mjs', import.meta.url));
  return pageHtml(page, { vega: readFileSync(vega, 'utf8'), page: readFileSync(client, 'utf8') });
}

