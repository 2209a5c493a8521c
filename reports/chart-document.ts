/** A chart as an SVG document of its own: on white, with its heading and what must be said of it. */
import type { Chart } from '../src/report/page.js';
import { headingOf, readingOf } from './chart-kinds.js';
import { FONT } from './chart-layout.js';
import { chartSvg } from './chart-svg.js';
import { escapeXml } from './escape.js';
import { wrap } from './text-layout.js';

const MARGIN = 16;
/** Of the lines above the chart, pixels. */
const LINE = 17;
const CHARACTERS = 140;

export async function chartDocument(chart: Chart): Promise<string> {
  const svg = await chartSvg(chart);
  const [, width = '960'] = /\bwidth="([\d.]+)"/.exec(svg) ?? [];
  const [, height = '300'] = /\bheight="([\d.]+)"/.exec(svg) ?? [];
  const heading = headingOf(chart.kind, [chart]);
  const notes = wrap(`${readingOf(chart.kind, [chart])} ${chart.note}`, CHARACTERS);
  const top = MARGIN + 46 + notes.length * LINE;
  const whole = { width: Number(width) + 2 * MARGIN, height: Number(height) + top + MARGIN };
  const line = (text: string, y: number, look: string): string =>
    `<text x="${MARGIN}" y="${y}" ${look}>${escapeXml(text)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${whole.width}" height="${whole.height}" viewBox="0 0 ${whole.width} ${whole.height}" font-family="${escapeXml(FONT)}" fill="#1b2733" color="#1b2733">
<title>${escapeXml(`${heading}: ${chart.title}`)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${line(heading, MARGIN + 16, 'font-size="19"')}
${line(chart.title, MARGIN + 36, 'font-size="14"')}
${notes.map((text, index) => line(text, MARGIN + 54 + index * LINE, 'font-size="12" fill="#4d5b68"')).join('\n')}
${svg.replace('<svg ', `<svg x="${MARGIN}" y="${top}" `)}
</svg>
`;
}
