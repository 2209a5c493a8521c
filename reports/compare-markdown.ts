/** A comparison of runs as Markdown for a comment on a pull request, in bounded length. */
import type { Comparison } from '../src/report/compare.js';
import type { Table } from '../src/report/page.js';
import { escapeMarkdown as text } from './escape.js';

/** GitHub takes 65,536 characters; others as many or more. */
const MOST = 64_000;

export function compareMarkdown(comparison: Comparison): string {
  const { headline, runs, machines, differences, sections, rates, lacks, notes, unknown } = comparison;
  const compared = sections.filter((section) => section.runs.length > 1);
  const pieces = new Pieces();
  pieces.add(`### ${text(headline)}\n\n`);
  pieces.addTable({
    head: ['Run', 'Machine', 'Started', 'Tool', 'Models', 'Samples'],
    rows: runs.map(({ name, machine, startedAt, tool, models, samples }) => [
      ...[name, machines[machine]?.name ?? '', startedAt, tool, models.join(', '), String(samples.total)],
    ]),
  });
  for (const { name, fingerprint, line } of machines) pieces.add(`- ${text(`${name}: ${fingerprint} ${line}`)}\n`);
  if (differences.length > 0) {
    pieces.add('\n**What differs**\n\n');
    pieces.addTable({
      head: ['', ...runs.map(({ name }) => name)],
      rows: differences.map(({ term, values }) => [term, ...values]),
    });
  }
  for (const { heading, answer, table, remarks } of compared) {
    pieces.add(`\n**${text(heading)}**\n\n${text(answer)}\n\n`);
    pieces.addTable(table);
    pieces.add(remarks.map((remark) => `\n- ${text(remark)}`).join(''));
  }
  for (const { heading, table } of rates) {
    pieces.add(`\n**${text(`Models side by side · ${heading}`)}**\n\n`);
    pieces.addTable(table);
  }
  if (lacks.length > 0) pieces.add('\n**Not in all runs**\n\n');
  for (const lack of lacks) pieces.add(`- ${text(lack.text)}\n`);
  pieces.add('\n');
  for (const note of [...notes, ...unknown]) pieces.add(`- ${text(note)}\n`);
  return pieces.text();
}

/** Takes no more than fit. */
class Pieces {
  readonly #kept: string[] = [];
  #length = 0;
  #left = 0;

  add(piece: string): void {
    if (this.#left > 0 || this.#length + piece.length > MOST) {
      this.#left += 1;
      return;
    }
    this.#kept.push(piece);
    this.#length += piece.length;
  }

  addTable({ head, rows }: Table): void {
    this.add(`${line(head)}${head.map(() => '| --- ').join('')}|\n`);
    for (const row of rows) this.add(line(row));
  }

  text(): string {
    const rest = this.#left === 0 ? '' : `\n*${this.#left} more lines do not fit here; the page has all.*\n`;
    return `${this.#kept.join('')}${rest}`;
  }
}

function line(cells: readonly string[]): string {
  return `${cells.map((cell) => `| ${text(cell)} `).join('')}|\n`;
}
