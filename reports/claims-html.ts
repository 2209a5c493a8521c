/** The page of the claims: verdicts first, then what was measured for each, then the parts with all their charts. */
import type { ClaimSection } from '../src/report/claims.js';
import type { ClaimsPage, ClaimsPagePart } from '../src/report/claims-page.js';
import { headingOf } from './chart-kinds.js';
import { escapeMarkup as text } from './escape.js';
import { drawingsOf, figureHtml, list, tableHtml, type Drawings } from './page-figures.js';
import { repeat, runSections, unknownSection } from './page-html.js';
import { shellHtml, type PageScripts } from './page-shell.js';

export async function claimsHtml(page: ClaimsPage, scripts: PageScripts): Promise<string> {
  const { report, charts, headline, parts } = page;
  const drawn = await drawingsOf(charts);
  return shellHtml(
    {
      title: report.title,
      header: `<h1>${text(report.title)}</h1>
<p class="answer">${text(headline)}</p>
<p class="meta">${text(report.machine)}</p>`,
      main: `${verdicts(page)}
${report.claims.map((claim, index) => claimSection(claim, page.claims[index]?.charts ?? [], drawn)).join('\n')}
${report.notes.length === 0 ? '' : `<section><h2>What to know before believing it</h2>${list(report.notes)}</section>`}
<section><h2>The parts in full</h2>
<p class="soft">Each part is a run of its own, and its ledger lies in the folder of its name. Open one for all its charts.</p>
</section>
${parts.map((part) => partSection(part, drawn)).join('\n')}
${page.unknown.length === 0 ? '' : unknownSection(page.unknown)}
${repeat(page)}`,
      charts,
    },
    scripts,
  );
}

function verdicts({ report, claims }: ClaimsPage): string {
  const rows = report.claims.map(
    ({ number, claim, verdict, why }, index) => `<tr><td>${number}</td>
<td><a href="#claim${number}">${text(claim)}</a></td>
<td>${badge(verdict)}</td>
<td>${(claims[index]?.deciding ?? []).map((line) => `${text(line)}<br>`).join('')}<span class="soft">${text(why)}</span></td></tr>`,
  );
  return `<section><h2>Verdicts</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Verdicts"><table class="verdicts"><thead><tr><th scope="col"><abbr title="Number">#</abbr></th><th scope="col">Claim</th><th scope="col">Verdict</th><th scope="col">What decides it</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div></section>`;
}

function badge(verdict: string): string {
  return `<strong class="verdict ${text(verdict.replaceAll(' ', '-'))}">${text(verdict)}</strong>`;
}

function claimSection(
  { number, claim, verdict, why, asks, lines, notes }: ClaimSection,
  charts: ClaimsPage['charts'],
  drawn: Drawings,
): string {
  return `<section class="kind" id="claim${number}"><h2>${number}. ${text(claim)}</h2>
<p>${badge(verdict)}: ${text(why)}.</p>
<p class="soft">Asked was: ${text(asks)}.</p>
${charts.map((chart) => figureHtml(chart, drawn, headingOf('claim'))).join('\n')}
${tableHtml({
  head: ['Measure', 'Where', 'Median', 'Spread', 'Verdict'],
  rows: lines.map(({ what, place, median, bounds, verdict: of }) => [what, place, median, bounds, of ?? '']),
})}
${list(notes)}
</section>`;
}

function partSection({ name, why, page, timed, reason }: ClaimsPagePart, drawn: Drawings): string {
  if (page === null) {
    return `<p class="part"><strong>${text(name)}</strong>: ${text(why)}. Not weighed: ${text(reason)}.</p>`;
  }
  return `<details class="part"><summary><h3>${text(name)}</h3>: ${text(why)}</summary>
${timed ? `<p class="answer">${text(page.headline)}</p>` : ''}
${deeper(runSections(page, drawn, timed))}
</details>`;
}

/** Headings of a run's page two levels down. What a run named holds no tag: it is escaped. */
function deeper(html: string): string {
  return html.replace(/<(\/?)h([23])\b/g, (_, end: string, level: string) => `<${end}h${Number(level) + 2}`);
}
