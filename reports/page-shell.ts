/**
 * What every page is: one file that needs nothing else. Its scripts are the same whatever was measured, and the policy in its
 * head lets no other run, and nothing be fetched.
 */
import type { Chart } from '../src/report/page.js';
import type { Width } from './chart-layout.js';
import { expressionsOf, specKey, vegaSpec } from './chart-svg.js';
import { escapeMarkup as text, jsonForScript } from './escape.js';
import { pageStyle } from './page-style.js';

/** Scripts that a page holds, as text. */
export interface PageScripts {
  /** vega.min.js */
  readonly vega: string;
  /** reports/client/page.mjs */
  readonly page: string;
}

export interface Shell {
  readonly title: string;
  /** Markup, in which all that a run named is escaped. */
  readonly header: string;
  readonly main: string;
  /** Those that `main` has a figure of, with ids that are unique among them. */
  readonly charts: readonly Chart[];
}

const WIDTHS: readonly Width[] = ['wide', 'narrow'];

export async function shellHtml({ title, header, main, charts }: Shell, scripts: PageScripts): Promise<string> {
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
<title>${text(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="data">${jsonForScript({ charts: charts.map(dataOf), specs: specsOf(charts) })}</script>
${parts.map((part) => `<script>${part}</script>`).join('\n')}
</body>
</html>
`;
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
