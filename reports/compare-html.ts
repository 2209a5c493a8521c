/** The page of a comparison: what is compared and what differs, the answer a place with its figures, charts, and notes. */
import type { Comparison } from '../src/report/compare.js';
import { escapeMarkup as text } from './escape.js';
import { drawingsOf, kindSections, list, placesAttribute, tableHtml } from './page-figures.js';
import { filters } from './page-html.js';
import { shellHtml, type PageScripts } from './page-shell.js';

export async function compareHtml(comparison: Comparison, scripts: PageScripts): Promise<string> {
  const { title, headline, runs, machines, charts } = comparison;
  return shellHtml(
    {
      title: `${runs.map(({ name }) => name).join(', ')} – ${title}`,
      header: `<h1>${text(title)}</h1>
<p class="answer">${text(headline)}</p>
<p class="meta">${machines.map(({ name, fingerprint, line, runs: own }) => text(`${name}: ${own.join(', ')} · ${line === '' ? fingerprint : line}`)).join('<br>')}</p>`,
      main: `${whatIsCompared(comparison)}
${answers(comparison)}
${filters(comparison)}
${kindSections(charts, await drawingsOf(charts))}
${rates(comparison)}
${lacking(comparison)}
${believing(comparison)}
${repeat(comparison)}`,
      charts,
    },
    scripts,
  );
}

function whatIsCompared({ runs, machines, differences, same }: Comparison): string {
  const facts = {
    head: ['', ...runs.map(({ name }) => name)],
    rows: [
      ['On', ...runs.map(({ machine }) => machines[machine]?.name ?? '')],
      ['Started', ...runs.map(({ startedAt }) => startedAt.slice(0, 16).replace('T', ' '))],
      ['Samples', ...runs.map(({ samples }) => String(samples.total))],
      ['Do not count', ...runs.map(({ samples }) => String(samples.excluded))],
      ['Disturbed', ...runs.map(({ samples }) => String(samples.disturbed))],
      ['Ended', ...runs.map(({ stopped }) => stopped ?? 'not recorded')],
      ...differences.map(({ term, values }) => [term, ...values]),
    ],
  };
  const alike = same.map(({ term, value }) => `<dt>${text(term)}</dt><dd>${text(value)}</dd>`).join('\n');
  return `<section><h2>The runs, and what differs between them</h2>
${tableHtml(facts)}
${same.length === 0 ? '' : `<details><summary>What is the same in all of them</summary><dl>${alike}</dl></details>`}</section>`;
}

function answers({ sections }: Comparison): string {
  const compared = sections.filter(({ runs }) => runs.length > 1);
  if (compared.length === 0) return '';
  const items = compared.map(
    ({ place, heading, answer, table, remarks }) => `<li ${placesAttribute([place])}><h3>${text(heading)}</h3>
<p>${text(answer)}</p>${remarks.length === 0 ? '' : list(remarks)}
<details><summary>All figures</summary>${tableHtml(table)}</details></li>`,
  );
  return `<section aria-labelledby="answers-title"><h2 id="answers-title">State by state</h2>
<ul class="answers">${items.join('\n')}</ul></section>`;
}

function rates({ rates: all }: Comparison): string {
  return all
    .map(
      ({ heading, table }) =>
        `<section><h2>${text(`Rates of each model · ${heading}`)}</h2>${tableHtml(table)}</section>`,
    )
    .join('\n');
}

function lacking({ lacks }: Comparison): string {
  if (lacks.length === 0) return '';
  return `<section><h2>Not in all runs</h2>
${list(lacks.map((lack) => lack.text))}</section>`;
}

function believing({ notes, unknown }: Comparison): string {
  return `<section><h2>What to know before believing it</h2>
${list(notes)}</section>
${unknown.length === 0 ? '' : `<section><h2>What this method cannot say here</h2>${list(unknown)}</section>`}`;
}

function repeat({ runs }: Comparison): string {
  return `<section><h2>How to repeat it</h2>
${runs.map(({ name, directory, command }) => `<h3>${text(name)}</h3><p class="soft">${text(directory)}</p><pre>${text(command)}</pre>`).join('\n')}</section>`;
}
