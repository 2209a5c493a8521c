/** The judged claims as Markdown. */
import type { ClaimSection, ClaimsReport } from '../src/report/claims.js';

export function claimsMarkdown({ title, machine, claims, notes }: ClaimsReport): string {
  return [
    `# ${text(title)}`,
    text(machine),
    table(
      ['', 'claim', 'verdict', 'why'],
      claims.map(({ number, claim, verdict, why }) => [String(number), claim, `**${verdict}**`, why]),
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
    `**${verdict}**: ${text(why)}. Asked was: ${text(asks)}.`,
    table(
      ['measure', 'where', 'median', 'interval', 'verdict'],
      lines.map((line) => [line.what, line.place, line.median, line.bounds, line.verdict ?? '']),
    ),
    notes.map((note) => `- ${text(note)}`).join('\n'),
  ];
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map((row) => line(row.map(text)))].join('\n');
}

/** What Markdown would take for markup; emphasis of ours is put around it. */
function text(words: string): string {
  return words.replace(/[<>`_\\]/g, '\\$&');
}
