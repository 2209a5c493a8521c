/** The page of a history: what changed, then a chart for each figure. */
import type { HistoryPage } from '../src/gate/history-page.js';
import { headingOf, readingOf } from './chart-kinds.js';
import { escapeMarkup as text } from './escape.js';
import { drawingsOf, figureHtml, list } from './page-figures.js';
import { shellHtml, type PageScripts } from './page-shell.js';

export async function historyHtml(page: HistoryPage, scripts: PageScripts): Promise<string> {
  const drawn = await drawingsOf(page.charts);
  const shown = headingOf('trend');
  const groups = page.groups.map(
    ({ heading, period, charts, constant, undrawn }) => `<section class="kind"><h2>${text(heading)}</h2>
<p class="soft">${text(period)}</p>
${charts.map((chart) => figureHtml(chart, drawn, `${shown}, ${heading}`)).join('\n')}
${constant.length === 0 ? '' : `<p>The same in all runs: ${text(constant.join(', '))}.</p>`}
${undrawn.length === 0 ? '' : `<p>Without a chart here, where no change is found: ${text(undrawn.join(', '))}. The terminal shows them.</p>`}
</section>`,
  );
  return shellHtml(
    {
      title: page.title,
      header: `<h1>${text(page.title)}</h1>
<p class="answer">${text(page.headline)}</p>
<p class="soft">${text(readingOf('trend'))}</p>`,
      main: `${groups.join('\n')}
<section><h2>How changes are found</h2>
${list(page.notes)}
</section>`,
      charts: page.charts,
    },
    scripts,
  );
}
