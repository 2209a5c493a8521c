/** A recommendation as text: what to take in each state, and below it how sure, at what cost, and how in llama.cpp. */
import type { Advice } from '../src/report/recommend.js';
import { hang, padEnd, wrap } from './text-layout.js';

const TERM_WIDTH = 14;

/** Ends with a line break. Commands are kept on one line, so that they can be copied. */
export function recommendationText({ title, overall, sections, notes }: Advice, width = 80): string {
  const lines = [
    ...wrap(title, width),
    ...(overall === null ? [] : wrap(overall, width)),
    ...sections.flatMap(({ heading, take, items }) => [
      '',
      ...wrap(heading, width),
      ...wrap(take, width),
      ...items.flatMap(({ term, text }) => {
        const margin = `  ${padEnd(term, TERM_WIDTH)}`;
        return text.startsWith('weighbridge ') ? [margin.trimEnd(), `    ${text}`] : hang(margin, text, width);
      }),
    ]),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => hang('* ', note, width))]),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
