/** Writes a verdict in all its forms. Each file appears whole or not at all. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verdictView } from './gate/verdict-view.js';
import type { VerdictFile } from './gate/verdict-types.js';
import { verdictJunit } from '../reports/verdict-junit.js';
import { verdictMarkdown } from '../reports/verdict-markdown.js';

/** Returns the paths: verdict.json, verdict.md, junit.xml. */
export function writeVerdict(directory: string, verdict: VerdictFile): readonly string[] {
  const view = verdictView(verdict);
  mkdirSync(directory, { recursive: true });
  const files = {
    'verdict.json': `${JSON.stringify(verdict, null, 1)}\n`,
    'verdict.md': verdictMarkdown(view),
    'junit.xml': verdictJunit(view),
  };
  return Object.entries(files).map(([name, text]) => writeWhole(join(directory, name), text));
}

/** Returns the path. */
export function writeWhole(path: string, text: string): string {
  const partial = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(partial, text);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be written (${detail})`, { cause: error });
  }
  return path;
}
