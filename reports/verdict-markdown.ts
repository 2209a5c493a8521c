/** A verdict as the text of a pull-request comment: GitHub takes 65,536 characters, whatever was compared. */
import type { VerdictRow, VerdictView } from '../src/gate/verdict-view.js';
import { escapeMarkdown as escaped } from './escape.js';

const LONGEST = 64_000;

/** Shorter than 65,000 characters: rows and sentences that do not fit are counted, and lie in verdict.json. */
export function verdictMarkdown({
  title,
  headline,
  advisory,
  facts,
  columns,
  shown,
  sections,
  reasons,
  notes,
}: VerdictView): string {
  const page = new Page();
  page.add(`### ${escaped(title)}\n\n**${escaped(headline)}**\n`);
  if (advisory !== null) page.add(`\n${escaped(advisory)}\n`);
  page.add('\n');
  for (const [name, meaning] of facts) page.add(`- ${escaped(name)}: ${escaped(meaning)}\n`);
  for (const { heading, rows } of sections) {
    page.add(`\n${escaped(heading)}\n\n${row(columns, shown)}${shown.map(() => '| --- ').join('')}|\n`);
    for (const each of rows) page.add(row(each, shown));
  }
  if (reasons.length > 0) page.add('\n');
  for (const reason of reasons) page.add(`- ${escaped(reason)}\n`);
  page.add('\n<details><summary>How to read it</summary>\n\n');
  for (const note of notes) page.add(`- ${escaped(note)}\n`);
  return page.text('\n</details>\n');
}

/** Text that takes no more pieces than fit. */
class Page {
  readonly #pieces: string[] = [];
  #length = 0;
  #left = 0;

  add(piece: string): void {
    if (this.#left > 0 || this.#length + piece.length > LONGEST) {
      this.#left += 1;
      return;
    }
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  text(end: string): string {
    if (this.#left === 0) return this.#pieces.join('') + end;
    return `${this.#pieces.join('')}\n${this.#left} more lines do not fit here; verdict.json has all.\n`;
  }
}

function row(cells: VerdictRow, shown: VerdictView['shown']): string {
  return `${shown.map((name) => `| ${escaped(cells[name])} `).join('')}|\n`;
}
