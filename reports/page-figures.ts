/** Charts and tables as they stand in a page: each chart as a drawing for where scripts are off, with its data behind it. */
import type { Chart, ChartKind, Place, Table } from '../src/report/page.js';
import { hasCells, headingOf, kinds, readingOf } from './chart-kinds.js';
import { chartSvg } from './chart-svg.js';
import { escapeMarkup as text } from './escape.js';

/** Drawings by the id of their chart. */
export type Drawings = ReadonlyMap<string, string>;

export async function drawingsOf(charts: readonly Chart[]): Promise<Drawings> {
  const drawn = new Map<string, string>();
  for (const chart of charts) drawn.set(chart.id, await chartSvg(chart));
  return drawn;
}

/** A section for each kind of chart, in the order of a page. */
export function kindSections(charts: readonly Chart[], drawn: Drawings): string {
  return (Object.keys(kinds) as ChartKind[])
    .map((kind) => {
      const of = charts.filter((chart) => chart.kind === kind);
      return kindSection(of, headingOf(kind, of), readingOf(kind, of), drawn);
    })
    .join('');
}

function kindSection(charts: readonly Chart[], heading: string, reading: string, drawn: Drawings): string {
  if (charts.length === 0) return '';
  return `<section class="kind"><h2>${text(heading)}</h2><p class="soft">${text(reading)}</p>
${charts.map((chart) => figureHtml(chart, drawn, heading)).join('\n')}</section>
`;
}

/** `heading`: what the chart shows, for those who only hear it. */
export function figureHtml({ id, kind, title, note, places, table }: Chart, drawn: Drawings, heading: string): string {
  return `<figure id="${id}" class="${hasCells(kind) ? 'cells' : 'lines'}" ${placesAttribute(places)} aria-labelledby="${id}-title">
<figcaption><h3 id="${id}-title">${text(title)}</h3><p class="note">${text(note)}</p></figcaption>
<div class="drawing"><div class="static scroll" tabindex="0" role="group" aria-label="${text(`${heading}: ${title}`)}">${embedded(drawn.get(id) ?? '', id)}</div><div class="live"></div><p class="empty" hidden>No loader here has such a name.</p></div>
${table.rows.length === 0 ? '' : `<details><summary>The same as a table</summary>${tableHtml(table)}</details>`}
</figure>`;
}

/**
 * Ids of clip paths are unique in one drawing, and have to be in the page. What marks are called by is left out: the table
 * below says the same, and the page would be twice as large.
 */
function embedded(svg: string, id: string): string {
  return svg
    .replace(/ (?:aria-label|aria-roledescription|role)="[^"]*"/g, '')
    .replace(/(\bid="|url\(#)([\w-]+)/g, (_, before: string, name: string) => `${before}${id}-${name}`)
    .replace('<svg ', '<svg aria-hidden="true" ');
}

export function tableHtml({ head, rows }: Table): string {
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${head.map((cell) => `<th scope="col">${text(cell)}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`).join('\n')}</tbody></table></div>`;
}

export function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${text(item)}</li>`).join('\n')}</ul>`;
}

export function placesAttribute(places: readonly Place[]): string {
  const named = places.map(({ model, setting, state, memoryState }) => ({
    setting: settingName(model, setting),
    state,
    memoryState,
  }));
  return `data-places="${text(JSON.stringify(named))}"`;
}

export function settingName(model: string, setting: string | null): string {
  return setting === null ? model : `${model} · ${setting}`;
}
