/** Markdown for a comment on a pull request: the answer, a table a state, and what must be known, in bounded length. */
import type { Moment, Page, Row, Section, Table } from '../src/report/page.js';
import { escapeMarkdown as text } from './escape.js';
import { commandsTable } from './page-tables.js';
import { upperFirst } from './text-layout.js';

/** GitHub takes 65,536 characters; others as many or more. */
const MOST = 65_000;
/** For what must not be missing, whatever the tables take. */
const RESERVED = 12_000;

export function pageMarkdown(page: Page): string {
  const { report } = page;
  const head = [
    `### ${text(page.headline)}`,
    text(`${report.title} · ${report.machine}`),
    ...report.models.map(({ label, detail }) => text(`${label} · ${detail}`)),
    ...(page.lead?.blocks ?? []).map(({ heading, text: said }) => text(said === '' ? heading : `${heading}: ${said}`)),
  ];
  const parts: string[] = [];
  let left = MOST - RESERVED;
  for (const paragraph of head) {
    const cut = within(paragraph, 4000);
    parts.push(cut);
    left -= cut.length + 2;
  }
  let missing = 0;
  for (const section of report.sections) {
    const whole = sectionText(section, left);
    if (whole === null) missing += 1;
    else {
      parts.push(whole);
      left -= whole.length + 2;
    }
  }
  if (missing > 0) parts.push(`*${missing} more sections are in the report itself.*`);
  return `${within([...parts, tail(page)].join('\n\n'), MOST - 1)}\n`;
}

/** Cut at a line's end, or else anywhere, but never within an entity. */
function within(whole: string, most: number): string {
  if (whole.length <= most) return whole;
  const kept = whole.slice(0, most - 2);
  const line = kept.lastIndexOf('\n');
  return `${line > most / 2 ? kept.slice(0, line) : kept.replace(/&#?\w*$/, '')}\n…`;
}

const columnsOf = (moment: Moment): readonly (readonly [heading: string, of: (row: Row) => string])[] => [
  ['Loader', ({ label, isReference }) => (isReference ? `${label} (reference)` : label)],
  ['Load', ({ load }) => load?.text ?? '–'],
  [upperFirst(moment), ({ firstToken }) => firstToken?.text ?? '–'],
  [
    '÷ reference',
    ({ toReference: { firstToken }, isReference }) =>
      isReference ? '1' : firstToken === null ? '–' : `${firstToken.text} (${firstToken.spreadText})`,
  ],
  ['Complete', ({ complete }) => complete?.text ?? '–'],
  ['GB/s', ({ bytesPerSecond }) => bytesPerSecond?.text ?? '–'],
  ['Unreclaimable', ({ unreclaimable }) => unreclaimable?.text ?? '–'],
  ...(moment === 'first token' ? [['Tokens/s', ({ decode }: Row) => decode?.text ?? '–'] as const] : []),
];

/** Null where not even its answer fits. */
function sectionText(section: Section, most: number): string | null {
  const { model, setting, state, memoryState, moment, answer, counts, rows, commands } = section;
  const columns = columnsOf(moment);
  const title = [model, setting ?? '', state, `free memory ${memoryState}`].filter((part) => part !== '').join(' · ');
  const parts = [`**${within(text(title), 2000)}**`, within(text(answer), 4000)];
  let left = most - parts.join('\n\n').length;
  if (left < 0) return null;
  const add = (part: string): void => {
    if (part === '') return;
    parts.push(part);
    left -= part.length + 2;
  };
  const measured = rows.filter(({ firstToken }) => firstToken !== null);
  const loaders = {
    head: columns.map(([heading]) => heading),
    rows: measured.map((row) => columns.map(([, of]) => of(row))),
  };
  add(tableText(loaders, counts, left, { all: rows.length, noun: 'loaders' }));
  const programs = commandsTable(section);
  if (programs !== null) {
    add(tableText(programs, commands?.counts ?? '', left, { all: programs.rows.length, noun: 'programs' }));
  }
  return parts.join('\n\n');
}

/** As many rows as fit; `all`: how many there are, those without numbers included. Empty where there are none. */
function tableText(
  { head, rows }: Table,
  counts: string,
  most: number,
  { all, noun }: { readonly all: number; readonly noun: string },
): string {
  if (all === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const foot = counts === '' ? '' : `<sub>${within(text(counts), 2000)}</sub>`;
  const begin = [line(head.map(text)), `| :-- |${' --: |'.repeat(head.length - 1)}`];
  let left = most - begin.join('\n').length - foot.length - 120;
  const kept: string[] = [];
  for (const row of rows) {
    const next = line(row.map(text));
    left -= next.length + 1;
    if (left < 0) break;
    kept.push(next);
  }
  const others = all - kept.length;
  const rest =
    others === 0 ? '' : `${others} more ${noun}, without numbers or without room here, are in the report itself.`;
  return [kept.length === 0 ? '' : [...begin, ...kept].join('\n'), rest, kept.length === 0 ? '' : foot]
    .filter((part) => part !== '')
    .join('\n\n');
}

function tail({ report, strategy, samples, unknown, command }: Page): string {
  const bullets = (items: readonly string[], most: number): string =>
    within(items.map((item) => `- ${text(item)}`).join('\n'), most);
  const warnings = strategy.map(({ loaders, warning }) => (loaders === '' ? warning : `${warning} (${loaders})`));
  const parts = [
    report.notes.length === 0 ? '' : bullets(report.notes, 3500),
    warnings.length === 0 ? '' : `Not had as asked:\n\n${bullets(warnings, 2000)}`,
    unknown.length === 0 ? '' : `What this method cannot say here:\n\n${bullets(unknown, 2500)}`,
    `${samples.excluded} of ${samples.total} samples do not count. Made by: ${within(text(command), 2500)}`,
  ].filter((part) => part !== '');
  return `<details><summary>What to know before believing it</summary>\n\n${parts.join('\n\n')}\n\n</details>`;
}
