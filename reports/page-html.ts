/** The page of a run. */
import type { Fact, Lead, Page, Place } from '../src/report/page.js';
import { escapeMarkup as text } from './escape.js';
import {
  drawingsOf,
  kindSections,
  list,
  placesAttribute,
  settingName,
  tableHtml,
  type Drawings,
} from './page-figures.js';
import { commandsTable, figuresTable } from './page-tables.js';
import { shellHtml, type PageScripts } from './page-shell.js';

/** `beside`: files with every sample, by their paths from the page's own folder. */
export async function pageHtml(page: Page, scripts: PageScripts, beside: readonly string[] = []): Promise<string> {
  const { charts, report, headline } = page;
  return shellHtml(
    {
      title: titleOf(page),
      header: `<h1>${text(report.title)}</h1>
<p class="answer">${text(headline)}</p>
<p class="meta">${text(report.machine)}${report.models.map(({ label, detail }) => `<br>${text(`${label} · ${detail}`)}`).join('')}</p>`,
      main: `${page.lead === null ? '' : leadSection(page.lead)}
${answers(page)}
${filters(page)}
${kindSections(charts, await drawingsOf(charts))}
${trust(page)}
${unknownSection(page.unknown)}
${repeat(page, beside)}`,
      charts,
    },
    scripts,
  );
}

/** What a run says as a part of a larger page: its answers, if it has any, its charts, and what of it does not count. */
export function runSections(page: Page, drawn: Drawings, answered: boolean): string {
  return `${answered ? answers(page) : ''}
${kindSections(page.charts, drawn)}
${trust(page)}`;
}

function titleOf({ report: { title, models } }: Page): string {
  return [models.map(({ label }) => label).join(', '), title].filter((part) => part !== '').join(' – ');
}

function leadSection({ heading, blocks, notes }: Lead): string {
  const items = blocks.map(
    ({ heading: of, text: said, facts: told, table }) => `<li><h3>${text(of)}</h3>
${said === '' ? '' : `<p>${text(said)}</p>`}
${told.length === 0 ? '' : facts(told)}${table === null ? '' : tableHtml(table)}</li>`,
  );
  return `<section><h2>${text(heading)}</h2>
<ul class="answers">${items.join('\n')}</ul>
${notes.length === 0 ? '' : list(notes)}</section>`;
}

function facts(told: readonly Fact[]): string {
  return `<dl>${told.map(({ term, value }) => `<dt>${text(term)}</dt><dd>${text(value)}</dd>`).join('\n')}</dl>`;
}

function answers({ report: { sections, models } }: Page): string {
  const items = sections.map((section) => {
    const { model, setting, state, memoryState, conditions, answer, counts, rows, commands } = section;
    const name = [models.length > 1 ? model : '', setting ?? ''].filter((part) => part !== '').join(' · ');
    const programs = commandsTable(section);
    return `<li ${placesAttribute([{ model, setting, state, memoryState }])}><h3>${text(`${name === '' ? '' : `${name} · `}${state} · ${conditions}`)}</h3>
<p>${text(answer)}</p>${counts === '' ? '' : `<p class="soft">${text(counts)}</p>`}
${rows.length === 0 ? '' : `<details><summary>All figures</summary>${tableHtml(figuresTable(section))}</details>`}
${programs === null ? '' : `${tableHtml(programs)}<p class="soft">${text(commands?.counts ?? '')}</p>`}</li>`;
  });
  return `<section><h2>The answer, state by state</h2>
<ul class="answers">${items.join('\n')}</ul></section>`;
}

export function filters({ places, charts }: Pick<Page, 'places' | 'charts'>): string {
  if (charts.length === 0) return '';
  const distinct = (of: (place: Place) => string): readonly string[] => [...new Set(places.map(of))];
  const group = (name: string, legend: string, values: readonly string[]): string =>
    values.length < 2
      ? ''
      : `<fieldset><legend>${legend}</legend>${values
          .map(
            (value) =>
              `<label><input type="checkbox" name="${name}" value="${text(value)}" checked> ${text(value)}</label>`,
          )
          .join('')}</fieldset>`;
  const loaders = [...new Set(charts.flatMap(({ data }) => data.flatMap(({ loader }) => loader ?? [])))];
  return `<form class="filters" aria-label="Filter" autocomplete="off">
${group(
  'setting',
  'Model',
  distinct(({ model, setting }) => settingName(model, setting)),
)}
${group(
  'state',
  'Page cache',
  distinct(({ state }) => state),
)}
${group(
  'memoryState',
  'Free memory',
  distinct(({ memoryState }) => memoryState),
)}
<label>Loaders <input type="search" id="loaders" list="loader-names" placeholder="mmap, direct …"></label>
<datalist id="loader-names">${loaders.map((name) => `<option value="${text(name)}"></option>`).join('')}</datalist>
<span id="shown" class="soft" role="status"></span>
</form>`;
}

/** More rows than this hide each other; all are in the files beside the page. */
const MOST_ROWS = 200;

function trust({ report, strategy, exclusions, samples, disturbances }: Page): string {
  const warnings = strategy.slice(0, MOST_ROWS);
  const left = exclusions.slice(0, MOST_ROWS);
  return `<section><h2>What was asked for and not had</h2>
${warnings.length === 0 ? '<p>No sample has a warning: each loader did what its name says.</p>' : tableHtml({ head: ['Loader', 'Warning'], rows: warnings.map(({ loaders, warning }) => [loaders === '' ? 'run' : loaders, warning]) })}${cutNote(strategy.length)}
</section>
<section><h2>Samples that do not count</h2>
<p>${samples.excluded === 0 ? `Of ${samples.total} samples all count.` : `${samples.excluded} of ${samples.total} samples are in the ledger, but not in these numbers.`}${exclusions.some(({ outcome }) => outcome === 'unsupported') ? ' What is unsupported here was not weighed.' : ''}</p>
${left.length === 0 ? '' : tableHtml({ head: ['Loader', 'Where', 'Samples', 'Outcome', 'Reason'], rows: left.map(({ loader, place, count, outcome, reason }) => [loader, place, String(count), outcome, reason]) })}${cutNote(exclusions.length)}
</section>
<section><h2>Noise</h2>
<p>${samples.disturbed === 0 ? 'No sample was seen to be disturbed.' : samples.disturbed === 1 ? 'One sample was disturbed; it is kept and counts like the others.' : `${samples.disturbed} samples were disturbed; they are kept and count like the others.`}</p>
${disturbances.length === 0 ? '' : tableHtml({ head: ['Disturbed by', 'Samples'], rows: disturbances.map(({ what, samples: count }) => [what, String(count)]) })}
${report.notes.length === 0 ? '' : `<h3>Notes</h3>${list(report.notes)}`}
</section>
`;
}

export function unknownSection(unknown: readonly string[]): string {
  return `<section><h2>What this method cannot say here</h2>
${list(unknown)}
</section>`;
}

function cutNote(all: number): string {
  return all > MOST_ROWS ? `<p class="soft">… and ${all - MOST_ROWS} more, which are in the ledger.</p>` : '';
}

export function repeat(
  { environment, command }: Pick<Page, 'environment' | 'command'>,
  beside: readonly string[] = [],
): string {
  const address = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
  const links = beside.map((path) => `<a href="${text(address(path))}">${text(path)}</a>`);
  return `<section><h2>Environment, and how to repeat it</h2>
${facts(environment)}
<p>The run was made by this command:</p>
<pre>${text(command)}</pre>
${links.length === 0 ? '' : `<p>Every sample is beside this page: ${links.join(', ')}.</p>`}
</section>`;
}
