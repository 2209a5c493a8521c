/** How the page looks: light and dark, wide and narrow, on screen and on paper. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1b2733; --soft: #4d5b68; --paper: #ffffff; --card: #f5f7f9; --line: #cfd6dd;
  --accent: #005a9c; --warn: #8a4b00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --soft: #aab6c2; --paper: #12181f; --card: #1b232c; --line: #394652; --accent: #7cc0f5; --warn: #ffb866; }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
body { margin: 0 auto; max-width: 1040px; padding: 1rem 1.25rem 4rem; color: var(--ink); background: var(--paper);
  overflow-wrap: anywhere; }
h1 { font-size: 1.05rem; font-weight: 600; color: var(--soft); margin: 0; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .3rem; line-height: 1.25; }
h3, h4, h5 { font-size: 1rem; margin: 0; font-weight: 600; }
h4 { font-size: 1.1rem; margin: 1.6rem 0 .3rem; }
figcaption h3 { margin: 0; }
p { margin: .4rem 0; max-width: 75ch; }
a { color: var(--accent); }
.answer { font-size: 1.45rem; line-height: 1.35; font-weight: 600; margin: .8rem 0 1rem; max-width: none; }
.soft, figcaption .note, .meta { color: var(--soft); font-size: .9rem; }
.answers p { max-width: none; }
.answers { padding: 0; list-style: none; margin: 0; }
.answers > li { padding: .6rem .9rem; margin: .5rem 0; background: var(--card); border-left: 4px solid var(--accent); }
.filters { position: sticky; top: 0; z-index: 2; display: none; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: center;
  margin: 1.2rem -1.25rem 0; padding: .5rem 1.25rem; background: var(--paper); border-block: 1px solid var(--line); }
.js .filters { display: flex; }
.filters fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .1rem .8rem; }
.filters legend { float: left; padding: 0; margin-right: .5rem; color: var(--soft); }
.filters input[type=search] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: 4px;
  padding: .15rem .5rem; width: 15rem; max-width: 100%; }
input:focus-visible, summary:focus-visible, a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
figure { margin: 1.1rem 0 1.6rem; padding: 0; }
figcaption { margin-bottom: .3rem; }
.drawing svg { display: block; max-width: none; color: var(--ink); }
.lines svg text { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.scroll { overflow-x: auto; }
.live { position: relative; min-width: 0; }
.live svg { overflow: visible; }
.empty { color: var(--soft); padding: .5rem 0; }
details { margin: .2rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .9rem; width: fit-content; }
table { border-collapse: collapse; font-size: .88rem; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th, td:not(:first-child) { overflow-wrap: normal; }
td:first-child { min-width: 9rem; }
th { color: var(--soft); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .92rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
pre { background: var(--card); padding: .7rem .9rem; white-space: pre-wrap; font-size: .88rem; margin: .5rem 0; border-radius: 4px; }
.verdict { white-space: nowrap; }
.verdict::before { content: ""; display: inline-block; width: .7em; height: .7em; margin-right: .4em; border-radius: 50%; background: #7f7f7f; }
.verdict.reproduced::before { background: #009e73; } .verdict.direction-only::before { background: #c07f00; }
.verdict.refuted::before { background: #d3443c; }
.verdicts td:first-child { min-width: 0; } .verdicts td:nth-child(2) { min-width: 12rem; } .verdicts td:nth-child(4) { min-width: 18rem; }
.part { margin: .6rem 0; padding: .6rem .9rem; background: var(--card); border-left: 4px solid var(--line); }
.part[open] { background: none; } .part > summary { font-size: 1rem; } .part > summary h3 { display: inline; }
.part .answer { font-size: 1.1rem; }
abbr { text-decoration: none; }
#tip { position: fixed; z-index: 9; pointer-events: none; white-space: pre-line; max-width: 22rem; padding: .4rem .6rem; border-radius: 4px;
  background: var(--ink); color: var(--paper); font-size: .85rem; line-height: 1.35; box-shadow: 0 2px 8px #0006; }
[hidden] { display: none !important; }
@media (max-width: 620px) {
  body { padding: .7rem .8rem 3rem; } .answer { font-size: 1.15rem; } h2 { font-size: 1.15rem; }
  .filters { position: static; margin-inline: -.8rem; padding-inline: .8rem; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; }
  .scroll td:not(:first-child) { min-width: 4.8rem; }
  .verdicts thead { display: none; } .verdicts tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .verdicts td { display: block; border: 0; padding: .1rem 0; } .verdicts td:first-child { display: none; }
}
@page { margin: 14mm 12mm; }
@media print {
  :root { --ink: #000; --soft: #333; --paper: #fff; --card: #fff; --line: #999; --accent: #000; --warn: #000; color-scheme: light; }
  body { max-width: none; padding: 0; } .filters, #tip { display: none !important; }
  figure, tr, pre, .answers > li { break-inside: avoid; } h2, h3, h2 + p { break-after: avoid; } .scroll { overflow: visible; }
  .drawing svg { max-width: 100%; height: auto; }
}
`;
