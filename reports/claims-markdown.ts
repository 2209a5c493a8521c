/** The judged claims as Markdown. */
import type { ClaimSection, ClaimsReport } from '../src/report/claims.js';
import { escapeMarkdown as text } from './escape.js';

export function claimsMarkdown({ title, machine, claims, notes }: ClaimsReport): string {
  return [
    `# ${text(title)}`,
    text(machine),
    table(
      ['', 'claim', 'verdict', 'why'],
      claims.map(({ number, claim, verdict, why }) => [String(number), text(claim), `**${text(verdict)}**`, text(why)]),
    ),
    ...claims.flatMap(section),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${text(note)}`).join('\n')]),
  ]
    .map((part) => `${part}\n`)
    .join('\n');
}

function section({ number, claim, verdict, why, asks, lines, notes }: ClaimSection): readonly string[] {
  return [
    `## ${number}. ${text(claim)}`,
    `**${text(verdict)}**: ${text(why)}. Asked was: ${text(asks)}.`,
    table(
      ['measure', 'where', 'median', 'interval', 'verdict'],
      lines.map((line) => [line.what, line.place, line.median, line.bounds, line.verdict ?? ''].map(text)),
    ),
    notes.map((note) => `- ${text(note)}`).join('\n'),
  ];
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map((row) => line(row))].join('\n');
}
