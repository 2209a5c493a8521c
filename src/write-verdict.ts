/** Writes a verdict in all its forms. Each file appears whole or not at all. */
import { join } from 'node:path';
import { verdictView } from './gate/verdict-view.js';
import type { VerdictFile } from './gate/verdict-types.js';
import { writeWhole } from './whole-file.js';
import { verdictJunit } from '../reports/verdict-junit.js';
import { verdictMarkdown } from '../reports/verdict-markdown.js';

/** Returns the paths: verdict.json, verdict.md, junit.xml. */
export function writeVerdict(directory: string, verdict: VerdictFile): readonly string[] {
  const view = verdictView(verdict);
  const files = {
    'verdict.json': `${JSON.stringify(verdict, null, 1)}\n`,
    'verdict.md': verdictMarkdown(view),
    'junit.xml': verdictJunit(view),
  };
  return Object.entries(files).map(([name, text]) => {
    const path = join(directory, name);
    writeWhole(path, [text]);
    return path;
  });
}
