/**
 * The page: one file that needs nothing else, with every chart as a drawing for where scripts are off, and its data as a
 * table and for the charts that scripts draw. Its scripts are the same whatever was measured, and the policy in its head
 * lets no other run, and nothing be fetched.
 */
import type { Chart, Page, Place, Table } from '../src/report/page.js';
import { kinds } from './chart-kinds.js';
import type { Width } from './chart-layout.js';
import { chartSvg, expressionsOf, specKey, vegaSpec } from './chart-svg.js';
import { escapeMarkup as text, jsonForScript } from './escape.js';
import { pageStyle } from './page-style.js';

/** Scripts that the page holds, as text. */
export interface PageScripts {
  /** vega.min.js */
  readonly vega: string;
  /** reports/client/page.mjs */
  readonly page: string;
}

const WIDTHS: readonly Width[] = ['wide', 'narrow'];

/** `beside`: files with every sample, by their paths from the page's own folder. */
export async function pageHtml(page: Page, scripts: PageScripts, beside: readonly string[] = []): Promise<string> {
  const { charts, report, headline } = page;
  const drawn = new Map<string, string>();
  for (const chart of charts) drawn.set(chart.id, await chartSvg(chart));
  const parts = charts.length === 0 ? [] : [scripts.vega, expressionScript(charts), scripts.page];
  for (const part of parts) {
    if (/<\/script|<!--/i.test(part)) throw new RangeError('a script of the page would end its element');
  }
  const policy = [
    "default-src 'none'",
    `script-src ${parts.length === 0 ? "'none'" : (await Promise.all(parts.map(sourceHash))).join(' ')}`,
    `style-src ${await sourceHash(pageStyle)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${text(titleOf(page))}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${text(report.title)}</h1>
<p class="answer">${text(headline)}</p>
<p class="meta">${text(report.machine)}${report.models.map(({ label, detail }) => `<br>${text(`${label} · ${detail}`)}`).join('')}</p>
</header>
<main>
${answers(page)}
${charts.length === 0 ? '' : filters(page)}
${Object.entries(kinds)
  .map(([kind, { heading, reading }]) =>
    kindSection(
      charts.filter((chart) => chart.kind === kind),
      heading,
      reading,
      drawn,
    ),
  )
  .join('')}
${trust(page)}
${repeat(page, beside)}
</main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="data">${jsonForScript({ charts: charts.map(dataOf), specs: specsOf(charts) })}</script>
${parts.map((part) => `<script>${part}</script>`).join('\n')}
</body>
</html>
`;
}

function titleOf({ report: { title, models } }: Page): string {
  return [models.map(({ label }) => label).join(', '), title].filter((part) => part !== '').join(' – ');
}

/** As a policy names a script or a style: by its SHA-256. */
async function sourceHash(source: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(source)));
  return `'sha256-${btoa(String.fromCharCode(...digest))}'`;
}

function specsOf(charts: readonly Chart[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    charts.flatMap((chart) => WIDTHS.map((width) => [specKey(chart, width), vegaSpec(chart, width)] as const)),
  );
}

/** Of every specification on the page, whose expressions hold nothing of a run. */
function expressionScript(charts: readonly Chart[]): string {
  const codes = new Set(charts.flatMap((chart) => WIDTHS.flatMap((width) => expressionsOf(vegaSpec(chart, width)))));
  const entries = [...codes].map((code) => `${jsonForScript(code)}:function(_,datum,event,item){return(${code});}`);
  return `globalThis.weighbridgeExpressions={${entries.join(',\n')}};`;
}

function dataOf({ id, kind, unit, data }: Chart) {
  return { id, kind, unit, data };
}

function placesAttribute(places: readonly Place[]): string {
  const named = places.map(({ model, setting, state, memoryState }) => ({
    setting: settingName(model, setting),
    state,
    memoryState,
  }));
  return `data-places="${text(JSON.stringify(named))}"`;
}

function settingName(model: string, setting: string | null): string {
  return setting === null ? model : `${model} · ${setting}`;
}

function answers({ report: { sections, models } }: Page): string {
  const items = sections.map(({ model, setting, state, memoryState, conditions, answer, counts }) => {
    const name = [models.length > 1 ? model : '', setting ?? ''].filter((part) => part !== '').join(' · ');
    return `<li ${placesAttribute([{ model, setting, state, memoryState }])}><h3>${text(`${name === '' ? '' : `${name} · `}${state} · ${conditions}`)}</h3>
<p>${text(answer)}</p>${counts === '' ? '' : `<p class="soft">${text(counts)}</p>`}</li>`;
  });
  return `<section aria-labelledby="answers-title"><h2 id="answers-title">The answer, state by state</h2>
<ul class="answers">${items.join('\n')}</ul></section>`;
}

function filters({ places, charts }: Page): string {
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

function kindSection(
  charts: readonly Chart[],
  heading: string,
  reading: string,
  drawn: ReadonlyMap<string, string>,
): string {
  if (charts.length === 0) return '';
  return `<section class="kind"><h2>${text(heading)}</h2><p class="soft">${text(reading)}</p>
${charts.map((chart) => figure(chart, drawn.get(chart.id) ?? '', heading)).join('\n')}</section>
`;
}

function figure({ id, title, note, places, table }: Chart, svg: string, heading: string): string {
  return `<figure id="${id}" ${placesAttribute(places)} aria-labelledby="${id}-title">
<figcaption><h3 id="${id}-title">${text(title)}</h3><p class="note">${text(note)}</p></figcaption>
<div class="drawing"><div class="static scroll" tabindex="0" role="group" aria-label="${text(`${heading}: ${title}`)}">${embedded(svg, id)}</div><div class="live"></div><p class="empty" hidden>No loader here has such a name.</p></div>
<details><summary>The same as a table</summary>${tableHtml(table)}</details>
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

function tableHtml({ head, rows }: Table): string {
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${head.map((cell) => `<th scope="col">${text(cell)}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`).join('\n')}</tbody></table></div>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${text(item)}</li>`).join('\n')}</ul>`;
}

/** More rows than this hide each other; all are in the files beside the page. */
const MOST_ROWS = 200;

function trust({ report, strategy, exclusions, samples, disturbances, unknown }: Page): string {
  const warnings = strategy.slice(0, MOST_ROWS);
  const left = exclusions.slice(0, MOST_ROWS);
  return `<section><h2>What was asked for and not had</h2>
${warnings.length === 0 ? '<p>No sample has a warning: each loader did what its name says.</p>' : tableHtml({ head: ['Loader', 'Warning'], rows: warnings.map(({ loaders, warning }) => [loaders === '' ? 'run' : loaders, warning]) })}${cutNote(strategy.length)}
</section>
<section><h2>Samples that do not count</h2>
<p>${samples.excluded} of ${samples.total} samples are in the ledger, but not in these numbers; loaders that are unsupported here have none.</p>
${left.length === 0 ? '' : tableHtml({ head: ['Loader', 'Where', 'Samples', 'Outcome', 'Reason'], rows: left.map(({ loader, place, count, outcome, reason }) => [loader, place, String(count), outcome, reason]) })}${cutNote(exclusions.length)}
</section>
<section><h2>Noise</h2>
<p>${samples.disturbed === 0 ? 'No sample was seen to be disturbed.' : `${samples.disturbed} samples were disturbed; they are kept and count like the others.`}</p>
${disturbances.length === 0 ? '' : tableHtml({ head: ['Disturbed by', 'Samples'], rows: disturbances.map(({ what, samples: count }) => [what, String(count)]) })}
${report.notes.length === 0 ? '' : `<h3>Notes</h3>${list(report.notes)}`}
</section>
<section><h2>What this method cannot say here</h2>
${list(unknown)}
</section>
`;
}

function cutNote(all: number): string {
  return all > MOST_ROWS ? `<p class="soft">… and ${all - MOST_ROWS} more, which are in the ledger.</p>` : '';
}

function repeat({ environment, command }: Page, beside: readonly string[]): string {
  const links = beside.map((path) => `<a href="${text(encodeURI(path))}">${text(path)}</a>`);
  return `<section><h2>Environment, and how to repeat it</h2>
<dl>${environment.map(({ term, value }) => `<dt>${text(term)}</dt><dd>${text(value)}</dd>`).join('\n')}</dl>
<p>The run was made by this command:</p>
<pre>${text(command)}</pre>
${links.length === 0 ? '' : `<p>Every sample is beside this page: ${links.join(', ')}.</p>`}
</section>`;
}
